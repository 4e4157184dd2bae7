import {
  canLie,
  dragged,
  firstCorners,
  flipped,
  gripAt,
  knobOf,
  middleOf,
  projection,
  scaled,
  turned,
} from "/js/state/laying.js";
import { equal, near, test } from "./harness.js";

const SQUARE = [
  [10, 10],
  [30, 10],
  [30, 30],
  [10, 30],
];

test("a new picture lies in the middle of the frame in its own shape", () => {
  const corners = firstCorners({ width: 400, height: 300 }, [60, 30]);
  equal(middleOf(corners), [200, 150]);
  equal([corners[1][0] - corners[0][0], corners[2][1] - corners[1][1]], [120, 60]);
});

test("grips are the corners, the knob and the picture itself", () => {
  equal(gripAt(SQUARE, [31, 31], 0.2, false), { part: "corner", index: 2 });
  equal(gripAt(SQUARE, knobOf(SQUARE, 0.2), 0.2, false), { part: "knob" });
  equal(gripAt(SQUARE, knobOf(SQUARE, 0.2), 0.2, true), null);
  equal(gripAt(SQUARE, [20, 20], 0.2, false), { part: "all" });
  equal(gripAt(SQUARE, [50, 20], 0.2, false), null);
});

test("a corner makes it larger about the opposite one, or is pinned alone", () => {
  equal(dragged(SQUARE, { part: "corner", index: 2 }, [30, 30], [50, 50], false), [
    [10, 10],
    [50, 10],
    [50, 50],
    [10, 50],
  ]);
  equal(dragged(SQUARE, { part: "corner", index: 2 }, [30, 30], [34, 29], true)[2], [34, 29]);
  equal(dragged(SQUARE, { part: "corner", index: 2 }, [30, 30], [5, 5], true), SQUARE); // it would bend inwards
});

test("the knob turns it by the angle around its middle", () => {
  equal(dragged(SQUARE, { part: "knob" }, [20, 0], [40, 20], false), [
    [30, 10],
    [30, 30],
    [10, 30],
    [10, 10],
  ]);
  equal(turned(SQUARE, 90), dragged(SQUARE, { part: "knob" }, [20, 0], [40, 20], false));
});

test("what no picture can lie on is told", () => {
  equal(canLie(SQUARE), true);
  equal(canLie(flipped(SQUARE)), true); // seen from behind
  equal(canLie([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]]), false);
  equal(canLie(scaled(SQUARE, 0.01)), true); // it stays as it was
});

test("the picture is projected onto its corners", () => {
  const corners = [
    [0, 0],
    [10, 2],
    [8, 9],
    [1, 6],
  ];
  const at = projection(corners);
  [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ].forEach(([u, v], i) => near({ ...at(u, v) }, { ...corners[i] }));
  near({ ...projection(SQUARE)(0.5, 0.25) }, { 0: 20, 1: 15 });
});
