// What part of the frame the stage shows, and how large: the state's viewport laid out in the stage
// as it is now.

import { register } from "../state/commands.js";
import { FIT, placeFrame, zoomAt } from "../state/geometry.js";
import { set, state } from "../state/store.js";

/**
 * Where the frame lies on the stage: { x, y, scale, fit } in CSS pixels; null until it was drawn
 * once.
 */
export let place = null;

let stage = null;

/** Lay the frame out in the stage, an element, as large as that is now. */
export const layOut = (element) => {
  stage = element;
  if (state.view) place = placeFrame(stage.getBoundingClientRect(), state.view.clip, state.viewport);
};

/**
 * Zoom by `factor` and keep what lies at the point `at` of the stage where it is; `by` moves it at
 * the same time.
 */
export const zoomTo = (factor, at, by) => {
  if (!state.view || !stage) return;
  set({ viewport: zoomAt(stage.getBoundingClientRect(), state.view.clip, state.viewport, factor, at, by) });
};

/** Zoom around the middle of the stage. */
export const zoom = (factor) => {
  if (!stage) return;
  const { width, height } = stage.getBoundingClientRect();
  zoomTo(factor, { x: width / 2, y: height / 2 });
};

export const fit = () => set({ viewport: FIT });

register({ zoom, fit });
