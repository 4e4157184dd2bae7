// Under a result there is more than fits: saving it, what came out, its keyframes and the edits below
// it take turns.

import { state } from "../state/store.js";
import { unsupportedOf } from "../state/result.js";

/**
 * Mount the choice of what is shown below the result; a section that is `hidden` for want of
 * anything to show has no button. Returns `draw(fresh)`, to be called once the others are drawn:
 * `fresh` says whether the result is of today's keyframes.
 */
export const mountResultParts = (ref) => {
  const parts = { save: ref.exportSection, about: ref.aboutSection, keys: ref.keySection, stack: ref.stackSection };
  const tabs = [...ref.tabs.querySelectorAll("input")];
  let chosen = "keys";
  let about = ""; // what it was chosen for

  const show = () => {
    for (const tab of tabs) {
      tab.checked = tab.value === chosen;
      parts[tab.value].dataset.shown = String(tab.value === chosen);
    }
  };
  for (const tab of tabs) {
    tab.addEventListener("change", () => {
      chosen = tab.value;
      show();
    });
  }
  // what comes next: take it home, unless a part of it wants to be looked at, or it is to be made
  const usual = (fresh) => {
    if (!fresh) return "keys";
    return unsupportedOf(state.view.result).length ? "about" : "save";
  };
  return (fresh) => {
    const key = `${state.view.id} ${fresh}`;
    const looksBack = state.resultId !== null; // at an earlier result, which changes nothing here
    if ((key !== about && !looksBack) || parts[chosen].hidden) chosen = usual(fresh);
    about = key;
    for (const tab of tabs) tab.parentElement.hidden = parts[tab.value].hidden;
    ref.tabs.hidden = tabs.filter((tab) => !parts[tab.value].hidden).length < 2;
    ref.keyTitle.hidden = !ref.tabs.hidden; // its button says it
    show();
  };
};
