// Fingers, pens and the mouse on the stage: clicks, boxes, brush strokes, panning and zooming.

import { register } from "../state/commands.js";
import { boxBetween, clamp, clampPoint, distance, extendsStroke, isInside } from "../state/geometry.js";
import { roundTenth, spread, toSource } from "../state/geometry.js";
import { goTo } from "../state/project.js";
import { clickAdds, isBrush, isClick } from "../state/selection.js";
import { on, set, state } from "../state/store.js";
import { clickPreview } from "./click_preview.js";
import { mountCursor } from "./cursor.js";
import { frameInSight } from "./frames.js";
import { dragPicture, takePicture } from "./laid_picture.js";
import { drawOutlined, drawPrompt, drawStroke } from "./prompts.js";
import { promptSender, strokeColour } from "./send_prompts.js";
import { mountShapeTool } from "./shape_tool.js";
import { handIsHeld, noteHandUsed } from "./space_hand.js";
import { brush, mountTools } from "./tools.js";
import { place, zoomTo } from "./viewport.js";

const DRAG = 5; // CSS pixels: less is a click
const HOLD = 400; // milliseconds: a finger that rests so long is shown what lifting it would give

const isMarking = () => Boolean(state.view) && state.step === "select";

/**
 * Mount the pointer on the stage. Returns `draw(context)`, for what is being done, and `preview()`,
 * a bitmap or null.
 */
export const mountPointer = (ref, server, redraw) => {
  const { canvas, stage } = ref;
  const pointers = new Map(); // those that are down, by id, in CSS pixels of the stage
  let drag = null; // what is being done: { kind: "mark" | "pan" | "stroke" | "pinch", ... }
  let hover = null; // where the pointer is when it is not down
  let hold = 0;

  const send = promptSender(server);
  const drawCursor = mountCursor(send, redraw);
  const shapes = mountShapeTool(ref, server, redraw);
  mountTools(ref);

  const inStage = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };

  // The preview of a click: while Shift is held or a finger rests
  const previewSpot = () => {
    if (drag) return drag.held && { ...drag.start, positive: drag.positive };
    return hover && hover.shift && { ...hover, positive: clickAdds(state.tool, hover.alt) };
  };
  const preview = clickPreview(previewSpot, redraw);
  const holdFinger = () => {
    if (!drag || drag.moved) return;
    drag.held = true;
    if (navigator.vibrate) navigator.vibrate(20);
    preview.ask();
  };
  const onModifier = (event) => {
    if (!hover || !["Shift", "Alt", "Control"].includes(event.key)) return;
    Object.assign(hover, { shift: event.shiftKey, alt: event.altKey || event.ctrlKey });
    preview.ask();
  };
  window.addEventListener("keydown", onModifier);
  window.addEventListener("keyup", onModifier);

  // One pointer

  const begin = (event) => {
    const start = inStage(event);
    const laid = event.button === 0 && !handIsHeld() && frameInSight() ? takePicture(toSource(place, start)) : null;
    if (laid) return { kind: "picture", laid };
    if (event.button === 1 || handIsHeld() || !isMarking() || !frameInSight()) {
      return { kind: "pan", last: start, moved: false };
    }
    const source = toSource(place, start);
    const shape = event.button === 0 ? shapes.begin(source) : null;
    if (shape) return { kind: "shape", start, moved: false };
    const off = !isInside(state.view.clip, source);
    const touch = event.pointerType === "touch";
    const common = { start, at: clampPoint(state.view.clip, source), off, frame: state.frame, moved: false, touch };
    if (isBrush(state.tool) && event.button === 0) {
      const stroke = [[roundTenth(source.x), roundTenth(source.y)]];
      const erase = state.tool === "eraser" || event.altKey;
      return { ...common, kind: "stroke", stroke, radius: brush(), erase, colour: strokeColour() };
    }
    if (touch && isClick(state.tool) && !off) hold = setTimeout(holdFinger, HOLD);
    const reversed = event.button !== 0 || event.altKey || event.ctrlKey;
    return { ...common, kind: "mark", positive: clickAdds(state.tool, reversed), box: null };
  };

  const onDown = (event) => {
    if (!state.view || event.button > 2) return;
    if (event.button === 1) event.preventDefault();
    pointers.set(event.pointerId, inStage(event));
    canvas.setPointerCapture(event.pointerId);
    clearTimeout(hold);
    preview.forget();
    if (pointers.size > 2) return;
    if (pointers.size === 2) drag = { kind: "pinch", ...spread(...pointers.values()) };
    else {
      set({ playing: false });
      drag = begin(event);
      if (drag.kind === "pan") stage.dataset.panning = "true";
    }
    redraw();
  };

  // The pixel under the pointer; it stays when the pointer leaves, so that it can be copied.
  const noteSpot = (at) => {
    const source = state.view && frameInSight() ? toSource(place, at) : null;
    if (!source || !isInside(state.view.clip, source)) return;
    const box = drag && drag.kind === "mark" && drag.moved ? drag.box : null;
    set({ spot: { ...source, box } });
  };

  const onHover = (event, at) => {
    hover = { ...at, alt: event.altKey || event.ctrlKey, shift: event.shiftKey };
    if (event.pointerType !== "touch") preview.ask();
    if (isMarking() && isBrush(state.tool)) redraw();
  };

  const onMove = (event) => {
    const at = inStage(event);
    if (!pointers.has(event.pointerId)) {
      noteSpot(at);
      onHover(event, at);
      return;
    }
    pointers.set(event.pointerId, at);
    hover = event.pointerType === "touch" ? null : { ...at, alt: event.altKey, shift: event.shiftKey };
    if (!drag) return;
    if (drag.kind === "pinch") pinch();
    else if (drag.kind === "pan") pan(at);
    else if (drag.kind === "picture") dragPicture(drag.laid, toSource(place, at));
    else if (drag.kind === "shape") {
      drag.moved = drag.moved || distance(at, drag.start) >= DRAG;
      if (drag.moved) shapes.drag(toSource(place, at));
    } else if (drag.kind === "stroke") paint(event);
    else drawOutBox(at);
    noteSpot(at);
  };

  const drawOutBox = (at) => {
    if (distance(at, drag.start) >= DRAG) {
      clearTimeout(hold);
      if (drag.held) {
        cancel(); // slid away: nothing is marked
        preview.forget();
        return;
      }
      if (drag.touch && isClick(state.tool)) {
        drag = { kind: "pan", last: at, moved: true };
        return;
      }
      if (drag.positive) drag.moved = true;
    }
    drag.box = boxBetween(drag.at, clampPoint(state.view.clip, toSource(place, at)));
    if (drag.moved) redraw();
  };

  const paint = (event) => {
    const coalesced = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const step of coalesced.length ? coalesced : [event]) {
      const to = toSource(place, inStage(step));
      if (extendsStroke(drag.stroke, drag.radius, to)) drag.stroke.push([roundTenth(to.x), roundTenth(to.y)]);
    }
    redraw();
  };

  const onUp = (event) => {
    pointers.delete(event.pointerId);
    clearTimeout(hold);
    const done = drag;
    if (done && done.kind === "pinch") {
      if (!pointers.size) drag = null;
      return;
    }
    drag = null;
    delete stage.dataset.panning;
    noteSpot(inStage(event)); // no box is being drawn any more
    if (!done) return;
    if (done.kind === "picture") return;
    if (done.kind === "shape") {
      shapes.end(toSource(place, inStage(event)), done.moved);
      return;
    }
    if (done.kind === "pan") {
      if (done.moved) noteHandUsed();
      return;
    }
    preview.forget();
    if (event.type !== "pointercancel") finish(done);
    redraw();
  };

  const finish = (done) => {
    if (done.kind === "stroke") send.stroke(done, done.frame);
    else if (done.moved && done.box) send.box(done.box, done.frame);
    else if (!done.off && isClick(state.tool)) send.point(done.at, done.frame, done.positive);
    else if (!done.off && !done.positive) send.point(done.at, done.frame, false);
  };

  const cancel = () => {
    clearTimeout(hold);
    if (!drag) return;
    drag = null;
    delete stage.dataset.panning;
    redraw();
  };
  register({ cancelDrag: cancel });

  canvas.addEventListener("pointerdown", onDown);
  canvas.addEventListener("pointermove", onMove);
  canvas.addEventListener("pointerup", onUp);
  canvas.addEventListener("pointercancel", onUp);
  canvas.addEventListener("pointerleave", () => {
    hover = null;
    preview.forget();
    redraw();
  });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("auxclick", (event) => event.preventDefault());

  // Moving and zooming

  const pan = (at) => {
    const { last } = drag;
    zoomTo(1, last, { x: at.x - last.x, y: at.y - last.y });
    drag.moved = drag.moved || distance(at, last) > 0;
    drag.last = at;
  };
  const pinch = () => {
    if (pointers.size < 2) return;
    const now = spread(...pointers.values());
    zoomTo(now.apart / drag.apart, drag, { x: now.x - drag.x, y: now.y - drag.y });
    Object.assign(drag, now);
  };
  const onWheel = (event) => {
    if (!state.view) return;
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) {
      const lines = event.deltaMode === 1 ? 16 : 1;
      zoomTo(Math.exp(-clamp(event.deltaY * lines, -60, 60) / 120), inStage(event));
      return;
    }
    set({ playing: false });
    goTo(state.frame + Math.sign(event.deltaY || event.deltaX));
  };
  stage.addEventListener("wheel", onWheel, { passive: false });

  // What is being done, drawn over everything
  const draw = (context) => {
    if (drag && drag.kind === "mark" && drag.moved && drag.box) {
      drawPrompt(context, place.scale, { kind: "box", ...drag.box }, { pending: true });
    }
    if (drag && drag.kind === "stroke") drawStroke(context, drag);
    drawCursor(context);
    shapes.draw(context);
    if (!hover || !isBrush(state.tool) || (drag && drag.kind !== "stroke")) return;
    const at = toSource(place, hover);
    drawOutlined(context, place.scale, [3, 1.4], () => context.arc(at.x, at.y, brush(), 0, 2 * Math.PI));
  };

  on("view step tool object frame", shapes.show);
  return { draw, preview: preview.bitmap };
};
