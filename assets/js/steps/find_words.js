// Finding objects by words in the Select step.

import { run } from "../state/commands.js";
import { onJobDone } from "../state/jobs.js";
import { ask, request } from "../state/requests.js";
import { on, set, state } from "../state/store.js";

export const mountFindWords = (ref, server) => {
  let model = null; // { about, here, small }: what finds by words; whether the small segmenter is used

  const draw = () => {
    const missing = Boolean(model) && !model.here;
    ref.findNote.hidden = !missing;
    ref.findNote.title = model ? `Needs ${model.about}` : "";
    // where the model comes from would not fit
    ref.findNote.textContent = ref.findNote.title.replace(/ \([^)]*\)$/, "");
    ref.findButton.textContent = missing ? "Fetch …" : "Find";
  };
  const take = (answer) => {
    model = answer;
    ref.betterMasks.hidden = !answer.small; // SAM 2.1 is the first help where the small segmenter's masks fail
    draw();
  };
  const refresh = () => ask(server, "text_model").then(take, () => {});

  ref.find.addEventListener("submit", (event) => {
    event.preventDefault();
    if (model && !model.here) run("showModels");
    else if (ref.words.value.trim()) request(server, "find_text", { frame: state.frame, text: ref.words.value });
    else ref.words.focus();
  });
  ref.betterMasks.addEventListener("click", () => run("showModels"));
  onJobDone("find", (job) => {
    const [first] = job.result.objects || [];
    if (first !== undefined) set({ object: first });
    ref.words.value = "";
    refresh();
  });
  on("step", () => {
    if (state.step === "select" && !model) refresh();
  });
  on("fetched segmenter", () => {
    if (model) refresh();
  });
};
