// A picture of a person's own that is being laid on the frame: where its corners are, and what a
// grip on it does. Corners are [x, y] in source pixels: upper left, upper right, lower right, lower
// left. Nothing here touches the page.

import { clamp } from "./geometry.js";

const SHARE = 0.3; // of the frame's width that a new picture takes
const LEAST = 3; // source pixels that a side has at least
const GRIP = 12; // CSS pixels around a corner in which it is taken
const ARM = 34; // CSS pixels from the upper side to the knob that turns

const round = (value) => Math.round(value * 100) / 100;
const rounded = (corners) => corners.map((corner) => corner.map(round));
const plus = (a, b, times = 1) => [a[0] + times * b[0], a[1] + times * b[1]];
const minus = (a, b) => [a[0] - b[0], a[1] - b[1]];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1];
const cross = (a, b) => a[0] * b[1] - a[1] * b[0];
const norm = (a) => Math.hypot(a[0], a[1]);
const half = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];

export const middleOf = (corners) => half(half(corners[0], corners[2]), half(corners[1], corners[3]));

/** Where a picture of size [w, h] lies at first: in the middle of the frame. */
export const firstCorners = (clip, [w, h]) => {
  const scale = Math.min((SHARE * clip.width) / w, (0.6 * clip.height) / h);
  const [x, y] = [clip.width / 2, clip.height / 2];
  const [right, down] = [(w * scale) / 2, (h * scale) / 2];
  return rounded([
    [x - right, y - down],
    [x + right, y - down],
    [x + right, y + down],
    [x - right, y + down],
  ]);
};

/** Whether a picture can be laid on four corners: they go round a convex shape of some size. */
export const canLie = (corners) => {
  const sides = corners.map((corner, i) => minus(corners[(i + 1) % 4], corner));
  const turns = sides.map((side, i) => cross(side, sides[(i + 1) % 4]));
  const sameWay = turns.every((turn) => turn > 0) || turns.every((turn) => turn < 0);
  return sameWay && sides.every((side) => norm(side) >= LEAST);
};

const changed = (corners, next) => (canLie(next) ? rounded(next) : corners);

export const shifted = (corners, by) => rounded(corners.map((corner) => plus(corner, by)));

/** Larger or smaller by a factor about a point, which is the middle by default. */
export const scaled = (corners, factor, about = middleOf(corners)) =>
  changed(
    corners,
    corners.map((corner) => plus(about, minus(corner, about), factor)),
  );

/** Turned clockwise by an angle in degrees about the middle. */
export const turned = (corners, degrees) => {
  const middle = middleOf(corners);
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return rounded(
    corners.map((corner) => {
      const [x, y] = minus(corner, middle);
      return plus(middle, [x * cos - y * sin, x * sin + y * cos]);
    }),
  );
};

/** One corner alone put somewhere else. */
export const pinned = (corners, index, to) =>
  changed(
    corners,
    corners.map((corner, i) => (i === index ? to : corner)),
  );

/** Mirrored, left to right. */
export const flipped = ([a, b, c, d]) => [b, a, d, c];

/** The knob that turns the picture, in source pixels; `unit` is a CSS pixel in source pixels. */
export const knobOf = (corners, unit) => {
  const top = half(corners[0], corners[1]);
  const away = minus(top, middleOf(corners));
  return plus(top, away, (ARM * unit) / Math.max(norm(away), 1e-6));
};

/** Where the corners of its shadow lie: { angle, length, stands }. */
export const fallen = ([a, b, c, d], { angle, length, stands }) => {
  const tall = (norm(minus(a, d)) + norm(minus(b, c))) / 2;
  const turn = (angle * Math.PI) / 180;
  const away = [Math.cos(turn) * length * tall, Math.sin(turn) * length * tall];
  return stands ? [plus(d, away), plus(c, away), c, d] : [a, b, c, d].map((corner) => plus(corner, away));
};

const isWithin = (corners, point) => {
  const sides = corners.map((corner, i) => cross(minus(corners[(i + 1) % 4], corner), minus(point, corner)));
  return sides.every((side) => side >= 0) || sides.every((side) => side <= 0);
};

/**
 * What is taken hold of at a source point: { part: "corner", index }, { part: "knob" },
 * { part: "all" }, or null beside the picture. `unit` is a CSS pixel in source pixels.
 */
export const gripAt = (corners, point, unit, pins) => {
  const far = corners.map((corner) => norm(minus(corner, point)));
  const index = far.indexOf(Math.min(...far));
  if (far[index] <= GRIP * unit) return { part: "corner", index };
  if (!pins && norm(minus(knobOf(corners, unit), point)) <= GRIP * unit) return { part: "knob" };
  return isWithin(corners, point) ? { part: "all" } : null;
};

/**
 * The corners after a grip was dragged from one source point to another. `held` are the corners
 * when it was taken; with `pins` a corner moves alone, else the picture becomes larger or smaller.
 */
export const dragged = (held, grip, from, to, pins) => {
  if (grip.part === "all") return shifted(held, minus(to, from));
  if (grip.part === "knob") {
    const middle = middleOf(held);
    const [before, after] = [minus(from, middle), minus(to, middle)];
    return turned(held, (Math.atan2(cross(before, after), dot(before, after)) * 180) / Math.PI);
  }
  const by = minus(to, from);
  if (pins) return pinned(held, grip.index, plus(held[grip.index], by));
  const about = held[(grip.index + 2) % 4];
  const arm = minus(held[grip.index], about);
  const factor = clamp(dot(minus(plus(held[grip.index], by), about), arm) / dot(arm, arm), 0.02, 50);
  return scaled(held, factor, about);
};

/**
 * The projection of the unit square onto four corners, as a function of (u, v) that gives [x, y].
 */
export const projection = ([a, b, c, d]) => {
  const [e, f] = [minus(b, c), minus(d, c)];
  const g = plus(minus(a, b), minus(c, d));
  const scale = cross(e, f);
  const [p, q] = [cross(g, f) / scale, cross(e, g) / scale];
  return (u, v) => {
    const w = p * u + q * v + 1;
    return [0, 1].map((i) => ((b[i] - a[i] + p * b[i]) * u + (d[i] - a[i] + q * d[i]) * v + a[i]) / w);
  };
};
