// In step 4: what the region is for the task that is chosen, and why. A task proposes its own form
// and amount; what a person chose, or made tries with, changes only when they ask for it.

import { FORM_NAMES, formExpands } from "../state/adjustment.js";
import { request } from "../state/requests.js";
import { state } from "../state/store.js";

// [in the note, which has one line, and in full]
const WHY = {
  delete: ["close to the object", "close to the object, so that little has to be made up"],
  add: ["to give room", "with room for what is added"],
  modify: ["to give room", "with room for another outline"],
};
const SUITS = { delete: "expand", add: "box+expand", modify: "box+expand" };

/** Mount the note; `tasks` are the radio buttons. Returns a function that draws it. */
export const mountRegionNote = (ref, server, tasks) => {
  const task = () => tasks.find((radio) => radio.checked).value;
  ref.propose.addEventListener("click", () => request(server, "propose_adjustment", { task: task(), asked: true }));

  let known = null; // the project and the task of its region, as they were drawn last
  return () => {
    const { id, adjustment, proposed_for: proposed } = state.view;
    if (proposed && known !== `${id} ${proposed}`) {
      for (const radio of tasks) radio.checked = radio.value === proposed; // opened, undone or done again
    }
    known = `${id} ${proposed}`;
    if (state.step !== "keyframe") {
      ref.regionNote.textContent = ""; // one word on the page is one control
      ref.propose.textContent = "Use the task's form";
      return;
    }

    const now = task();
    const { form, pixels } = adjustment;
    const fits = Boolean(proposed) && SUITS[proposed] === SUITS[now];
    const why = fits ? WHY[now][0] : proposed ? "as your tries have it" : "as you chose";
    const amount = formExpands(form) ? ` by ${pixels} px` : "";
    ref.regionNote.textContent = `Region: ${FORM_NAMES[form]}${amount}, ${why}.`;
    ref.regionNote.title = fits ? `${FORM_NAMES[form]}${amount}: ${WHY[now][1]}` : "";
    ref.propose.hidden = fits || form === SUITS[now];
    ref.propose.textContent = `Use ${FORM_NAMES[SUITS[now]]}`;
    ref.propose.title = `${FORM_NAMES[SUITS[now]]}: ${WHY[now][1]}. Tries made so far are marked as of the old region`;
  };
};
