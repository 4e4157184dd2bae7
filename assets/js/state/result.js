// The result of propagation: whether it plays, what is missing of it, and its seams.

import { state } from "./store.js";
import { comparedTry, isDirect, shownTry, tryById } from "./tries.js";

export const VISIBLE_SEAM = 2; // a seam that scores more than this catches the eye

/**
 * The result that can be played: the one that is looked at; while that is being made, the draft of
 * the same frames, if there is one. Null for none.
 */
export const playedResult = () => {
  const { result, results } = state.view;
  if (!result || result.done) return result;
  const [start, stop] = result.span;
  const same = ({ draft, stale, span }) => draft && !stale && span[0] === start && span[1] === stop;
  return results.find((other) => same(other) && String(other.edits) === String(result.edits)) || null;
};

export const MOST_BESIDE = 3;

/** The finished results of the same frames that the played one can be compared with. */
export const comparableResults = () => {
  const played = playedResult();
  if (!played) return [];
  const [start, stop] = played.span;
  return state.view.results.filter(({ id, span }) => id !== played.id && span[0] === start && span[1] === stop);
};

/** Those of them that are shown beside it; none where it is compared with the clip before. */
export const besideResults = () =>
  comparableResults()
    .filter(({ id }) => state.besideIds.includes(id))
    .slice(0, MOST_BESIDE);

/** Whether the stage shows a finished result as video. */
export const resultPlays = () => Boolean(state.step === "propagate" && state.view && playedResult());

/** Windows of a result that are not made yet. */
export const missingWindows = (result) => result.windows.filter(([, , made]) => !made).length;

/**
 * Where each window lies on the strip: "whole", or "upper" and "lower" where those of two keyframes
 * go towards each other over the same frames.
 */
export const lanesOf = (windows) => {
  const meet = (one, two) => one !== two && one[0] < two[1] && two[0] < one[1];
  const upper = [];
  for (const window of windows) if (!upper.some((other) => meet(window, other))) upper.push(window);
  return windows.map((window) => {
    if (!windows.some((other) => meet(window, other))) return "whole";
    return upper.includes(window) ? "upper" : "lower";
  });
};

/**
 * Until the result is whole, the stage shows its frames as their windows come: { path, query };
 * else null.
 */
export const unfinishedResult = () => {
  const result = state.step === "propagate" && state.view && state.view.result;
  if (!result || playedResult()) return null;
  const made = result.windows.length - missingWindows(result);
  return { path: (frame) => `result/${result.id}/${frame}.jpg`, query: `n=${made}` };
};

/**
 * The accepted keyframe of the frame on the stage in step 5, until there is something of a result;
 * null for none.
 */
export const acceptedHere = () => {
  if (!state.view || state.step !== "propagate" || state.view.result) return null;
  const accepted = state.view.carried.map(tryById).filter((edit) => edit && edit.frame === state.frame);
  return accepted.findLast((edit) => !isDirect(edit)) || null;
};

/** Frames where a carried change lacks support: [{ start, stop, share, keyframe }]. */
export const unsupportedOf = (result) => result.report.unsupported || [];

/** Words for how a keyframe is carried; empty while nobody knows. */
export const carriedWords = (carried) =>
  ({
    change: "carried as a change of the source",
    picture: "carried as a picture",
    direct: "none: painted from the caption alone",
  })[carried] || "";

/** Where windows meet one another or a keyframe: [{ frame, score }]. */
export const seamsOf = (result) => result.report.joins || [];

/** The seam that stands out most; null when there is none. */
export const worstSeam = (seams) =>
  seams.reduce((worst, seam) => (seam.score > (worst ? worst.score : 0) ? seam : worst), null);

/**
 * What is compared on the stage: "result" (and the clip before), "results" (two), "several" (three
 * or four), "pair" (two tries), "keyframe" (a try and the frame) or null.
 */
export const compared = () => {
  if (!state.view) return null;
  if (resultPlays()) return ["result", "results"][besideResults().length] || "several";
  if (!shownTry()) return null;
  return comparedTry() ? "pair" : "keyframe";
};

/** How it is compared: "before", "wipe", "after", or "side" for results. */
export const compareMode = () => {
  if (state.step !== "propagate") return state.compareTry;
  const several = besideResults().length > 1 && state.compareResult !== "after"; // no divider parts four
  return several ? "side" : state.compareResult;
};
