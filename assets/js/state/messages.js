// Messages to the person. The last one is shown; one that has to be seen comes back when another
// that covered it has gone. What was refused stays to be read until the person does something else.

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
 * opened or when the step is left. An error of a `job` outlives the step, too. What `stays`, as an
 * error does, goes with the next action; the others go after a while. `report` is the id of a report
 * on an internal error: it can be copied or saved, and the message stays until it is dismissed.
 * `offer` is a button beside the words: { label, title, run }.
 */
export const showMessage = (
  text,
  kind = "info",
  { about = "", job = false, report = null, offer = null, stays = kind === "error" } = {},
) => {
  const words = sentence(text);
  const outlives = (other) => other.job || other.report || (other.stays && !stays);
  messages = messages.filter((other) => outlives(other) && other.words !== words);
  messages.push({ words, kind, about, job, report, offer, stays });
  show();
};

/** Put away what was refused before: the person has gone on. */
export const forgetRefusals = () => keep((message) => message.report || !message.stays);

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
