import { besideResults, compared, compareMode, comparableResults, lanesOf, playedResult } from "/js/state/result.js";
import { set } from "/js/state/store.js";
import { equal, test } from "./harness.js";

test("windows of two keyframes over the same frames lie in two lanes, others over the whole height", () => {
  const forward = [
    [1, 17, true],
    [17, 30, true],
  ];
  const backward = [
    [14, 30, false],
    [1, 14, true],
  ];
  const after = [31, 40, true];
  equal(lanesOf([...forward, ...backward, after]), ["upper", "upper", "lower", "lower", "whole"]);
  equal(lanesOf([...forward, after]), ["whole", "whole", "whole"]);
});

test("while the final is made, the draft of the same keyframes and frames plays", () => {
  const draft = { id: "d", done: true, draft: true, stale: false, edits: ["k"], span: [0, 9] };
  const made = { id: "f", done: false, edits: ["k"], span: [0, 9] };
  const played = (result, results) => {
    set({ view: { result, results } });
    return playedResult();
  };
  equal(played(made, [draft]), draft);
  equal(played({ ...made, done: true }, [draft]).id, "f");
  equal(played(made, [{ ...draft, edits: ["other"] }]), null);
  equal(played(made, [{ ...draft, span: [0, 5] }]), null);
  equal(played(null, []), null);
  set({ view: null });
});

test("results of the same frames are compared, two under a divider, more beside each other", () => {
  const result = (id, stop = 9) => ({ id, done: true, edits: [id], span: [0, stop] });
  const [a, b, c] = ["a", "b", "c"].map((id) => result(id));
  set({ view: { result: a, results: [a, b, c, result("short", 5)] }, step: "propagate", compareResult: "wipe" });
  equal(comparableResults(), [b, c]);
  equal([besideResults(), compared(), compareMode()], [[], "result", "wipe"]);
  set({ besideIds: ["c", "short", "gone"] });
  equal([besideResults(), compared(), compareMode()], [[c], "results", "wipe"]);
  set({ besideIds: ["c", "b"] });
  equal([besideResults(), compared(), compareMode()], [[b, c], "several", "side"]);
  set({ besideIds: [], view: null, step: "video", compareResult: "side" });
});
