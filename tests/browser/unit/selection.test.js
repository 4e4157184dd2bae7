import {
  allTracked,
  clickAdds,
  frameWords,
  isBrush,
  isClick,
  markedObjects,
  neighbour,
  newObject,
  progressOf,
  selectedIn,
} from "/js/state/selection.js";
import { equal, test } from "./harness.js";

const view = (...objects) => ({
  objects,
  lanes: objects.map(({ id, stretch }) => ({ object_id: id, tracked: stretch || null })),
});

test("the selected object stays while it is there", () => {
  equal(selectedIn(view({ id: 1 }, { id: 2 }), 2), 2);
});

test("when the selected object goes, the first is selected, or none", () => {
  equal(selectedIn(view({ id: 1 }, { id: 2 }), 7), 1);
  equal(selectedIn(view({ id: 4 }), null), 4);
  equal(selectedIn(view(), 7), null);
});

test("neighbours stop at the ends", () => {
  equal([neighbour([3, 5, 9], 5, 1), neighbour([3, 5, 9], 9, 1), neighbour([3, 5, 9], 3, -1)], [9, 9, 3]);
});

test("without a selection the neighbour is the first, in an empty list none", () => {
  equal([neighbour([3, 5], null, 1), neighbour([3, 5], null, -1), neighbour([], null, 1)], [3, 3, null]);
});

test("a click adds with the click tool and takes away with the minus tool", () => {
  equal([clickAdds("mark", false), clickAdds("unmark", false)], [true, false]);
});

test("Alt and the right button turn the tool's sign around", () => {
  equal([clickAdds("mark", true), clickAdds("unmark", true), clickAdds("box", true)], [false, true, false]);
});

test("tools are clicks, brushes or the box", () => {
  equal(
    ["mark", "unmark", "box", "brush", "eraser"].map((tool) => [isClick(tool), isBrush(tool)]),
    [
      [true, false],
      [true, false],
      [false, false],
      [false, true],
      [false, true],
    ],
  );
});

test("all is tracked only when something is marked and none of it is left", () => {
  equal(allTracked(view()), false);
  equal(allTracked(view({ id: 1, marked: false, tracked: false })), false);
  equal(allTracked(view({ id: 1, marked: true, tracked: true }, { id: 2, marked: false })), true);
  equal(allTracked(view({ id: 1, marked: true, tracked: true }, { id: 2, marked: true, tracked: false })), false);
});

test("only marked objects count as marked", () => {
  equal(
    markedObjects(view({ id: 1, marked: true }, { id: 2 })).map(({ id }) => id),
    [1],
  );
});

test("the list says how far each object has come", () => {
  const objects = [
    { id: 1 },
    { id: 2, marked: true },
    { id: 3, marked: true, stretch: [0, 9] },
    { id: 4, marked: true, tracked: true },
  ];
  const whole = view(...objects);
  equal(
    objects.map((object) => progressOf(whole, object)),
    ["not marked yet", "marked", "to track", "tracked"],
  );
});

test("a new object is one that was not known", () => {
  equal(newObject(view({ id: 1 }, { id: 2 }), new Set([1])).id, 2);
  equal(newObject(view({ id: 1 }), new Set([1])), null);
});

const object = (prompts, confirmed = []) => ({ prompts, confirmed });
const click = (frame) => ({ kind: "point", frame });

test("what is known of a frame is said in a few words", () => {
  equal(frameWords(null, 3, false), "");
  equal(frameWords(object([]), 3, false), "no mask here");
  equal(frameWords(object([click(2)]), 3, true), "mask found by tracking");
  equal(frameWords(object([click(3)]), 3, true), "1 mark");
  equal(frameWords(object([click(3), { kind: "box", frame: 3 }, click(4)]), 3, true), "2 marks");
  equal(frameWords(object([click(3), { kind: "mask", frame: 3 }]), 3, true), "corrected, 1 mark");
});

test("a confirmed frame says whether the object is on it", () => {
  equal(frameWords(object([], [3]), 3, true), "confirmed");
  equal(frameWords(object([], [3]), 3, false), "confirmed: not here");
});
