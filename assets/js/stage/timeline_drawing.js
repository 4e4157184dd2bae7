// How the timeline is drawn: a ruler with scene cuts, tries, In and Out and what is propagated;
// below it a row for each object timeline; the playhead over all.

import { rgb } from "../state/format.js";
import { seamsOf, unsupportedOf, VISIBLE_SEAM } from "../state/result.js";
import { state } from "../state/store.js";
import { trackPlan } from "../state/track_plan.js";
import { checksOf, rulerGap } from "../state/timeline.js";
import { workRange } from "./trim.js";

const SEAM = "#ffb020";
const SEAM_EDGE = "#1b1b22";

/**
 * Draw everything. `sizes` are { width, height, top, ruler, row, rem } in CSS pixels, `top` being
 * how far the rows are scrolled; `colour(name)` reads a colour of the theme.
 */
export const drawTimeline = (context, sizes, colour) => {
  const { width, height, top, ruler, row } = sizes;
  const { clip, cuts, lanes } = state.view;
  const x = (frame) => (frame / clip.frames) * width;
  const pen = { context, colour, x, frameWidth: width / clip.frames, ...sizes };

  lanes.forEach((timeline, i) => drawRow(pen, timeline, ruler + i * row));
  if (!lanes.length) {
    context.fillStyle = colour("--vs-lane");
    fillRound(context, 0, ruler + row * 0.2, width, row * 0.6);
  }
  context.fillStyle = colour("--vs-edge");
  for (const cut of cuts) for (let y = 0; y < height; y += 6) context.fillRect(Math.round(x(cut)) - 0.5, y, 1, 3);

  context.fillStyle = colour("--vs-shade");
  const { start, stop } = workRange();
  if (start > 0) context.fillRect(0, ruler, x(start), height);
  if (stop < clip.frames) context.fillRect(x(stop), ruler, width, height);

  // the ruler stays at the top when there are more rows than room
  context.fillStyle = colour("--vs-panel");
  if (top) context.fillRect(0, top, width, ruler);
  drawRuler(pen);
  drawTries(pen);
  drawMarkers(pen);
  if (state.step === "propagate" && state.view.result) drawResult(pen, state.view.result);
  const plan = trackPlan();
  if (plan) {
    const index = lanes.findIndex(({ object_id: id }) => id === plan.timeline.object_id);
    drawPlan(pen, plan.span, ruler + index * row);
  }
  drawPlayhead(pen);
};

// What the Track button would do: a line from this frame to where it stops, with arrows; white with
// a dark edge, to show on every object's colour.
const drawPlan = ({ context, x, row, rem }, [start, stop], top) => {
  const [from, to, middle, size] = [x(start) + 2, x(stop) - 2, top + row * 0.5, 0.32 * rem];
  const path = new Path2D();
  path.moveTo(from, middle);
  path.lineTo(to, middle);
  for (const end of [from, to]) {
    path.moveTo(end, top + row * 0.1);
    path.lineTo(end, top + row * 0.9);
  }
  const arrow = (at, way) => {
    path.moveTo(at + way * size * 1.4, middle - size);
    path.lineTo(at, middle);
    path.lineTo(at + way * size * 1.4, middle + size);
  };
  if (start < state.frame) arrow(from, 1);
  if (stop > state.frame + 1) arrow(to, -1);
  for (const [width, style] of [
    [5, "rgba(20,20,26,.85)"],
    [2, "#fff"],
  ]) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.stroke(path);
  }
};

const fillRound = (context, x, y, width, height) => {
  context.beginPath();
  context.roundRect(x, y, width, height, 3);
  context.fill();
};

// Present: the bar. Confirmed: a line under it. To check: a notch above it, and a line as far as it
// goes. Prompted: a dot, hollow
// while it asks for tracking.
const drawRow = ({ context, colour, x, frameWidth, row, rem }, timeline, top) => {
  const bar = { y: top + row * 0.2, height: row * 0.6 };
  const { prompted, pending } = timeline;
  context.globalAlpha = timeline.hidden ? 0.4 : 1;
  context.fillStyle = colour("--vs-lane");
  fillRound(context, 0, bar.y, x(state.view.clip.frames), bar.height);
  context.fillStyle = rgb(timeline.colour, timeline.object_id === state.object ? 0.95 : 0.6);
  for (const [start, stop] of timeline.present) {
    fillRound(context, x(start), bar.y, Math.max(2, x(stop) - x(start)), bar.height);
  }
  context.fillStyle = colour("--vs-good");
  for (const [start, stop] of timeline.confirmed) {
    context.fillRect(x(start), bar.y + bar.height + 0.5, Math.max(3, x(stop) - x(start)), 3);
  }
  context.fillStyle = colour("--vs-bad");
  for (const { start, stop } of checksOf(timeline, state.view.cuts)) {
    drawNotch(context, x(start) + frameWidth / 2, top + 0.5, rem);
    if (stop > start + 1)
      context.fillRect(x(start) + frameWidth / 2, top + 0.5, x(stop) - x(start) - frameWidth / 2, 2);
  }
  for (const frame of new Set([...prompted, ...pending])) {
    context.beginPath();
    context.arc(x(frame) + frameWidth / 2, top + row / 2, 0.28 * rem, 0, 2 * Math.PI);
    context.fillStyle = prompted.includes(frame) ? "#fff" : colour("--vs-lane");
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = pending.includes(frame) ? colour("--vs-playhead") : "rgba(0,0,0,.65)";
    context.stroke();
  }
  context.globalAlpha = 1;
};

const drawNotch = (context, middle, top, rem) => {
  context.beginPath();
  context.moveTo(middle - 0.3 * rem, top);
  context.lineTo(middle + 0.3 * rem, top);
  context.lineTo(middle, top + 0.5 * rem);
  context.fill();
};

const drawRuler = ({ context, colour, x, frameWidth, top, rem }) => {
  context.font = `${0.72 * rem}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  context.fillStyle = colour("--vs-quiet");
  const gap = rulerGap(frameWidth, rem);
  for (let frame = 0; frame < state.view.clip.frames; frame += gap) {
    context.fillRect(Math.round(x(frame)), top, 1, 0.42 * rem);
    context.fillText(String(frame), x(frame) + 4, top + 0.72 * rem);
  }
};

const drawTries = ({ context, colour, x, frameWidth, top, rem }) => {
  const size = 0.32 * rem;
  for (const edit of state.view.edits) {
    context.save();
    context.translate(x(edit.frame) + frameWidth / 2, top + 0.72 * rem);
    context.rotate(Math.PI / 4);
    context.fillStyle = colour(state.view.carried.includes(edit.id) ? "--vs-accent" : "--vs-quiet");
    context.fillRect(-size, -size, 2 * size, 2 * size);
    context.restore();
  }
};

// Two brackets on the ruler around what is worked on.
const drawMarkers = ({ context, colour, x, top, ruler, height, rem }) => {
  const { start, stop } = workRange();
  const edge = x(state.view.clip.frames);
  const brackets = [
    [Math.max(1, x(start)), 1],
    [Math.min(edge - 1, x(stop)), -1],
  ];
  context.strokeStyle = colour("--vs-accent-text");
  context.lineWidth = 2;
  for (const [at, side] of brackets) {
    context.beginPath();
    context.moveTo(at + side * 0.36 * rem, top + 1.5);
    context.lineTo(at, top + 1.5);
    context.lineTo(at, top + ruler - 2);
    context.lineTo(at + side * 0.36 * rem, top + ruler - 2);
    context.stroke();
    if (at > 2 && at < edge - 2) context.fillRect(at - 0.5, top + ruler, 1, height);
  }
};

// Along the foot of the ruler: which windows are there, and the seams that may show.
const drawResult = ({ context, colour, x, top, ruler, rem }, result) => {
  const foot = top + ruler;
  // two keyframes may share frames: what is missing shows on top of what is done
  for (const [start, stop, made] of [...result.windows].sort((one, two) => two[2] - one[2])) {
    context.fillStyle = colour(made ? "--vs-accent" : "--vs-edge");
    context.fillRect(x(start) + 1, foot - (made ? 3 : 2), Math.max(1, x(stop) - x(start) - 2), made ? 3 : 1);
  }
  context.fillStyle = colour("--vs-bad");
  for (const { start, stop, keyframe } of unsupportedOf(result)) {
    context.fillRect(x(start), foot - 4, Math.max(3, x(stop) - x(start)), 4);
    drawNotch(context, (x(keyframe) + x(keyframe + 1)) / 2, foot - 0.7 * rem, rem);
  }
  for (const seam of seamsOf(result).filter(({ score }) => score > VISIBLE_SEAM)) {
    context.beginPath();
    context.arc(x(seam.frame), foot - 2, 0.26 * rem, 0, 2 * Math.PI);
    context.fillStyle = SEAM;
    context.fill();
    context.lineWidth = 1.2;
    context.strokeStyle = SEAM_EDGE;
    context.stroke();
  }
};

const drawPlayhead = ({ context, colour, x, frameWidth, top, height, rem }) => {
  const at = x(state.frame) + frameWidth / 2;
  context.fillStyle = colour("--vs-playhead");
  context.fillRect(Math.round(at) - 1, 0, 2, height);
  context.beginPath();
  context.moveTo(at - 0.38 * rem, top);
  context.lineTo(at + 0.38 * rem, top);
  context.lineTo(at, top + 0.5 * rem);
  context.fill();
};
