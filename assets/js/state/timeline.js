// Frames along the timeline: ranges, frames to check, In and Out, shots. Ranges of frames are
// [start, stop), half-open. Nothing here touches the page.

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

/**
 * What to check, in order: a Map from frames to { timeline, words }. A run of suspect frames counts
 * once, and so does a shot that begins without a prompt.
 */
export const framesToCheck = (timelines, cuts) => {
  const found = new Map();
  for (const timeline of timelines) {
    let previous = null;
    for (const [frame, , words] of timeline.suspect) {
      if (previous !== frame - 1) found.set(frame, { timeline, words });
      previous = frame;
    }
    for (const frame of timeline.pending) {
      if (!cuts.includes(frame) || timeline.prompted.includes(frame) || covers(timeline.confirmed, frame)) continue;
      found.set(frame, { timeline, words: "a new shot: click the object, or say that it's not here" });
    }
  }
  return new Map([...found].sort(([a], [b]) => a - b));
};

/**
 * What to check on `frame`: an entry of `framesToCheck` that begins there, or whose run goes on
 * there; else null.
 */
export const checkOn = (list, frame) => {
  if (list.has(frame)) return list.get(frame);
  const earlier = [...list].filter(([start]) => start <= frame).map(([, entry]) => entry);
  return earlier.find(({ timeline }) => timeline.suspect.some(([suspect]) => suspect === frame)) || null;
};

/** The next of sorted frames after `frame` (`by` > 0) or before it, going round at the ends. */
export const nextFrame = (frames, frame, by) =>
  by > 0
    ? (frames.find((other) => other > frame) ?? frames[0])
    : (frames.findLast((other) => other < frame) ?? frames[frames.length - 1]);

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
