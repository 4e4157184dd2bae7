// Where the segmenter is unsure about the last click or box, hatched over the mask: asked for once
// that has been answered, and gone with the next one.

import { showMessage } from "../state/messages.js";
import { projectUrl } from "../state/project.js";
import { on, set, state } from "../state/store.js";
import { DOUBTED } from "./send_prompts.js";
import { place } from "./viewport.js";

const UNSURE_WORDS = "Not sure where it is hatched: click what belongs to the object, right-click what does not.";

/** Returns a function that gives the picture to draw over the masks; null for none. */
export const mountClickDoubt = (redraw) => {
  let shown = null; // { clicked, rev, bitmap }

  const holds = ({ clicked, rev }) =>
    state.view.masks_rev === rev &&
    clicked.frame === state.frame &&
    clicked.object === state.object &&
    state.step === "select";
  const ask = async (clicked) => {
    const rev = state.view.masks_rev;
    const width = Math.round(state.view.clip.width * Math.min(1, place.scale * devicePixelRatio));
    const answer = await fetch(projectUrl(`doubt/${clicked.object}/${clicked.frame}.png?w=${width}`)).catch(() => null);
    if (!answer || answer.status !== 200) return;
    const bitmap = await createImageBitmap(await answer.blob());
    if (state.clicked !== clicked || !holds({ clicked, rev })) return;
    shown = { clicked, rev, bitmap };
    if (!state.message) showMessage(UNSURE_WORDS, "info", { about: DOUBTED });
    redraw();
  };
  on("clicked", () => {
    shown = null;
    if (state.clicked && state.clicked.object !== null && place) ask(state.clicked);
  });
  on("view frame object step", () => {
    if (!shown || (state.view && holds(shown))) return;
    shown = null;
    set({ clicked: null });
    redraw();
  });
  return () => (shown ? shown.bitmap : null);
};
