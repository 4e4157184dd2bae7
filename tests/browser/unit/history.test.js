import { nearestOpen, whereChanged } from "/js/state/history.js";
import { equal, test } from "./harness.js";

const object = (changes) => ({ id: 1, edited: true, adjustment: null, prompts: [], confirmed: [], ...changes });
const view = (changes) => ({
  layers: [],
  clip: { start: 0, stop: 9, deinterlaced: false },
  adjustment: { form: "box" },
  objects: [object()],
  masks_rev: "a",
  edits: [{ id: "k", frame: 3, stale: false }],
  accepted: null,
  carried: [],
  shadows: true,
  result: null,
  ...changes,
});

test("a change is found in the step and on the frame where it was made", () => {
  const before = view();
  const stale = [{ id: "k", frame: 3, stale: true }];
  const marked = [object({ prompts: [{ kind: "point", frame: 5, x: 1, y: 2 }] })];
  const where = (changes) => whereChanged(before, view(changes));
  equal(where({}), null);
  equal(where({ edits: [] }), { step: "keyframe", frame: 3 });
  equal(where({ objects: marked, masks_rev: "b", edits: stale }), { step: "select", frame: 5 });
  equal(where({ objects: [object({ confirmed: [4] })] }), { step: "select", frame: 4 });
  equal(where({ masks_rev: "b", edits: stale }), { step: "select", frame: null });
  equal(where({ adjustment: { form: "hull" }, edits: stale }), { step: "adjust", frame: null });
  equal(where({ objects: [object({ edited: false })] }), { step: "adjust", frame: null });
  equal(where({ clip: { start: 1, stop: 9, deinterlaced: false } }), { step: null, frame: null });
  equal(where({ accepted: "k" }), { step: "keyframe", frame: null });
  equal(where({ result: { id: "r" } }), { step: "propagate", frame: null });
  equal(where({ layers: [{ id: "r" }], edits: [], objects: [] }), { step: "propagate", frame: null });
});

test("a step that is closed gives way to the one before it", () => {
  const [open, shut] = [{ open: true }, { open: false }];
  const steps = { select: open, adjust: open, keyframe: shut, propagate: shut };
  equal(nearestOpen({ steps }, "propagate"), "adjust");
  equal(nearestOpen({ steps }, "select"), "select");
});
