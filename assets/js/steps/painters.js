// In step 4: which model paints the keyframe, and with how many steps, where there is a choice.

import { run } from "../state/commands.js";
import { shortDuration } from "../state/format.js";
import { ask } from "../state/requests.js";
import { on, state } from "../state/store.js";
import { make } from "../widgets/dom.js";
import { chosenPreset, offerPresets, presetCost } from "./presets.js";

/**
 * Mount the choice; `changed` is called when another model is chosen. Returns `painter()`, what the
 * chosen one is called in a request (null while that is not known), `preset()`, which of its
 * presets, `choose(name, preset)`, and `takesWords()`: whether it knows only the words of the video
 * model.
 */
export const mountPainters = (ref, server, changed) => {
  let painters = [];
  let asked = null; // what the answer that is shown was asked for
  const chosen = () => painters.find(({ name }) => name === ref.painter.value) || null;

  const showCost = () => {
    const presets = (chosen() && chosen().presets) || [];
    ref.presetCost.textContent = presetCost(presets.find(({ name }) => name === ref.preset.value));
  };
  const show = () => {
    const there = painters.length > 1;
    ref.painterBox.hidden = !there;
    ref.noPainter.hidden = there || !painters.length;
    const now = chosen();
    const presets = (now && now.presets) || [];
    offerPresets(ref.presetBox, ref.preset, presets);
    const seconds = now && now.seconds;
    const alone = there && seconds && !presets.length;
    ref.painterCost.textContent = alone ? `about ${shortDuration(seconds)} a try` : "";
    showCost();
    changed();
  };
  const draw = () => {
    const kept = ref.painter.value;
    ref.painter.replaceChildren(...painters.map(({ name, title }) => make("option", { value: name }, title)));
    const known = painters.some(({ name }) => name === kept);
    ref.painter.value = known ? kept : (painters.find(({ used }) => used) || { name: "" }).name;
    show();
  };
  // the first time, and when a model was fetched or tries told how long they take
  const refresh = () => {
    if (state.step !== "keyframe" || !state.view) return;
    const ended = state.view.jobs.filter(({ kind, finished }) => finished && (kind === "fetch" || kind === "keyframe"));
    const key = `${state.view.id} ${ended.map(({ id }) => id)}`;
    if (key === asked) return;
    asked = key;
    ask(server, "painters", {}).then(
      (answer) => {
        ({ painters } = answer);
        draw();
      },
      () => {},
    );
  };
  ref.painter.addEventListener("change", show);
  ref.preset.addEventListener("change", showCost);
  ref.showModels.addEventListener("click", () => run("showModels"));
  on("view step", refresh);

  return {
    painter: () => ref.painter.value || null,
    preset: () => chosenPreset(ref.presetBox, ref.preset),
    choose: (name, preset) => {
      if (painters.some((one) => one.name === name)) ref.painter.value = name;
      show();
      if (ref.presetBox.hidden) return;
      ref.preset.value = preset;
      showCost();
    },
    takesWords: () => !chosen() || chosen().name === "video",
  };
};
