// The finished results: which one is shown, what it is called, when it was made, and which others
// are shown beside it.

import { ago, capital } from "../state/format.js";
import { chooseResult } from "../state/project.js";
import { request } from "../state/requests.js";
import { besideResults, comparableResults, MOST_BESIDE } from "../state/result.js";
import { on, set, state } from "../state/store.js";
import { focusText, make, nameField } from "../widgets/dom.js";

const resultWords = ({ title, made }) => (made ? `${capital(title)} · ${ago(made)}` : capital(title));

/** Mount the list of results; returns `draw()`, to be called with a clip open. */
export const mountResults = (ref, server) => {
  ref.choice.addEventListener("change", () => chooseResult(ref.choice.value));
  ref.renameResult.addEventListener("click", () => {
    const { id, title, name } = state.view.result;
    const done = (given) => {
      field.replaceWith(ref.choice);
      if (given !== null && given !== name) request(server, "rename_result", { propagation_id: id, name: given });
    };
    const label = "New name of the result";
    const field = nameField(name || title, { maxlength: "80", "aria-label": label, class: "vs-grow" }, done);
    ref.choice.replaceWith(field);
    focusText(field);
  });

  const tick = (id, ticked) => {
    const ids = besideResults().map((one) => one.id);
    set({ besideIds: ticked ? [...ids, id].slice(-MOST_BESIDE) : ids.filter((other) => other !== id) });
  };
  let listed = "";
  const drawBeside = () => {
    const others = state.view ? comparableResults() : [];
    ref.beside.hidden = !others.length;
    const ticked = besideResults().map(({ id }) => id);
    const key = JSON.stringify([others.map(resultWords), ticked]);
    if (key === listed) return;
    listed = key;
    const row = (one) => {
      const checked = ticked.includes(one.id);
      const box = make("input", { type: "checkbox", checked, onchange: () => tick(one.id, box.checked) });
      return make("li", {}, make("label", { class: "vs-check" }, box, resultWords(one)));
    };
    ref.besideList.replaceChildren(...others.map(row));
  };
  on("view step besideIds", () => {
    if (state.view) drawBeside();
  });

  let drawn = "";
  return () => {
    const { result, results } = state.view;
    ref.resultRow.hidden = !result || !result.done;
    if (ref.resultRow.hidden) return;
    const rows = results.map((one) => [one.id, resultWords(one)]);
    if (!rows.some(([id]) => id === result.id)) rows.unshift([result.id, resultWords(result)]);
    const key = JSON.stringify([rows, result.id]);
    if (key === drawn) return;
    drawn = key;
    ref.choice.replaceChildren(...rows.map(([value, text]) => make("option", { value }, text)));
    ref.choice.value = result.id;
  };
};
