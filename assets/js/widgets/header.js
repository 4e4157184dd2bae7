// The bar at the top: steps, undo and redo, the theme, models and help.

import { register, run } from "../state/commands.js";
import { uncapital } from "../state/format.js";
import { nearestOpen, whereChanged } from "../state/history.js";
import { showMessage } from "../state/messages.js";
import { goTo, openStep } from "../state/project.js";
import { change } from "../state/requests.js";
import { recallText, rememberText } from "../state/storage.js";
import { on, set, state } from "../state/store.js";
import { studioElement } from "./dom.js";

const ABOUT = {
  video: "Open a video (1)",
  select: "Mark the object and track it through the clip (2)",
  adjust: "How much around the object may change (3)",
  keyframe: "Try captions on one frame (4)",
  propagate: "Propagate the accepted keyframe through the clip (5)",
};

export const mountHeader = (ref, server, element) => {
  const tabs = [...element.querySelectorAll(".vs-tab")];
  for (const tab of tabs) tab.addEventListener("click", () => openStep(tab.dataset.step));

  // Steps back and forth are said, and looked at where they happened.
  const move = async (handler, word, which) => {
    if (!state.view || !state.view[which]) return;
    let before = null;
    const answer = await change(server, handler, () => {
      before = state.view;
      return {};
    }).catch(() => null);
    if (!answer || !before || !before[which] || answer.view.id !== state.view.id) return;
    const where = whereChanged(before, answer.view);
    if (where) {
      if (where.step) openStep(nearestOpen(answer.view, where.step), { frame: where.frame });
      else if (where.frame !== null) goTo(where.frame);
    }
    showMessage(`${word}: ${uncapital(before[which])}`);
  };
  const undo = () => move("undo_step", "Undone", "undo");
  const redo = () => move("redo_step", "Done again", "redo");
  register({ undo, redo });
  ref.undo.addEventListener("click", undo);
  ref.redo.addEventListener("click", redo);
  ref.model.addEventListener("click", () => run("showModels"));
  ref.help.addEventListener("click", () => run("showKeys"));
  watchTheme(ref.theme);

  // With the step its panel goes: who was in it with the keyboard goes on at the top of the new
  // one.
  let shown = state.step;
  on("step", () => {
    if (state.step === shown) return;
    const inside = document.getElementById("studio-panel").contains(document.activeElement);
    shown = state.step;
    if (inside) queueMicrotask(() => document.getElementById(`vs-title-${shown}`)?.focus({ preventScroll: true }));
  });

  const drawTab = (tab) => {
    const { step } = tab.dataset;
    const unopened = { open: step === "video", reason: "Open a video first.", done: false };
    const info = state.view ? state.view.steps[step] : unopened;
    tab.setAttribute("aria-current", step === state.step ? "step" : "false");
    tab.setAttribute("aria-disabled", String(!info.open));
    tab.dataset.mark = info.stale ? "stale" : info.done && state.view ? "done" : "";
    tab.title = info.stale
      ? `${ABOUT[step]}. Made from an earlier state; still there, to be made again when you like`
      : info.reason || ABOUT[step];
  };
  const drawButton = (button, label, word, keys) => {
    button.disabled = !label;
    button.title = label ? `${word}: ${label} (${keys})` : `Nothing to ${word.toLowerCase()}`;
  };
  on("view step", () => {
    studioElement().dataset.step = state.step;
    ref.project.textContent = state.view ? state.view.name : "";
    tabs.forEach(drawTab);
    drawButton(ref.undo, state.view && state.view.undo, "Undo", "ctrl-Z");
    drawButton(ref.redo, state.view && state.view.redo, "Redo", "ctrl-shift-Z");
  });
};

// Who chose a theme keeps it; else the system decides, which gradio follows by the body's class.
// Canvases are drawn in the theme's colours, so they are drawn anew whoever changes the class.
const watchTheme = (button) => {
  const isDark = () => document.body.classList.contains("dark");
  let chosen = recallText("vivid-theme");
  const apply = () => {
    // which the observer notices
    if (chosen && isDark() !== (chosen === "dark")) document.body.classList.toggle("dark");
    set({ dark: isDark() });
  };
  new MutationObserver(apply).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  apply();
  button.addEventListener("click", () => {
    chosen = isDark() ? "light" : "dark";
    rememberText("vivid-theme", chosen);
    apply();
  });
};
