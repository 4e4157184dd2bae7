// Shapes that are drawn on some frames: what they are on the others, and what is taken hold of.
// Points are [x, y] in source pixels. Nothing here touches the page.

const POINT_REACH = 11; // CSS pixels around a point in which it is taken

const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
const tenth = (value) => Math.round(value * 10) / 10;

export const roundedPoint = ({ x, y }) => [tenth(x), tenth(y)];

/** The points of a shape { keys: [{ frame, points }] } on a frame; [] where it is not there. */
export const pointsAt = ({ keys }, frame) => {
  const after = keys.find((key) => key.frame > frame);
  const before = keys.findLast((key) => key.frame <= frame);
  if (!before) return after.points;
  if (!after || before.points.length !== after.points.length) return before.points;
  const share = (frame - before.frame) / (after.frame - before.frame);
  return before.points.map(([x, y], i) => {
    const [u, v] = after.points[i];
    return [x + share * (u - x), y + share * (v - y)];
  });
};

/** The index of the point at a place, within reach; -1 where there is none. */
export const pointNear = (points, at, unit) => {
  const ways = points.map((point) => far(point, at));
  const index = ways.indexOf(Math.min(...ways));
  return index >= 0 && ways[index] <= POINT_REACH * unit ? index : -1;
};

/** Whether a place lies within the outline. */
export const isInShape = (points, [x, y]) => {
  let inside = false;
  points.forEach(([ax, ay], i) => {
    const [bx, by] = points[(i + 1) % points.length];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  });
  return inside;
};

/** The points after a drag `by`: one of them (`index`), or all of them (-1). */
export const draggedPoints = (points, index, [dx, dy]) =>
  points.map(([x, y], i) => (index < 0 || i === index ? [tenth(x + dx), tenth(y + dy)] : [tenth(x), tenth(y)]));

/**
 * Trace the outline of closed points on a canvas's path: straight, or a smooth curve through them.
 */
export const traceShape = (path, points, curve) => {
  const at = (i) => points[(i + points.length) % points.length];
  path.moveTo(...at(0));
  for (let i = 0; i < points.length; i++) {
    const [before, from, to, behind] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    if (!curve) path.lineTo(...to);
    else {
      const handle = (a, b, c, sign) => [0, 1].map((k) => a[k] + (sign * (c[k] - b[k])) / 6);
      path.bezierCurveTo(...handle(from, before, to, 1), ...handle(to, from, behind, -1), ...to);
    }
  }
};
