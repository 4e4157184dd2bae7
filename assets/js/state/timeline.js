// Frames along the timeline: ranges, frames to check, In and Out, shots. Ranges of frames are
// [start, stop), half-open. Nothing here touches the page.

import { plural } from "./format.js";
import { clamp } from "./geometry.js";

const GAPS = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2500, 5000, 10000];

/** Whether one of the ranges covers the frame. */
export const covers = (ranges, frame) => ranges.some(([start, stop]) => start <= frame && frame < stop);

/** The frame nearest to `frame` that the clip has. */
export const frameInClip = (clip, frame) => clamp(Math.round(frame), 0, clip.frames - 1);

/** Frames between two numbers on the ruler, so that they don't run into each other. */
export const rulerGap = (pixelsPerFrame, rem) => GAPS.find((gap) => gap * pixelsPerFrame > 4.5 * rem) || 50000;

/** The frame under x of a timeline that is `width` pixels wide; may lie outside the clip. */
export const frameAtX = (x, width, frames) => Math.floor((x / width) * frames);

/** The object timeline under `y` of the canvas; null on the ruler and below the last one. */
export const rowAtY = (timelines, y, ruler, row) => timelines[Math.floor((y - ruler) / row)] || null;

/**
 * How far to scroll so that row `index` is in sight, given what is scrolled now and the room for
 * rows.
 */
export const scrollToRow = (index, row, room, scrolled) =>
  Math.min(index * row, Math.max(scrolled, (index + 1) * row - room));

/**
 * The last frame that some object timeline covers now and did not before; null when there is none.
 */
export const lastNewFrame = (before, now) => {
  let last = null;
  for (const timeline of now) {
    const old = before.find((other) => other.object_id === timeline.object_id);
    for (const [start, stop] of timeline.present) {
      for (let frame = stop - 1; frame >= start && (last === null || frame > last); frame--) {
        if (!old || !covers(old.present, frame)) last = frame;
      }
    }
  }
  return last;
};

const NEW_SHOT = "a new shot: click the object, or say that it's not here";

/**
 * What to check on one object timeline: [{ start, stop, words }], each one mark on the timeline. A
 * run of suspect frames is one, and so is a shot that begins without a prompt.
 */
export const checksOf = ({ suspect, pending, prompted, confirmed }, cuts) => {
  const found = [];
  for (const [frame, , words] of suspect) {
    const last = found[found.length - 1];
    if (last && frame <= last.stop) last.stop = frame + 1;
    else found.push({ start: frame, stop: frame + 1, words });
  }
  const waits = (frame) => cuts.includes(frame) && !prompted.includes(frame) && !covers(confirmed, frame);
  const shots = pending.filter(waits).map((frame) => ({ start: frame, stop: frame + 1, words: NEW_SHOT }));
  return [...found, ...shots].sort((one, two) => one.start - two.start);
};

/** What to check on all timelines, in order: [{ timeline, start, stop, words }]. */
export const allChecks = (timelines, cuts) =>
  timelines
    .flatMap((timeline) => checksOf(timeline, cuts).map((check) => ({ timeline, ...check })))
    .sort((one, two) => one.start - two.start);

/** How many there are, in words: frames, or places where some are longer. */
export const checkWords = (checks) =>
  `${plural(checks.length, checks.every(({ start, stop }) => stop === start + 1) ? "frame" : "place")} to check`;

/** The check of an object on a frame, or else of another object there; null for none. */
export const checkOn = (checks, frame, object) => {
  const here = checks.filter(({ start, stop }) => start <= frame && frame < stop);
  return here.find(({ timeline }) => timeline.object_id === object) || here[0] || null;
};

/**
 * The next check after the one of `object` at `frame` (`by` > 0) or the one before it, going round
 * at the ends.
 */
export const nextCheck = (checks, frame, object, by) => {
  const at = checks.findIndex(({ start, timeline }) => start === frame && timeline.object_id === object);
  if (at >= 0) return checks[(at + by + checks.length) % checks.length];
  if (by > 0) return checks.find(({ start }) => start > frame) ?? checks[0];
  return checks.findLast(({ start }) => start < frame) ?? checks[checks.length - 1];
};

/** What the tooltip says about a frame of an object timeline (null: of the ruler). */
export const describeFrame = (timeline, frame) => {
  if (!timeline) return `Frame ${frame}`;
  const words = [];
  const suspect = timeline.suspect.find(([other]) => other === frame);
  if (suspect) words.push(suspect[2]);
  if (timeline.prompted.includes(frame)) words.push("marked");
  if (covers(timeline.confirmed, frame)) words.push("confirmed");
  if (timeline.pending.includes(frame)) words.push("asks for tracking");
  return `${timeline.name}, frame ${frame}${words.length ? `: ${words.join(", ")}` : ""}`;
};

// In and Out

/**
 * The range after setting In at a frame. At or after Out it lets go of Out, as in other editors.
 */
export const rangeFrom = (clip, frame) => [frame, frame < clip.stop ? clip.stop : clip.frames];

/** The range after setting Out at a frame. Before In it lets go of In. */
export const rangeUpTo = (clip, frame) => [frame >= clip.start ? clip.start : 0, frame + 1];

/**
 * The marker under (x, y) of the ruler: "start", "stop" or null. Over the playhead's handle the
 * playhead wins.
 */
export const markerUnder = (clip, frame, at, width, rem) => {
  const near = (edge) => Math.abs(at.x - (edge / clip.frames) * width) <= 0.55 * rem;
  if (at.y < 0.6 * rem && Math.abs(at.x - ((frame + 0.5) / clip.frames) * width) <= 0.5 * rem) return null;
  if (near(clip.stop)) return "stop";
  return near(clip.start) ? "start" : null;
};

/**
 * The range { edge, start, stop } after its edge is dragged to a frame; at least one frame stays
 * inside.
 */
export const dragMarker = (range, frame, frames) =>
  range.edge === "start"
    ? { ...range, start: clamp(frame, 0, range.stop - 1) }
    : { ...range, stop: Math.min(frames, Math.max(frame + 1, range.start + 1)) };

/** The shot around a frame, within In and Out: [start, stop). */
export const shotAround = (clip, cuts, frame) => {
  const at = clamp(frame, clip.start, clip.stop - 1);
  const edges = [clip.start, ...cuts.filter((cut) => clip.start < cut && cut < clip.stop), clip.stop];
  const next = edges.findIndex((edge) => edge > at);
  return [edges[next - 1], edges[next]];
};

/**
 * The frames [start, stop) through which an object is tracked from a frame: `way` is "backward",
 * "both" or "forward", and `stop` says where that ends, with the "shot" or before the next "marked"
 * frame.
 */
export const trackSpan = (view, timeline, frame, way, stop) => {
  const [first, end] = shotAround(view.clip, view.cuts, frame);
  const confirmed = timeline.confirmed.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));
  const marks = stop === "marked" ? [...timeline.prompted, ...confirmed] : [];
  const before = marks.filter((mark) => mark < frame && mark >= first).map((mark) => mark + 1);
  const after = marks.filter((mark) => mark > frame && mark < end);
  return [
    way === "forward" ? frame : Math.max(first, ...before),
    way === "backward" ? frame + 1 : Math.min(end, ...after),
  ];
};

/**
 * About `seconds` of the clip from a frame on, moved back where the clip ends before: [start,
 * stop).
 */
export const secondsFrom = (clip, frame, seconds) => {
  const length = Math.max(1, Math.round(seconds * clip.rate));
  const start = Math.max(0, Math.min(frame, clip.frames - length));
  return [start, Math.min(clip.frames, start + length)];
};
