// The page's memory: what is looked at (step, frame, object) and what the server said last
// (`view`). Parts of the page subscribe to keys and redraw when one of them changes.

import { FIT } from "./geometry.js";

export const state = {
  view: null,
  step: "video",
  frame: 0,
  led: null, // the frame that the step was opened on, where somebody was led to one
  object: null, // id of the selected object
  playing: false,
  loop: false,
  offline: false, // the program does not answer
  reconnected: 0, // how often it answered again
  uploading: false,
  opening: null,
  message: null, // the one that is shown
  resultId: null, // the result that was chosen among those that are finished
  besideIds: [], // other results that are shown beside the chosen one
  mixing: null, // opacity and blend that are tried out on a result, { opacity, blend }
  fetched: null, // id of the job that fetched a model last
  dark: false,

  trackWay: "clip", // what is tracked: all through the "clip", or one "backward", "both", "forward"
  trackStop: "shot", // where that ends: with the "shot", or before the next "marked" frame

  // the stage
  viewport: FIT,
  tool: "mark",
  brush: 0, // radius in source pixels; 0: the default for the clip
  spot: null, // the source pixel under the pointer, { x, y }, with the `box` that is being drawn
  cursor: null, // the keyboard's pointer, in source pixels
  clicked: null, // the last click or box that was answered, { frame, object }
  pending: [], // prompts that the program has not answered yet
  showMasks: true,
  showRegion: false,
  compareTry: "wipe",
  compareResult: "side",
  wipe: 0.5, // the divider, 0 to 1 across the frame
  trimming: null, // { edge, start, stop }: an In or Out marker that is being dragged
  adjusting: false, // an adjustment is on its way to the program

  // tries
  tryId: null,
  againstId: null, // the try that the chosen one is compared with
  branch: null, // the try that the next ones branch from
  forObject: null, // id of the object that the next ones are for; null for all that are edited
  onlyStarred: false,
  laying: null, // the picture that is being laid on the frame, see steps/lay_picture.js
  triesFolded: false,
};

const listeners = [];
let dirty = new Set();

const flush = () => {
  const keys = dirty;
  dirty = new Set();
  for (const { wanted, react } of listeners) if (wanted.some((key) => keys.has(key))) react(keys);
};

/** Change keys of the state. Subscribers run once, after everything that runs now. */
export const set = (changes) => {
  for (const [key, value] of Object.entries(changes)) {
    if (state[key] === value) continue;
    state[key] = value;
    if (!dirty.size) queueMicrotask(flush);
    dirty.add(key);
  }
};

/**
 * Call `react` with the set of changed keys: now with an empty set, then whenever one of `keys`
 * ("view step") changes.
 */
export const on = (keys, react) => {
  listeners.push({ wanted: keys.split(" "), react });
  react(new Set());
};
