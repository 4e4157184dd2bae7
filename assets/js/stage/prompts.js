// How prompts look on the picture: clicks, boxes and brush strokes. The context is in source
// pixels; `scale` is CSS pixels a source pixel.

import { rgb } from "../state/format.js";
import { rootFontSize } from "../widgets/dom.js";

const HALO = "rgba(0,0,0,.6)";

/** A brush stroke as it is painted: { stroke, radius, erase, colour }. */
export const drawStroke = (context, { stroke, radius, erase, colour }) => {
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = 2 * radius;
  context.strokeStyle = erase ? "rgba(255,255,255,.55)" : rgb(colour, 0.5);
  context.beginPath();
  stroke.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  if (stroke.length === 1) context.lineTo(stroke[0][0] + 0.01, stroke[0][1]);
  context.stroke();
};

const drawBox = (context, prompt, unit, colour, dashed) => {
  const box = [prompt.x0, prompt.y0, prompt.x1 - prompt.x0, prompt.y1 - prompt.y0];
  context.lineWidth = 3.5 * unit;
  context.strokeStyle = "rgba(0,0,0,.55)";
  context.strokeRect(...box);
  context.lineWidth = 1.75 * unit;
  context.setLineDash(dashed ? [6 * unit, 4 * unit] : []);
  context.strokeStyle = colour ? rgb(colour) : "#fff";
  context.strokeRect(...box);
};

const drawClick = (context, { x, y, positive }, unit, dashed) => {
  const arm = 3.5 * unit;
  context.lineWidth = 2 * unit;
  context.beginPath();
  context.arc(x, y, 7.5 * unit, 0, 2 * Math.PI);
  context.fillStyle = positive ? "#15803d" : "#c62828";
  context.fill();
  context.strokeStyle = "#fff";
  if (dashed) context.setLineDash([4 * unit, 3 * unit]);
  context.stroke();
  context.setLineDash([]);
  context.beginPath();
  context.moveTo(x - arm, y);
  context.lineTo(x + arm, y);
  if (positive) {
    context.moveTo(x, y - arm);
    context.lineTo(x, y + arm);
  }
  context.stroke();
};

/** A prompt in its object's colour (null: white); `pending` ones are dashed. */
export const drawPrompt = (context, scale, prompt, { colour = null, alpha = 1, pending = false } = {}) => {
  if (prompt.kind === "mask") return; // it is what the overlay shows
  const unit = rootFontSize() / 14 / scale; // a CSS pixel, grown with the page
  context.save();
  context.globalAlpha = alpha;
  if (prompt.kind === "stroke") drawStroke(context, prompt);
  else if (prompt.kind === "box") drawBox(context, prompt, unit, colour, pending);
  else drawClick(context, prompt, unit, pending);
  context.restore();
};

/**
 * Draw a path twice, dark and then white, so that it is seen on any picture. `widths` are CSS
 * pixels.
 */
export const drawOutlined = (context, scale, widths, path) => {
  widths.forEach((width, i) => {
    context.lineWidth = width / scale;
    context.strokeStyle = i ? "#fff" : HALO;
    context.beginPath();
    path();
    context.stroke();
  });
};
