// Calls to the program. Questions go out at once; changes go out one after the other, so that none
// is lost and their order stays.

import { checkConnection } from "./connection.js";
import { watch } from "./jobs.js";
import { clearMessage, forgetRefusals, showMessage } from "./messages.js";
import { accept } from "./project.js";
import { state } from "./store.js";

/** The handlers of each part of the page, by the part's name. */
export const servers = {};

/**
 * Ask one handler of a part's `server`. Resolves with its answer; rejects, with a message shown,
 * when there is none.
 */
export const ask = async (server, name, values = {}) => {
  // gradio's client gives back nothing, or throws, when the program is gone
  const answer = await server[name](values).catch(() => null);
  if (!answer || typeof answer !== "object") {
    if (!state.offline && (await checkConnection())) {
      showMessage("The program did not take that: do it again.", "error", { about: name });
    }
    throw new Error("no answer");
  }
  if (answer.error) {
    showMessage(answer.error, "error", { about: name, report: answer.report });
    throw new Error(answer.error);
  }
  clearMessage(name);
  if (answer.job) watch(answer.job);
  if (answer.view && (!state.view || !values.project_id || answer.view.id === state.view.id)) accept(answer.view);
  return answer;
};

let tail = Promise.resolve();

/**
 * Ask for a change of the open project, once all earlier changes are answered. `values` may be a
 * function, which is called then.
 */
export const change = (server, name, values = {}) => {
  const id = state.view && state.view.id;
  forgetRefusals();
  const answer = tail.then(() =>
    ask(server, name, { project_id: id, ...(typeof values === "function" ? values() : values) }),
  );
  tail = answer.catch(() => {});
  return answer;
};

/** A change whose error is shown and needs nothing more. */
export const request = (server, name, values) => change(server, name, values).catch(() => {});

/** Read the view of the open project anew. */
export const refreshView = () => ask(servers.job, "follow", { project_id: state.view.id }).catch(() => {});

/**
 * POST a body to the program as the editor's page; resolves with the response, or null when there
 * was no answer.
 */
export const post = (address, body) =>
  fetch(address, { method: "POST", headers: { "X-Vivid-Studio": "1" }, body }).catch(() => null);
