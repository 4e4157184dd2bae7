// An error of the page's own scripts is an internal error too: the program keeps a report of it.

import { showMessage } from "../state/messages.js";
import { post } from "../state/requests.js";
import { state } from "../state/store.js";

const MOST = 3; // reports a page sends
const LENGTH = 8000; // characters

const stories = new Set();

const reportScriptError = async (error) => {
  const story = String((error && error.stack) || error).slice(0, LENGTH);
  if (state.offline || stories.size >= MOST || stories.has(story) || /ResizeObserver loop/.test(story)) return;
  stories.add(story);
  const where = `${innerWidth} x ${innerHeight}, step ${state.step}, frame ${state.frame}`;
  const answer = await post("/studio/fault", [story, navigator.userAgent, where].join("\n"));
  if (!answer || !answer.ok) return;
  const words = "Something went wrong on this page; your work is saved. If it looks odd, reload it.";
  showMessage(words, "error", { report: (await answer.json()).report });
};

const isOurs = (error, file) => /\/studio\/js\//.test(`${file || ""} ${(error && error.stack) || ""}`);

export const watchErrors = () => {
  window.addEventListener("error", (event) => {
    if (isOurs(event.error, event.filename)) reportScriptError(event.error || event.message);
  });
  window.addEventListener("unhandledrejection", (event) => {
    if (isOurs(event.reason)) reportScriptError(event.reason);
  });
};
