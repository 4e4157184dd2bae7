// What the Track button of step 2 would track now.

import { timelineOf } from "./selection.js";
import { state } from "./store.js";
import { covers, trackSpan } from "./timeline.js";

/**
 * { timeline, span } of the selected object from this frame; null for all objects, or where there
 * is no mask to start from.
 */
export const trackPlan = () => {
  const timeline = state.view ? timelineOf(state.view, state.object) : null;
  if (state.step !== "select" || state.trackWay === "clip" || !timeline) return null;
  if (!covers(timeline.present, state.frame)) return null;
  return { timeline, span: trackSpan(state.view, timeline, state.frame, state.trackWay, state.trackStop) };
};
