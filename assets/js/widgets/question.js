// A dialog that asks one question.

import { make, studioElement } from "./dom.js";

/**
 * Ask which of several things is meant. `answers` are [value, label, tooltip], the first one being
 * the main one. Resolves with the value of the button that was pressed; null when none was.
 */
export const question = (title, text, answers) =>
  new Promise((done) => {
    const buttons = answers.map(([value, label, tip], i) =>
      make("button", { class: i ? "vs-button" : "vs-button vs-primary", value, title: tip }, label),
    );
    const cancel = make("button", { class: "vs-button", value: "", title: "Leave it (Esc)" }, "Cancel");
    const dialog = make(
      "dialog",
      { class: "vs-sheet vs-question", "aria-labelledby": "vs-question-title" },
      make("h2", { id: "vs-question-title" }, title),
      make("p", {}, text),
      make("form", { method: "dialog" }, cancel, ...buttons.toReversed()),
    );
    dialog.addEventListener("keydown", (event) => event.stopPropagation());
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue || null);
    });
    studioElement().append(dialog);
    dialog.showModal();
    buttons[0].focus();
  });
