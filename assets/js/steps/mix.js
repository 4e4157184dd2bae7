// Opacity and blend of a finished result: tried out on the frame that is shown, then made as a
// result of its own.

import { onJobDone } from "../state/jobs.js";
import { chooseResult } from "../state/project.js";
import { request } from "../state/requests.js";
import { on, set, state } from "../state/store.js";

export const mountMix = (ref, server) => {
  const own = () => state.view.result.mix;
  const wanted = () => ({ opacity: Number(ref.mixOpacity.value) / 100, blend: ref.mixBlend.value });
  const differs = () => wanted().opacity !== own().opacity || wanted().blend !== own().blend;
  const draw = () => {
    ref.mixShare.textContent = `${ref.mixOpacity.value} %`;
    ref.mixMake.disabled = !differs();
    set({ mixing: differs() ? wanted() : null });
  };
  for (const input of [ref.mixOpacity, ref.mixBlend]) input.addEventListener("input", draw);
  ref.mixMake.addEventListener("click", () => {
    ref.mixMake.disabled = true;
    request(server, "start_mix", { propagation_id: state.view.result.id, ...wanted() });
  });
  onJobDone("mix", ({ result }) => chooseResult(result.propagation));

  let shown = "";
  on("view step", () => {
    const result = state.view && state.view.result;
    const key = state.step === "propagate" && result && result.done ? `${state.view.id}/${result.id}` : "";
    if (key === shown) return;
    shown = key;
    if (!key) {
      set({ mixing: null });
      return;
    }
    ref.mixOpacity.value = String(Math.round(100 * own().opacity));
    ref.mixBlend.value = own().blend;
    draw();
  });
};
