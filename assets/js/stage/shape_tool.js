// The shape tool of the Select step: click points around an object, close the outline, and drag its
// points on other frames; in between it moves by itself.

import { register } from "../state/commands.js";
import { change, request } from "../state/requests.js";
import { newObject, objectById } from "../state/selection.js";
import { draggedPoints, isInShape, pointNear, pointsAt, roundedPoint, traceShape } from "../state/shapes.js";
import { set, state } from "../state/store.js";
import { drawOutlined } from "./prompts.js";
import { place } from "./viewport.js";

const FEWEST = 3;

const isOn = () => Boolean(state.view) && state.step === "select" && state.tool === "shape";
const selected = () => (state.view ? objectById(state.view, state.object) : null);

/** Mount the tool; returns what the pointer asks of it. */
export const mountShapeTool = (ref, server, redraw) => {
  let points = []; // of a shape that is being drawn
  let held = null; // { index, from, points, now }: what is dragged

  const shapeHere = () => {
    const object = isOn() && selected();
    return object && object.shape && !object.hidden ? pointsAt(object.shape, state.frame) : [];
  };
  const send = (values) => {
    const known = new Set(state.view.objects.map((object) => object.id));
    const taken = (answer) => {
      const added = newObject(answer.view, known);
      if (added) set({ object: added.id });
    };
    change(server, "draw_shape", { frame: state.frame, curve: ref.curve.checked, ...values }).then(taken, () => {});
  };
  const close = () => {
    if (points.length < FEWEST) return;
    const object = selected();
    const free = object && !object.shape && !object.marked && !object.tracked;
    send({ object_id: free ? object.id : null, points });
    points = [];
    redraw();
  };

  /** Take hold of a point or of the shape, or begin a click; null with another tool. */
  const begin = (at) => {
    if (!isOn()) return null;
    const here = shapeHere();
    const unit = 1 / place.scale;
    const index = points.length ? -1 : pointNear(here, roundedPoint(at), unit);
    if (!points.length && (index >= 0 || (here.length && isInShape(here, roundedPoint(at))))) {
      held = { index, from: [at.x, at.y], points: here, now: here };
    }
    return { at };
  };
  const drag = (to) => {
    if (!held) return;
    held.now = draggedPoints(held.points, held.index, [to.x - held.from[0], to.y - held.from[1]]);
    redraw();
  };
  const end = (at, moved) => {
    const done = held;
    held = null;
    if (done) {
      if (moved) send({ object_id: state.object, points: done.now });
    } else if (points.length >= FEWEST && pointNear(points.slice(0, 1), roundedPoint(at), 1 / place.scale) === 0)
      close();
    else points = [...points, roundedPoint(at)];
    redraw();
  };

  const draw = (context) => {
    if (!isOn()) return;
    const here = held ? held.now : points.length ? points : shapeHere();
    if (!here.length) return;
    const closed = !points.length;
    drawOutlined(context, place.scale, [3.5, 1.6], () => {
      if (closed) traceShape(context, here, ref.curve.checked);
      else here.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    });
    const object = selected();
    const drawn = closed && object && object.shape && object.shape.keys.some((key) => key.frame === state.frame);
    here.forEach(([x, y], i) => {
      context.beginPath();
      context.arc(x, y, 5 / place.scale, 0, 2 * Math.PI);
      context.fillStyle = drawn || (!closed && !i) ? "#ffca28" : "#fff";
      context.fill();
      context.lineWidth = 1.5 / place.scale;
      context.strokeStyle = "rgba(0,0,0,.75)";
      context.stroke();
    });
  };

  ref.curve.addEventListener("change", () => {
    const here = shapeHere();
    if (here.length) send({ object_id: state.object, points: here });
    redraw();
  });
  register({
    shapeKey: (event, key) => {
      if (!isOn()) return false;
      if (key === "enter" && points.length) close();
      else if ((key === "escape" || key === "backspace") && points.length) {
        points = key === "escape" ? [] : points.slice(0, -1);
        redraw();
      } else return false;
      return true;
    },
    shapeGone: () => send({ object_id: state.object, points: [] }),
    forgetShape: () => request(server, "forget_shape", { object_id: state.object, frame: state.frame }),
  });
  const show = () => {
    ref.curves.hidden = state.tool !== "shape";
    const object = selected();
    if (object && object.shape && !points.length) ref.curve.checked = object.shape.curve;
    if (!isOn() && points.length) points = [];
  };
  return { begin, drag, end, draw, show };
};
