// A pointer for the keyboard: the same tools without a mouse.

import { register } from "../state/commands.js";
import { boxBetween, brushRadius, clamp, roundTenth } from "../state/geometry.js";
import { clickAdds, isBrush } from "../state/selection.js";
import { on, set, state } from "../state/store.js";
import { frameInSight } from "./frames.js";
import { drawOutlined, drawPrompt } from "./prompts.js";
import { strokeColour } from "./send_prompts.js";
import { place } from "./viewport.js";

const REACH = 14; // CSS pixels from its middle to the ends of its arms

/** Mount the cursor; `send` sends prompts. Returns a function that draws it. */
export const mountCursor = (send, redraw) => {
  let corner = null; // of a box that is begun

  const toggle = () => {
    corner = null;
    if (!state.view || state.step !== "select") return;
    const { clip } = state.view;
    const { x, y } = state.viewport;
    set({ cursor: state.cursor ? null : { x: Math.round(clip.width * x), y: Math.round(clip.height * y) } });
  };
  const move = (x, y) => {
    const { width, height } = state.view.clip;
    const at = state.cursor;
    const along = (value, by, size) => clamp(value + by / place.scale, 0, size - 1);
    set({ cursor: { x: along(at.x, x, width), y: along(at.y, y, height) } });
  };
  const use = (positive) => {
    const at = state.cursor;
    if (!frameInSight()) return;
    if (isBrush(state.tool)) {
      const stroke = [[roundTenth(at.x), roundTenth(at.y)]];
      const erase = state.tool === "eraser" || !positive;
      const radius = brushRadius(state.brush, state.view.clip);
      send.stroke({ stroke, radius, erase, colour: strokeColour() }, state.frame);
    } else if (state.tool === "box" && positive) {
      if (corner) send.box(boxBetween(corner, at), state.frame);
      corner = corner ? null : at;
      redraw();
    } else send.point(at, state.frame, clickAdds(state.tool, !positive));
  };
  register({ toggleCursor: toggle, moveCursor: move, useCursor: use });

  on("view step", () => {
    if (!state.cursor || (state.view && state.step === "select")) return;
    corner = null;
    set({ cursor: null });
  });

  return (context) => {
    if (!state.cursor) return;
    const { x, y } = state.cursor;
    if (corner)
      drawPrompt(context, place.scale, { kind: "box", ...boxBetween(corner, state.cursor) }, { pending: true });
    const reach = REACH / place.scale;
    drawOutlined(context, place.scale, [3.5, 1.5], () => {
      context.moveTo(x - reach, y);
      context.lineTo(x + reach, y);
      context.moveTo(x, y - reach);
      context.lineTo(x, y + reach);
      if (!isBrush(state.tool)) return;
      const radius = brushRadius(state.brush, state.view.clip);
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 2 * Math.PI);
    });
  };
};
