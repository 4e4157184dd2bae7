// The picture that is being laid on the frame, as the stage shows it: the picture itself in
// perspective, its outline and its handles.

import { projectUrl } from "../state/project.js";
import { canLie, dragged, fallen, gripAt, knobOf, projection } from "../state/laying.js";
import { set, state } from "../state/store.js";
import { want } from "./frames.js";
import { place } from "./viewport.js";

const CELLS = 12; // a side of the grid that is drawn, each cell by itself
const OVERLAP = 0.6; // CSS pixels by which cells overlap, so that no seam shows

const isLaying = () => Boolean(state.laying) && state.step === "keyframe";

const BLENDS = { normal: "source-over", multiply: "multiply", screen: "screen" };

// A triangle of the picture (three points in its pixels) drawn on three points of the frame.
const drawTriangle = (context, bitmap, from, to) => {
  const [[x0, y0], [x1, y1], [x2, y2]] = from;
  const scale = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0);
  const along = (i) => [
    ((to[1][i] - to[0][i]) * (y2 - y0) - (to[2][i] - to[0][i]) * (y1 - y0)) / scale,
    ((to[2][i] - to[0][i]) * (x1 - x0) - (to[1][i] - to[0][i]) * (x2 - x0)) / scale,
  ];
  const [[a, c], [b, d]] = [along(0), along(1)];
  const middle = [0, 1].map((i) => (to[0][i] + to[1][i] + to[2][i]) / 3);
  const wider = to.map((point) => {
    const away = [point[0] - middle[0], point[1] - middle[1]];
    const far = Math.hypot(...away) || 1;
    return [0, 1].map((i) => point[i] + (away[i] / far) * (OVERLAP / place.scale));
  });
  context.save();
  context.beginPath();
  wider.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.clip();
  context.transform(a, b, c, d, to[0][0] - a * x0 - c * y0, to[0][1] - b * x0 - d * y0);
  context.drawImage(bitmap, 0, 0);
  context.restore();
};

const drawPicture = (context, bitmap, { corners, opacity, blend }) => {
  const at = projection(corners);
  context.save();
  context.globalAlpha = opacity;
  context.globalCompositeOperation = BLENDS[blend];
  const flat = corners.every((corner, i) => {
    const [before, after] = [corners[(i + 3) % 4], corners[(i + 1) % 4]];
    const opposite = corners[(i + 2) % 4];
    return [0, 1].every((k) => Math.abs(corner[k] + opposite[k] - before[k] - after[k]) < 0.5);
  });
  const { width, height } = bitmap;
  if (flat) {
    const [a, b, , d] = corners;
    const across = [(b[0] - a[0]) / width, (b[1] - a[1]) / width];
    const down = [(d[0] - a[0]) / height, (d[1] - a[1]) / height];
    context.transform(...across, ...down, ...a);
    context.drawImage(bitmap, 0, 0);
  } else {
    for (let row = 0; row < CELLS; row++) {
      for (let column = 0; column < CELLS; column++) {
        const [u, v] = [column / CELLS, row / CELLS];
        const [u1, v1] = [(column + 1) / CELLS, (row + 1) / CELLS];
        const points = [
          [u, v],
          [u1, v],
          [u1, v1],
          [u, v1],
        ];
        const from = points.map(([x, y]) => [x * width, y * height]);
        const to = points.map(([x, y]) => at(x, y));
        drawTriangle(context, bitmap, [from[0], from[1], from[2]], [to[0], to[1], to[2]]);
        drawTriangle(context, bitmap, [from[0], from[2], from[3]], [to[0], to[2], to[3]]);
      }
    }
  }
  context.restore();
};

// About as it will be: the try itself is softer where the shadow is far.
const drawShadow = (context, bitmap, { corners, shadow, opacity }) => {
  const there = fallen(corners, shadow);
  if (!canLie(there)) return;
  const blur = shadow.softness * 0.05 * Math.hypot(corners[3][0] - corners[0][0], corners[3][1] - corners[0][1]);
  context.save();
  context.filter = `brightness(0) blur(${Math.max(0, blur * place.scale)}px)`;
  drawPicture(context, bitmap, { corners: there, opacity: opacity * shadow.strength, blend: "normal" });
  context.restore();
};

const drawHandles = (context, { corners, pins, corner: chosen }) => {
  const unit = 1 / place.scale;
  const knob = knobOf(corners, unit);
  const path = () => {
    corners.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    if (pins) return;
    context.moveTo((corners[0][0] + corners[1][0]) / 2, (corners[0][1] + corners[1][1]) / 2);
    context.lineTo(...knob);
  };
  for (const [width, colour] of [
    [3.5, "rgba(0,0,0,.6)"],
    [1.5, "#fff"],
  ]) {
    context.lineWidth = width * unit;
    context.strokeStyle = colour;
    context.beginPath();
    path();
    context.stroke();
  }
  const dot = ([x, y], round, filled) => {
    const size = 5.5 * unit;
    context.beginPath();
    if (round) context.arc(x, y, size, 0, 2 * Math.PI);
    else context.rect(x - size, y - size, 2 * size, 2 * size);
    context.fillStyle = filled ? "#ffca28" : "#fff";
    context.fill();
    context.lineWidth = 1.5 * unit;
    context.strokeStyle = "rgba(0,0,0,.75)";
    context.stroke();
  };
  corners.forEach((corner, i) => dot(corner, pins, pins && i === chosen));
  if (!pins) dot(knob, true, false);
};

/** Draw the picture that is being laid; the context is in source pixels. */
export const drawLaidPicture = (context) => {
  if (!isLaying()) return;
  const { laying } = state;
  const bitmap = want(projectUrl(`file/${laying.picture}`));
  if (bitmap && laying.shadow) drawShadow(context, bitmap, laying);
  if (bitmap) drawPicture(context, bitmap, laying);
  drawHandles(context, laying);
};

/** Take hold of the picture at a source point; null beside it. */
export const takePicture = ({ x, y }) => {
  if (!isLaying()) return null;
  const { corners, pins } = state.laying;
  const grip = gripAt(corners, [x, y], 1 / place.scale, pins);
  if (!grip) return null;
  if (grip.part === "corner") set({ laying: { ...state.laying, corner: grip.index } });
  return { grip, from: [x, y], corners };
};

/** Drag what was taken hold of to a source point. */
export const dragPicture = ({ grip, from, corners }, { x, y }) => {
  if (!isLaying()) return;
  set({ laying: { ...state.laying, corners: dragged(corners, grip, from, [x, y], state.laying.pins) } });
};
