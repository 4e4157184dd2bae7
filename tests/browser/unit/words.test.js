import {
  FIELDS,
  formExpands,
  formHasHoles,
  holesAt,
  positionOfHoles,
  steppedValue,
  typedValue,
} from "/js/state/adjustment.js";
import { toggleWord, wordsOf } from "/js/state/caption.js";
import {
  ago,
  duration,
  fileSize,
  memory,
  ordinal,
  placeInLine,
  plural,
  sentence,
  shortDuration,
} from "/js/state/format.js";
import { equal, test } from "./harness.js";

const GROUPS = { size: ["small", "large"], colour: ["red", "orange"], material: ["wooden"], kind: ["ball", "box"] };

test("a chip's word takes its natural place", () => {
  equal(toggleWord("a ball", "colour", "red", GROUPS), "a red ball");
  equal(toggleWord("a red ball", "size", "small", GROUPS), "a small red ball");
  equal(toggleWord("", "kind", "box", GROUPS), "a box");
});

test("a chip replaces another of its group, and its own word goes", () => {
  equal(toggleWord("a red ball", "colour", "orange", GROUPS), "an orange ball");
  equal(toggleWord("a red ball", "colour", "red", GROUPS), "a ball");
  equal(toggleWord("a ball", "kind", "ball", GROUPS), "");
});

test("other words stay until a noun is picked", () => {
  equal(toggleWord("the fluffy cat", "colour", "red", GROUPS), "a red fluffy cat");
  equal(toggleWord("the fluffy cat", "kind", "ball", GROUPS), "a ball");
});

test("words are letters and hyphens of any language", () => {
  equal(wordsOf("A Light-Blue Straße, 2 m!"), ["a", "light-blue", "straße", "m"]);
  equal(wordsOf(" 12 "), []);
});

test("positions of the holes slider and sizes lead to each other", () => {
  equal([holesAt(0), holesAt(1), holesAt(5), holesAt(16)], [0, 4, 64, -1]);
  for (let position = 0; position <= 16; position++) equal(positionOfHoles(holesAt(position)), position);
  equal([positionOfHoles(1), positionOfHoles(1e7)], [1, 15]);
});

test("typed values are kept within limits; other words are none", () => {
  equal([typedValue("pixels", " 12 "), typedValue("pixels", "−700"), typedValue("feather", "-3")], [12, -500, 0]);
  equal(
    [typedValue("holes", "All"), typedValue("pixels", "all"), typedValue("pixels", "1.5"), typedValue("smooth", "")],
    [-1, null, null, null],
  );
});

test("arrow keys step a value, holes along the slider", () => {
  equal(
    [
      steppedValue("smooth", 15, 1),
      steppedValue("pixels", -3, -1),
      steppedValue("holes", 8, 1),
      steppedValue("holes", -1, 1),
    ],
    [15, -4, 16, -1],
  );
  equal(FIELDS.holes.show(-1), "all");
});

test("hulls and boxes have no holes, expanding forms a size", () => {
  equal(
    ["mask", "mask+expand", "hull", "box+expand"].map((form) => [formExpands(form), formHasHoles(form)]),
    [
      [false, true],
      [true, true],
      [false, false],
      [true, false],
    ],
  );
});

test("a message is a sentence, and a file's name stays as it is", () => {
  equal(
    [sentence("no object yet"), sentence("clip.mp4 is empty"), sentence("Done!"), sentence("it (was) done")],
    ["No object yet.", "clip.mp4 is empty.", "Done!", "It (was) done."],
  );
});

test("times are given in the unit that fits", () => {
  equal(
    [duration(0.2), duration(89), duration(90), duration(5399), duration(5400)],
    ["1 s", "89 s", "2 min", "90 min", "1.5 h"],
  );
  equal([shortDuration(1.26), shortDuration(42.4), shortDuration(120)], ["1.3 s", "42 s", "2 min"]);
});

test("sizes are given in the unit that fits", () => {
  equal(
    [memory(999), memory(1500), fileSize(12), fileSize(2.5e6), fileSize(3e9)],
    ["999 MB", "1.5 GB", "1 kB", "2.5 MB", "3.0 GB"],
  );
});

test("counts and places in line", () => {
  equal([plural(1, "window"), plural(0, "window")], ["1 window", "0 windows"]);
  equal([1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal), [
    "1st",
    "2nd",
    "3rd",
    "4th",
    "11th",
    "12th",
    "13th",
    "21st",
    "102nd",
    "111th",
  ]);
  equal(placeInLine(1), "2nd in line");
});

test("how long ago is counted by days, not by hours", () => {
  const now = new Date(2026, 5, 10, 0, 30);
  const before = (hours) => ago(new Date(now - hours * 3.6e6).toISOString(), now);
  equal([before(0.01), before(0.4)], ["just now", "24 min ago"]);
  equal(before(2).startsWith("yesterday, "), true);
  equal([before(24 * 3), before(24 * 6)], ["3 days ago", "6 days ago"]);
  equal(before(24 * 9), new Date(2026, 5, 1).toLocaleDateString());
});
