// Where a change happened: the step and, where there is one, the frame. Nothing here touches the
// page.

import { STEPS } from "./project.js";

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const pick = (items, keys) => items.map((item) => keys.map((key) => item[key]));

/** The items of one list that the other has not, by how they look; those of the newer list first. */
const odd = (before, after) => [
  ...after.filter((item) => !before.some((other) => same(item, other))),
  ...before.filter((item) => !after.some((other) => same(item, other))),
];

const ADJUSTED = ["id", "edited", "adjustment"];
const ids = (edits) => edits.map((edit) => ({ id: edit.id, frame: edit.frame }));
const marks = (objects) => objects.flatMap(({ id, prompts }) => prompts.map((prompt) => ({ id, ...prompt })));
const confirmed = (objects) => objects.flatMap(({ id, confirmed: frames }) => frames.map((frame) => ({ id, frame })));

/**
 * What differs between two views of a project: { step, frame }; null when nothing does. The frame
 * is null where it is of no one frame, the step for In and Out, which every step shows. What follows
 * from a change is not taken for the change.
 */
export const whereChanged = (before, after) => {
  const differ = (read) => !same(read(before), read(after));
  const frameOf = (read) => odd(read(before), read(after))[0]?.frame ?? null;
  const at = (step, read) => ({ step, frame: read ? frameOf(read) : null });
  const common = (view, other) => view.objects.filter(({ id }) => other.objects.some((one) => one.id === id));

  if (differ((view) => view.layers)) return at("propagate");
  if (differ((view) => ids(view.edits))) return at("keyframe", (view) => ids(view.edits));
  if (differ(({ clip }) => [clip.start, clip.stop, clip.deinterlaced])) return at(null);
  if (differ((view) => view.adjustment)) return at("adjust");
  if (!same(pick(common(before, after), ADJUSTED), pick(common(after, before), ADJUSTED))) return at("adjust");
  if (differ((view) => marks(view.objects))) return at("select", (view) => marks(view.objects));
  if (differ((view) => confirmed(view.objects))) return at("select", (view) => confirmed(view.objects));
  if (differ((view) => [view.objects, view.masks_rev])) return at("select");
  if (differ((view) => [view.edits, view.accepted, view.carried, view.shadows])) return at("keyframe");
  return differ((view) => view.result) ? at("propagate") : null;
};

/** The step itself where it is open, else the nearest before it that is. */
export const nearestOpen = (view, step) =>
  STEPS.slice(0, STEPS.indexOf(step) + 1)
    .reverse()
    .find((name) => name === "video" || view.steps[name].open);
