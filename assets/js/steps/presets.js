// Draft and Final: with how many steps a model is run, where there is a choice.

import { shortDuration } from "../state/format.js";
import { make } from "../widgets/dom.js";

const PRESET_TITLES = { final: "Final", draft: "Draft" };

/** The words of a choice: its steps, and what is missing for it. */
export const presetWords = ({ name, steps, lacks }) =>
  [
    steps ? `${PRESET_TITLES[name]}, ${steps} ${steps === 1 ? "step" : "steps"}` : PRESET_TITLES[name],
    lacks ? `: fetch ${lacks} under Models` : "",
  ].join("");

/** What a try takes by a choice, so far as that was measured here. */
export const presetCost = (choice) => (choice?.seconds ? `about ${shortDuration(choice.seconds)} a try` : "");

/**
 * Show the choices of a model in `select`, which lies in `box`; without any the box is hidden.
 * What was chosen stays, as long as the model has it.
 */
export const offerPresets = (box, select, choices) => {
  box.hidden = !choices.length;
  const kept = select.value;
  select.replaceChildren(
    ...choices.map((choice) =>
      make("option", { value: choice.name, disabled: Boolean(choice.lacks) }, presetWords(choice)),
    ),
  );
  const known = choices.some(({ name, lacks }) => name === kept && !lacks);
  select.value = known ? kept : (choices.find(({ used }) => used) || { name: "" }).name;
};

/** What is chosen, as a request says it: null where there is no choice. */
export const chosenPreset = (box, select) => (box.hidden ? null : select.value || null);
