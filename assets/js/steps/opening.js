// A video that is being opened: how far that is, where every frame has to be read first, and Cancel.

import { capital, placeInLine, timeLeft } from "../state/format.js";
import { clearMessage, showMessage } from "../state/messages.js";
import { ask } from "../state/requests.js";
import { on, set, state } from "../state/store.js";

const OPENING = "opening";
const ARRIVING = "arriving";

const words = (job) => {
  if (job.state === "queued") return job.ahead ? `Waiting: ${placeInLine(job.ahead)}` : "Starting";
  if (!job.total) return "Opening";
  const left = job.remaining === null ? "" : `, ${timeLeft(job.remaining)}`;
  return `${capital(job.stage)}: ${Math.floor(100 * job.fraction)} %${left}`;
};

/**
 * Mount the line about a video that is being opened. Returns `follow(answer)`: resolves with the
 * project's `view` and whether it looks like `masks`, or with null, a message shown, when it was not opened.
 */
export const mountOpening = (ref, server) => {
  let id = null;
  ref.stopOpening.addEventListener("click", () => {
    ref.stopOpening.disabled = true; // whoever follows it hears of its end
    ask(server, "stop_opening", { project_id: undefined, opening: id }).catch(() => {});
  });
  on("opening", () => {
    const { opening } = state;
    ref.opening.hidden = !opening;
    if (opening) ref.openingText.textContent = words(opening);
    // for whoever dropped a video in another step, and is still there
    if (!opening) clearMessage(ARRIVING);
    else if (state.step !== "video")
      showMessage(words(opening), "info", { about: ARRIVING, stays: true, offer: cancel });
  });
  const cancel = { label: "Cancel", title: "Don't open it", run: () => ref.stopOpening.click() };

  const follow = async (first) => {
    let answer = first;
    id = answer.opening ? answer.opening.id : null;
    ref.stopOpening.disabled = false;
    try {
      while (answer.opening && !answer.opening.finished) {
        set({ opening: answer.opening });
        answer = await ask(server, "follow_opening", { project_id: undefined, opening: id });
      }
    } finally {
      set({ opening: null });
    }
    if (!answer.opening) {
      clearMessage(OPENING);
      return { view: answer.opened || answer.view, masks: answer.masks };
    }
    const { state: end, message, result } = answer.opening;
    if (end === "failed") showMessage(message, "error", { about: OPENING, report: result.report });
    else showMessage("Not opened. Nothing was kept of it.");
    return null;
  };
  return follow;
};
