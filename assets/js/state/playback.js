// Time and frames: clocks, time stamps, and which frame is shown while frames fly by. Nothing here
// touches the page.

const NEAR = 0.01; // of the clip: so far a frame may stand in for another while they fly by

/** A frame's time as MM:SS.hh. */
export const clockText = (frame, rate) => {
  const hundredths = Math.floor((frame / rate) * 100 + 1e-6);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(Math.floor(hundredths / 6000))}:${two(Math.floor(hundredths / 100) % 60)}.${two(hundredths % 100)}`;
};

/**
 * When a frame begins, in seconds. `stamps` are the clip's own times, null while its rate is
 * constant.
 */
export const timeOf = (frame, rate, stamps) => {
  if (!stamps) return frame / rate;
  return stamps[Math.min(frame, stamps.length - 1)] + (frame >= stamps.length ? 1 / rate : 0);
};

/**
 * The middle of a frame in time. Players round: a time inside the frame is safe, one on its edge is
 * not.
 */
export const middleTime = (frame, rate, stamps) => (timeOf(frame, rate, stamps) + timeOf(frame + 1, rate, stamps)) / 2;

/** The frame that a player shows `time` seconds after frame `first`; never after `last`. */
export const frameAtTime = (time, first, last, rate, stamps) => {
  const wanted = time + timeOf(first, rate, stamps) + 1e-4;
  if (!stamps) return Math.min(last, Math.floor(wanted * rate + 1e-3));
  let [low, high] = [first, last];
  while (low < high) {
    const half = (low + high + 1) >> 1;
    if (stamps[half] <= wanted) low = half;
    else high = half - 1;
  }
  return low;
};

/**
 * The frame to ask for while the playhead flies over a long clip, `stride` frames a move: the
 * nearest entry point (a frame that is decoded at once) when it is near enough, else the very
 * frame.
 */
export const frameToShow = (entries, frame, stride, frames) => {
  if (!entries.length) return frame;
  const next = entries.findIndex((entry) => entry >= frame);
  const above = entries[next] ?? Infinity;
  const below = entries[(next < 0 ? entries.length : next) - 1] ?? -Infinity;
  const nearest = above - frame < frame - below ? above : below;
  return Math.abs(nearest - frame) <= Math.max(2 * stride, frames * NEAR) ? nearest : frame;
};

/**
 * The frame to show `elapsed` milliseconds after `from`: the newest one that is due and here
 * (`isReady`). `due` is the frame that the clock has reached; when the two differ, the clock has to
 * wait.
 */
export const frameDue = (from, current, elapsed, clip, isReady) => {
  const due = Math.min(clip.stop - 1, from + Math.floor(elapsed / (1000 / clip.rate)));
  let frame = due;
  while (frame > current && !isReady(frame)) frame -= 1;
  return { due, frame };
};
