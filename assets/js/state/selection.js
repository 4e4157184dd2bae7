// Objects, which one is selected, and what a click means. Nothing here touches the page.

/**
 * The object that is selected once `view` is there: the one that was, else the first, else none.
 */
export const selectedIn = (view, id) => {
  if (view.objects.some((object) => object.id === id)) return id;
  return view.objects.length ? view.objects[0].id : null;
};

/**
 * The neighbour of `id` in a list of ids, `by` places on; the ends stay, an unknown id counts as
 * before the first.
 */
export const neighbour = (ids, id, by) => ids[Math.max(0, Math.min(ids.length - 1, ids.indexOf(id) + by))] ?? null;

export const objectById = (view, id) => view.objects.find((object) => object.id === id) || null;

export const timelineOf = (view, id) => view.lanes.find((timeline) => timeline.object_id === id);

/** Objects that a person has marked on some frame. */
export const markedObjects = (view) => view.objects.filter((object) => object.marked);

/** Whether every marked object is tracked, and there is one. */
export const allTracked = (view) => {
  const marked = markedObjects(view);
  return marked.length > 0 && marked.every((object) => object.tracked);
};

/** How far an object has come, in words for the list. */
export const progressOf = (view, object) => {
  if (!object.marked) return "not marked yet";
  if (timelineOf(view, object.id)?.lost?.length) return "masks lost";
  if (object.tracked) return "tracked";
  return timelineOf(view, object.id).tracked ? "to track" : "marked";
};

/** The object of `view` that was not in `known`, a set of ids; null when there is none. */
export const newObject = (view, known) => view.objects.find((object) => !known.has(object.id)) || null;

export const isBrush = (tool) => tool === "brush" || tool === "eraser";

export const isClick = (tool) => tool === "mark" || tool === "unmark";

/**
 * Whether a click adds to the object. `reversed`: a key or a button turns the tool's sign around.
 */
export const clickAdds = (tool, reversed) => (tool === "unmark") === Boolean(reversed);

/** What is known of an object on a frame, in words. `object` is null when none is selected. */
export const frameWords = (object, frame, present) => {
  if (!object) return "";
  if (object.shape) {
    const here = object.shape.keys.some((key) => key.frame === frame);
    return here ? "drawn here" : present ? "drawn on other frames" : "not here";
  }
  const prompts = object.prompts.filter((prompt) => prompt.frame === frame);
  const clicks = prompts.filter((prompt) => prompt.kind !== "mask").length;
  const words = [];
  if (object.confirmed.includes(frame)) words.push(present ? "confirmed" : "confirmed: not here");
  if (clicks < prompts.length) words.push("corrected");
  if (clicks) words.push(`${clicks} mark${clicks > 1 ? "s" : ""}`);
  return words.join(", ") || (present ? "mask found by tracking" : "no mask here");
};
