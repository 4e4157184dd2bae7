// Time along the bottom: where it is clicked and dragged, and the names of the object timelines.

import { rgb } from "../state/format.js";
import { goTo } from "../state/project.js";
import { on, set, state } from "../state/store.js";
import { describeFrame, frameAtX, markerUnder, rowAtY, scrollToRow } from "../state/timeline.js";
import { make, rootFontSize } from "../widgets/dom.js";
import { drawTimeline } from "./timeline_drawing.js";
import { describeMarker, dropMarker, grabMarker, moveMarker } from "./trim.js";

const DRAGGED = 3; // pixels from which on a marker that is held is dragged

export const mountTimeline = (ref) => {
  const { area, names, timeline, lanes: canvas } = ref;
  const context = canvas.getContext("2d");
  let colours = {}; // and lengths of the theme, read once a drawing
  let asked = false;

  const timelines = () => (state.view ? state.view.lanes : []);
  const colour = (name) => (colours[name] ??= getComputedStyle(area).getPropertyValue(name).trim());
  const length = (name) => parseFloat(colour(name)) * rootFontSize();
  const rows = () => ({ ruler: length("--vs-ruler"), row: length("--vs-row") });

  const draw = () => {
    asked = false;
    colours = {};
    const ratio = devicePixelRatio || 1;
    const width = area.clientWidth;
    const { ruler, row } = rows();
    const height = Math.max(timeline.clientHeight, ruler + Math.max(timelines().length, 1) * row);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!state.view) return;
    drawTimeline(context, { width, height, top: timeline.scrollTop, ruler, row, rem: rootFontSize() }, colour);
  };
  const redraw = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  };

  // Names

  let drawn = "";
  const nameButton = ({ object_id: id, name, colour: objectColour }) => {
    const attributes = { type: "button", class: "vs-lane-name", title: name };
    const select = () => set({ object: id });
    const pressed = String(id === state.object);
    const button = make("button", { ...attributes, "aria-pressed": pressed, onclick: select }, make("span", {}, name));
    button.style.setProperty("--colour", rgb(objectColour));
    return button;
  };
  const drawNames = () => {
    const list = timelines();
    const looks = list.map(({ object_id: id, name, colour: own, hidden }) => [id, name, own, hidden]);
    const key = JSON.stringify([Boolean(state.view), state.object, looks]);
    if (key === drawn) return; // a job that runs asks for this several times a second
    drawn = key;
    names.replaceChildren(...list.map(nameButton));
    if (state.view && !list.length) names.append(make("span", { class: "vs-quiet vs-lane-none" }, "No object yet"));
  };

  // the row of the selected object is in sight
  const reveal = () => {
    const index = timelines().findIndex(({ object_id: id }) => id === state.object);
    if (index < 0) return;
    const { ruler, row } = rows();
    timeline.scrollTop = scrollToRow(index, row, timeline.clientHeight - ruler, timeline.scrollTop);
  };

  // Pointer

  let held = null; // where a marker was taken hold of, until it is dragged
  const under = (event) => {
    const box = area.getBoundingClientRect();
    const { ruler, row } = rows();
    const y = event.clientY - canvas.getBoundingClientRect().top;
    const onRuler = event.clientY - box.top < ruler && !timeline.scrollTop;
    return {
      frame: frameAtX(event.clientX - box.left, box.width, state.view.clip.frames),
      row: onRuler ? null : rowAtY(timelines(), y, ruler, row),
    };
  };
  const markerAt = (event) => {
    const box = area.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    if (!state.view || at.y >= rows().ruler) return null;
    return markerUnder(state.view.clip, state.frame, at, box.width, rootFontSize());
  };
  const seek = (event, pick) => {
    if (!state.view) return;
    const { frame, row } = under(event);
    set({ playing: false });
    if (pick && row) set({ object: row.object_id });
    goTo(frame);
  };
  area.addEventListener("pointerdown", (event) => {
    area.setPointerCapture(event.pointerId);
    const marker = markerAt(event);
    held = marker ? event.clientX : null;
    if (marker) grabMarker(marker);
    else seek(event, true);
  });
  area.addEventListener("pointermove", (event) => {
    if (area.hasPointerCapture(event.pointerId)) {
      if (held !== null && Math.abs(event.clientX - held) < DRAGGED) return;
      held = null;
      if (state.trimming) moveMarker(under(event).frame);
      else seek(event, false);
      return;
    }
    const marker = markerAt(event);
    area.style.cursor = marker ? "ew-resize" : "";
    if (!state.view) return;
    const { frame, row } = under(event);
    area.title = marker ? describeMarker(marker) : describeFrame(row, frame);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    area.addEventListener(end, (event) => {
      const clicked = held !== null && end === "pointerup";
      held = null;
      dropMarker(end === "pointerup" && !clicked);
      if (clicked) seek(event, false); // beside a bracket the ruler is clicked like anywhere else
    });
  }

  timeline.addEventListener("scroll", redraw);
  const resized = new ResizeObserver(redraw);
  resized.observe(area);
  // the canvas holds the area open: only this one tells that there is less room
  resized.observe(timeline);
  on("view object", (keys) => {
    drawNames();
    if (keys.has("object")) reveal();
    redraw();
  });
  on("step trimming dark trackWay trackStop", redraw);
  on("frame", () => {
    redraw();
    area.setAttribute("aria-valuenow", String(state.frame));
    area.setAttribute("aria-valuetext", `frame ${state.frame}`);
    if (state.view) area.setAttribute("aria-valuemax", String(state.view.clip.frames - 1));
  });
};
