// Messages to the person. The last one is shown; one that has to be seen comes back when another
// that covered it has gone.

import { sentence } from "./format.js";
import { on, set, state } from "./store.js";

let messages = [];
let project = null;

const lasting = (message) => message.job || message.report || !message.about;

const show = () => set({ message: messages[messages.length - 1] || null });

const keep = (wanted) => {
  messages = messages.filter(wanted);
  show();
};

/**
 * Show a message of `kind` "info" or "error".
 *
 * `about` names what it answers to: the message goes when that succeeds next, when another clip is
 * opened or when the step is left. An error of a `job` may come while nobody is there: it stays
 * until somebody has seen it. `report` is the id of a report on an internal error: it can be copied
 * or saved, and the message stays until it is dismissed. `offer` is a button beside the words:
 * { label, title, run }.
 */
export const showMessage = (text, kind = "info", { about = "", job = false, report = null, offer = null } = {}) => {
  const words = sentence(text);
  messages = messages.filter((other) => (other.job || other.report) && other.words !== words);
  messages.push({ words, kind, about, job, report, offer });
  show();
};

/** Clear the message about something that has succeeded; one with a report stays. */
export const clearMessage = (about) => keep((message) => message.report || message.about !== about);

/** Put away the message that is shown. */
export const dismissMessage = () => {
  messages.pop();
  show();
};

on("step", () => keep(lasting));
on("view", () => {
  if (!state.view || project === state.view.id) return;
  project = state.view.id;
  keep(lasting);
});
