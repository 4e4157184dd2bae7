import { ancestorsOf, askedOf, taskWords, treeRows, tryTitle, usualTask } from "/js/state/tries.js";
import { equal, test } from "./harness.js";

const tree = (...pairs) => pairs.map(([id, parent = null]) => ({ id, parent }));
const ids = (rows) => rows.map(({ edit }) => edit.id);
const none = new Set();

test("step 4 opens on the task of the last try, and before the first on changing", () => {
  const edits = [
    { id: "a", task: "add" },
    { id: "b", task: "delete" },
    { id: "c", task: "add", insert: {} },
  ];
  equal(
    [
      usualTask({ edits: [], proposed_for: null }),
      usualTask({ edits: [], proposed_for: "delete" }),
      usualTask({ edits, proposed_for: "modify" }),
      usualTask({ edits, accepted: "a", proposed_for: "modify" }),
    ],
    ["modify", "delete", "delete", "add"],
  );
});

test("the newest try stands first", () => {
  const edits = tree(["a"], ["b"], ["c"]);
  equal(ids(treeRows(edits, edits, none)), ["c", "b", "a"]);
});

test("what grew out of a try stands below it, indented", () => {
  const edits = tree(["a"], ["b", "a"], ["c"], ["d", "a"], ["e", "b"]);
  const rows = treeRows(edits, edits, none);
  equal(ids(rows), ["c", "a", "d", "b", "e"]);
  equal(
    rows.map(({ level }) => level),
    [0, 0, 1, 1, 2],
  );
});

test("lines go on only where more of the branch follows", () => {
  const edits = tree(["a"], ["b", "a"], ["c", "a"], ["d", "c"]);
  const lines = treeRows(edits, edits, none).map((row) => row.lines);
  equal(lines, [[], ["tee"], ["through", "end"], ["end"]]);
});

test("each row knows its place among its neighbours", () => {
  const edits = tree(["a"], ["b", "a"], ["c", "a"]);
  equal(
    treeRows(edits, edits, none).map(({ place, of }) => [place, of]),
    [
      [1, 1],
      [1, 2],
      [2, 2],
    ],
  );
});

test("a folded branch is counted and not shown", () => {
  const edits = tree(["a"], ["b", "a"], ["c", "b"], ["d"]);
  const rows = treeRows(edits, edits, new Set(["a"]));
  equal(ids(rows), ["d", "a"]);
  equal([rows[1].closed, rows[1].grown, rows[1].forks], [true, 2, true]);
});

test("a try from which nothing grew can't be folded", () => {
  const edits = tree(["a"]);
  equal(treeRows(edits, edits, new Set(["a"]))[0].closed, false);
});

test("below a try that is not shown, its children stand at the next ancestor that is", () => {
  const edits = tree(["a"], ["b", "a"], ["c", "b"], ["d", "c"]);
  const shown = edits.filter(({ id }) => id !== "b" && id !== "c");
  equal(
    treeRows(edits, shown, none).map(({ edit, parent, level }) => [edit.id, parent, level]),
    [
      ["a", null, 0],
      ["d", "a", 1],
    ],
  );
});

test("a try whose parent was deleted stands at the top", () => {
  const edits = tree(["b", "gone"]);
  equal(
    treeRows(edits, edits, none).map(({ level, parent }) => [level, parent]),
    [[0, null]],
  );
});

test("ancestors are found up to the first that is gone", () => {
  const edits = tree(["a", "gone"], ["b", "a"], ["c", "b"]);
  equal(ancestorsOf(edits, edits[2]), ["b", "a"]);
  equal(ancestorsOf(edits, edits[0]), []);
  equal(ancestorsOf(edits, null), []);
});

test("a try is called by its name, its caption or what it does", () => {
  equal(
    [tryTitle({ name: "Best", caption: "x" }), tryTitle({ name: "", caption: "a ball" }), tryTitle({})],
    ["Best", "a ball", "Removed"],
  );
});

test("what was asked names the task, or the other program", () => {
  equal(askedOf({ model: "m", task: "modify", caption: "a ball" }), "Change “a ball”");
  equal(askedOf({ model: "m", task: "delete", caption: "" }), "Remove");
  equal(askedOf({ model: "m", task: "add", caption: "a ball", carried: "direct" }), "Add “a ball”, without a keyframe");
  equal(askedOf({ model: null, caption: "" }), "From another program");
  equal(taskWords({ task: "delete", caption: "" }, " the object"), "Remove the object");
});
