// The chosen try: what it was made with, and what it is compared with.

import { shortDuration } from "../state/format.js";
import { projectUrl } from "../state/project.js";
import { set, state } from "../state/store.js";
import { askedOf, chosenTry, objectNames, tryById, tryTitle } from "../state/tries.js";
import { make } from "../widgets/dom.js";

const own = (value) => (value === null || value === undefined ? "model's own" : String(value));

const originOf = (edit) => {
  const parent = tryById(edit.parent);
  const kept = `${Math.round(edit.keep * 100)} % kept`;
  if (parent) return `${tryTitle(parent)}, ${edit.keep ? kept : "its settings"}`;
  return edit.keep ? `a deleted try, ${kept}` : "";
};

const tryFacts = (edit) => {
  const facts = [];
  if (edit.name) facts.push(["Asked", askedOf(edit)]);
  if (edit.model) {
    facts.push(["Seed", `${edit.seed}, frame ${edit.frame}`]);
    if (edit.preset) facts.push(["Preset", "Draft"]);
    if (edit.painter) facts.push(["Painted by", edit.painter.split(/[\\/]/).pop()]);
    facts.push(["Steps", `${own(edit.steps)}${edit.guidance === null ? "" : `, guidance ${edit.guidance}`}`]);
  } else facts.push(["Frame", String(edit.frame)]);
  if (edit.objects.length) facts.push(["For", objectNames(edit)]);
  const ground = edit.ground.map(tryById).filter(Boolean).map(tryTitle);
  if (ground.length) facts.push(["Stands on", ground.join(", ")]);
  if (originOf(edit)) facts.push(["From", originOf(edit)]);
  if (edit.seconds) facts.push(["Took", shortDuration(edit.seconds)]);
  return facts;
};

/** Mount the details; returns `draw()`. */
export const mountTryDetails = (ref) => {
  let drawn = "";

  const drawDetails = (edit, others) => {
    const rows = tryFacts(edit).flatMap(([name, value]) => [make("dt", {}, name), make("dd", { title: value }, value)]);
    const options = others.map((other) =>
      make("option", { value: other.id }, `${tryTitle(other)}, seed ${other.seed}`),
    );
    ref.title.textContent = ref.title.title = edit.name || askedOf(edit);
    ref.facts.replaceChildren(...rows);
    ref.send.href = `${projectUrl(`keyframe/${edit.frame}/zip`)}?edit=${edit.id}`;
    ref.against.replaceChildren(make("option", { value: "" }, "the frame"), ...options);
    ref.against.disabled = !others.length;
  };
  ref.against.addEventListener("change", () => set({ againstId: ref.against.value || null, compareTry: "wipe" }));

  return () => {
    const edit = chosenTry();
    ref.chosen.hidden = !edit;
    if (!edit) {
      drawn = "";
      return;
    }
    const others = state.view.edits.filter((other) => other.id !== edit.id && other.frame === edit.frame).reverse();
    const key = JSON.stringify([state.view.id, edit, others.map((other) => [other.id, tryTitle(other), other.seed])]);
    if (key !== drawn) {
      drawn = key;
      drawDetails(edit, others);
    }
    ref.against.value = state.againstId || "";
  };
};
