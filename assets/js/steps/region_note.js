// In step 4: what the region is for the task that is chosen, and why. A task proposes its own form
// and amount; what a person chose, or made tries with, changes only when they ask for it.

import { FORM_NAMES, formExpands } from "../state/adjustment.js";
import { request } from "../state/requests.js";
import { objectById } from "../state/selection.js";
import { state } from "../state/store.js";
import { usualTask } from "../state/tries.js";

// [in the note, which has one line, and in full]
const WHY = {
  delete: ["close to the object", "close to the object, so that little has to be made up"],
  add: ["to give room", "with room for what is added"],
  modify: ["to give room", "with room for another outline"],
};

/** Mount the note; `tasks` are the radio buttons. Returns a function that draws it. */
export const mountRegionNote = (ref, server, tasks) => {
  const task = () => tasks.find((radio) => radio.checked).value;
  ref.propose.addEventListener("click", () =>
    request(server, "propose_adjustment", { task: task(), asked: true, object_id: state.forObject }),
  );

  let known = {}; // the project and the task of its region, as they were drawn last
  return () => {
    const { id, proposals, proposed_for: usual } = state.view;
    const own = state.forObject === null ? null : objectById(state.view, state.forObject);
    const { form, pixels } = (own && own.adjustment) || state.view.adjustment;
    const proposed = own && own.adjustment ? own.proposed_for : usual;
    let wanted = null;
    if (known.id !== id) wanted = usualTask(state.view);
    else if (known.usual !== usual) wanted = usual; // undone or done again
    if (wanted) for (const radio of tasks) radio.checked = radio.value === wanted;
    known = { id, usual };
    if (state.step !== "keyframe") {
      ref.regionNote.textContent = ""; // one word on the page is one control
      ref.propose.textContent = "Use the task's form";
      return;
    }

    const now = task();
    const suits = proposals[own ? own.id : ""][now];
    const words = (way) => `${FORM_NAMES[way.form]}${formExpands(way.form) ? ` by ${way.pixels} px` : ""}`;
    const fits = form === suits.form && (pixels === suits.pixels || !formExpands(form));
    const why = fits ? WHY[now][0] : proposed ? "as your tries have it" : "as you chose";
    ref.regionNote.textContent = `Region: ${words({ form, pixels })}, ${why}.`;
    ref.regionNote.title = fits ? `${words(suits)}: ${WHY[now][1]}` : "";
    ref.propose.hidden = fits;
    ref.propose.textContent = `Use ${words(suits)}`;
    ref.propose.title = `${words(suits)}: ${WHY[now][1]}. Tries made so far are marked as of the old region`;
  };
};
