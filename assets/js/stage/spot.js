// The source pixel under the pointer, shown beside the time and copied as the command line takes
// it: --point, or --box while one is drawn.

import { register } from "../state/commands.js";
import { spotArgument } from "../state/geometry.js";
import { showMessage } from "../state/messages.js";
import { on, set, state } from "../state/store.js";
import { copyWords } from "../widgets/clipboard.js";

/** Mount the button that shows the pixel and copies it. */
export const mountSpot = (button) => {
  const copy = async (spot) => {
    if (!spot || !state.view) return;
    await copyWords(spotArgument(spot, state.frame));
  };
  const copyBox = () => {
    const ofObject = state.view?.objects.find(({ id }) => id === state.object);
    const box = ofObject?.prompts.filter(({ kind, frame }) => kind === "box" && frame === state.frame).pop();
    if (!box) showMessage("The object has no box on this frame: drag one, then copy it.", "info", { about: "spot" });
    else copy({ box });
  };
  button.addEventListener("click", () => copy(state.spot));
  register({ copySpot: () => copy(state.spot), copyBox });

  let project = null; // whose picture the pixel is of
  on("view", () => {
    const id = state.view ? state.view.id : null;
    if (id !== project) set({ spot: null });
    project = id;
  });
  on("view spot frame", () => {
    const { spot } = state;
    button.hidden = !spot || !state.view;
    if (!spot) return;
    const { box } = spot;
    button.textContent = box
      ? `${Math.round(box.x1 - box.x0)} × ${Math.round(box.y1 - box.y0)} px`
      : `x ${Math.floor(spot.x)}, y ${Math.floor(spot.y)}`;
    button.title = `Copy as ${spotArgument(spot, state.frame)} (P)`;
  });
};
