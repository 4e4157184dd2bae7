// The tools beside the picture, the brush's size and the zoom buttons.

import { register } from "../state/commands.js";
import { brushRadius, MAX_ZOOM, resizeBrush } from "../state/geometry.js";
import { isBrush } from "../state/selection.js";
import { on, set, state } from "../state/store.js";
import { fit, zoom } from "./viewport.js";

/** The radius of the brush in source pixels. */
export const brush = () => brushRadius(state.brush, state.view && state.view.clip);

export const mountTools = (ref) => {
  const tools = [...ref.tools.querySelectorAll("[data-tool]")];
  for (const button of tools) button.addEventListener("click", () => set({ tool: button.dataset.tool }));
  ref.size.addEventListener("input", () => set({ brush: Math.round(2 ** Number(ref.size.value)) }));
  ref.zoomIn.addEventListener("click", () => zoom(1.5));
  ref.zoomOut.addEventListener("click", () => zoom(1 / 1.5));
  ref.fit.addEventListener("click", fit);
  register({ resizeBrush: (factor) => set({ brush: resizeBrush(brush(), factor) }) });

  on("view step tool brush viewport", () => {
    const { zoom: factor } = state.viewport;
    ref.tools.hidden = !state.view || state.step !== "select";
    ref.zooms.hidden = !state.view || (state.step === "propagate" && Boolean(state.view.result));
    for (const button of tools) button.setAttribute("aria-pressed", String(button.dataset.tool === state.tool));
    ref.sizes.hidden = !isBrush(state.tool);
    ref.size.value = String(Math.log2(Math.max(1, brush())));
    ref.size.setAttribute("aria-valuetext", `${Math.round(2 * brush())} pixels wide`);
    ref.fit.textContent = factor === 1 ? "Fit" : `${Math.round(factor * 100)} %`;
    ref.zoomOut.disabled = factor <= 1;
    ref.zoomIn.disabled = factor >= MAX_ZOOM;
  });
};
