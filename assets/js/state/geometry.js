// Geometry of the stage: where the frame lies, how screen and source pixels relate, boxes and brush
// strokes. Points are { x, y }, boxes { x0, y0, x1, y1 }. Nothing here touches the page.

export const MAX_ZOOM = 16; // times the size that fits

/**
 * The whole frame. x and y are the point of the frame, 0 to 1, that lies in the middle of the
 * stage.
 */
export const FIT = Object.freeze({ zoom: 1, x: 0.5, y: 0.5 });

const BRUSH = { least: 0.5, most: 400 }; // radius in source pixels

export const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

export const roundTenth = (value) => Math.round(value * 10) / 10;

export const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

/**
 * Where the frame lies in a stage of `room.width` by `room.height` CSS pixels: its top left corner
 * (x, y), CSS pixels a source pixel (`scale`), and the scale at which the whole frame fits (`fit`).
 */
export const placeFrame = (room, clip, viewport) => {
  const margin = Math.min(room.width, room.height) * 0.025;
  const fit = Math.min((room.width - 2 * margin) / clip.width, (room.height - 2 * margin) / clip.height);
  const scale = fit * viewport.zoom;
  const along = (length, size, middle) => {
    const free = length - size;
    if (free >= -2 * margin) return free / 2;
    return Math.min(margin, Math.max(free - margin, length / 2 - middle * size));
  };
  return {
    scale,
    fit,
    x: along(room.width, clip.width * scale, viewport.x),
    y: along(room.height, clip.height * scale, viewport.y),
  };
};

/**
 * The viewport after zooming by `factor` so that what lies at the point `at` of the stage stays
 * there; `by` moves it at the same time. Zoom stays within 1 and MAX_ZOOM.
 */
export const zoomAt = (room, clip, viewport, factor, at, by = { x: 0, y: 0 }) => {
  const before = placeFrame(room, clip, viewport);
  const zoom = clamp(viewport.zoom * factor, 1, MAX_ZOOM);
  if (zoom === 1) return FIT;
  const scale = before.fit * zoom;
  const held = toSource(before, at);
  const middle = {
    x: held.x + (room.width / 2 - at.x - by.x) / scale,
    y: held.y + (room.height / 2 - at.y - by.y) / scale,
  };
  return { zoom, x: clamp(middle.x / clip.width, 0, 1), y: clamp(middle.y / clip.height, 0, 1) };
};

/** A point of the stage in source pixels. */
export const toSource = (place, { x, y }) => ({ x: (x - place.x) / place.scale, y: (y - place.y) / place.scale });

/** Whether a source point lies on the frame. */
export const isInside = (clip, { x, y }) => x >= 0 && y >= 0 && x < clip.width && y < clip.height;

/** The nearest point on the frame or on its edge. */
export const clampPoint = (clip, { x, y }) => ({ x: clamp(x, 0, clip.width), y: clamp(y, 0, clip.height) });

/** A point as the program takes it: tenths of a pixel, inside the frame. */
export const promptPoint = (clip, { x, y }) => ({
  x: Math.min(roundTenth(x), clip.width - 0.1),
  y: Math.min(roundTenth(y), clip.height - 0.1),
});

/** The box between two corners, whichever they are. */
export const boxBetween = (a, b) => ({
  x0: Math.min(a.x, b.x),
  y0: Math.min(a.y, b.y),
  x1: Math.max(a.x, b.x),
  y1: Math.max(a.y, b.y),
});

/** A box as the program takes it, in tenths of a pixel; null when it is smaller than one pixel. */
export const promptBox = (box) => {
  const rounded = Object.fromEntries(Object.entries(box).map(([key, value]) => [key, roundTenth(value)]));
  return rounded.x1 - rounded.x0 >= 1 && rounded.y1 - rounded.y0 >= 1 ? rounded : null;
};

/**
 * The brush's radius in source pixels: the chosen one, or one that suits the clip (null: none is
 * open).
 */
export const brushRadius = (chosen, clip) => chosen || (clip ? Math.max(2, Math.round(clip.width / 60)) : 8);

/** The radius after making the brush larger or smaller; whole pixels above 3. */
export const resizeBrush = (radius, factor) => {
  const next = clamp(radius * factor, BRUSH.least, BRUSH.most);
  return next > 3 ? Math.round(next) : next;
};

/** Whether a stroke ([x, y] pairs) needs another point at `to`, or its last one is near enough. */
export const extendsStroke = (stroke, radius, to) => {
  const [x, y] = stroke[stroke.length - 1];
  return Math.hypot(to.x - x, to.y - y) >= Math.max(0.5, radius / 6);
};

/** Middle and distance of two fingers; they never count as nearer than 20 pixels. */
export const spread = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.max(20, distance(a, b)) });

/**
 * The middle of a region overlay, 0 to 1 across; null where there is no region. `data` are RGBA
 * values: the region is clear within a white line, everything else is dark.
 */
export const middleOfRegion = (data, width) => {
  let [first, last] = [width, -1];
  for (let i = 3, pixel = 0; i < data.length; i += 4, pixel++) {
    if (data[i] > 100 && data[i - 1] < 100) continue;
    first = Math.min(first, pixel % width);
    last = Math.max(last, pixel % width);
  }
  return last < 0 ? null : (first + last + 1) / 2 / width;
};

/**
 * A pixel { x, y }, or a { box }, in source pixels, as the command line takes it on a frame.
 */
export const spotArgument = ({ x, y, box }, frame) => {
  const numbers = box ? [box.x0, box.y0, box.x1, box.y1].map(Math.round) : [x, y].map(Math.floor);
  return `--${box ? "box" : "point"} ${frame}:${numbers.join(",")}`;
};
