// In and Out: the part of the clip that is worked on. Set at the playhead, dragged along the ruler,
// or typed.

import { register } from "../state/commands.js";
import { clearMessage } from "../state/messages.js";
import { goTo } from "../state/project.js";
import { change, servers } from "../state/requests.js";
import { set, state } from "../state/store.js";
import { dragMarker, rangeFrom, rangeUpTo } from "../state/timeline.js";

/**
 * The range that is worked on, while a marker is dragged the one that it would give: { start, stop
 * }.
 */
export const workRange = () => state.trimming || state.view.clip;

/**
 * Work on the frames [start, stop) of the clip. Rejects, with a message shown, when that can't be.
 */
export const trimTo = (start, stop) => {
  const { clip } = state.view;
  if (start !== clip.start || stop !== clip.stop) return change(servers.video, "trim_clip", { start, stop });
  clearMessage("trim_clip");
  return Promise.resolve();
};

export const markIn = () => trimTo(...rangeFrom(state.view.clip, state.frame)).catch(() => {});

export const markOut = () => trimTo(...rangeUpTo(state.view.clip, state.frame)).catch(() => {});

register({ markIn, markOut });

/** Take hold of a marker, "start" or "stop". */
export const grabMarker = (edge) => {
  const { start, stop } = state.view.clip;
  set({ trimming: { edge, start, stop } });
};

/** Move the held marker to a frame. */
export const moveMarker = (frame) => {
  const trimming = dragMarker(state.trimming, frame, state.view.clip.frames);
  set({ trimming, playing: false });
  goTo(trimming.edge === "start" ? trimming.start : trimming.stop - 1); // its edge is shown
};

/**
 * Let go of the marker, and keep the range or not. It stays in sight until the program has
 * answered.
 */
export const dropMarker = (keep) => {
  if (!state.trimming) return;
  const { start, stop } = state.trimming;
  const done = () => set({ trimming: null });
  if (keep) trimTo(start, stop).then(done, done);
  else done();
};

export const describeMarker = (edge) => {
  const { start, stop } = state.view.clip;
  return edge === "start" ? `In, frame ${start}: drag, or press I` : `Out, frame ${stop - 1}: drag, or press O`;
};
