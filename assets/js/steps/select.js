// Step 2: objects, prompts, tracking and what to check.

import { register, run } from "../state/commands.js";
import { isActive, onJobDone } from "../state/jobs.js";
import { showMessage } from "../state/messages.js";
import { openStep } from "../state/project.js";
import { request } from "../state/requests.js";
import { allTracked, frameWords, markedObjects, objectById, timelineOf } from "../state/selection.js";
import { on, set, state } from "../state/store.js";
import { allChecks, checkOn, checkWords, covers, nextCheck } from "../state/timeline.js";
import { mountFindWords } from "./find_words.js";
import { mountMaskFiles } from "./mask_files.js";
import { mountObjectList } from "./object_list.js";
import { mountTrack } from "./track.js";

const LOOK = 150; // milliseconds on a frame until it is made ready for clicks

export const mountSelect = (ref, server) => {
  const ask = (name, values) => request(server, name, values);
  const selected = () => state.view && objectById(state.view, state.object);
  const isConfirmed = () => Boolean(selected() && selected().confirmed.includes(state.frame));
  const isPresent = () => {
    const timeline = selected() && timelineOf(state.view, state.object);
    return Boolean(timeline && covers(timeline.present, state.frame));
  };

  const drawList = mountObjectList(ref, server);
  mountFindWords(ref, server);
  mountMaskFiles(ref, server);

  // This frame

  const onFrame = (name, values = {}) => {
    if (selected()) ask(name, { object_id: state.object, frame: state.frame, ...values });
  };
  const confirm = () => {
    if (!ref.confirm.disabled) onFrame("confirm_frame", { sure: !isConfirmed() });
  };
  ref.confirm.addEventListener("click", confirm);
  const isShape = () => Boolean(selected() && selected().shape);
  ref.absent.addEventListener("click", () => (isShape() ? run("shapeGone") : onFrame("mark_absent")));
  ref.clearFrame.addEventListener("click", () => (isShape() ? run("forgetShape") : onFrame("clear_prompts")));

  // Tracking

  const { track, trackFromHere, draw: drawTrack } = mountTrack(ref, server);
  ref.secondary.addEventListener("click", track);
  ref.primary.addEventListener("click", () => openStep("adjust"));
  onJobDone("track", (job) => {
    const missed = job.result.missed || [];
    if (missed.length) {
      const names = missed.join(", ");
      showMessage(`${names}: found on no frame. Draw a closer box around it, or fetch SAM 2.1 under Models.`, "error");
    }
    const [frame] = job.result.waiting || [];
    if (frame === undefined) return;
    set({ frame });
    showMessage(`A new shot begins at frame ${frame}. Click the object there, or press “Not here”; then track on.`);
  });

  // What to check: suspect frames, and shots that wait for a click

  const checks = () => allChecks(state.view.lanes, state.view.cuts);
  const goToCheck = (by) => {
    if (!state.view) return;
    const list = checks();
    if (!list.length) {
      showMessage("No frame looks suspect.");
      return;
    }
    const { start, timeline } = nextCheck(list, state.frame, state.object, by);
    set({ playing: false, frame: start, object: timeline.object_id });
  };
  ref.nextSuspect.addEventListener("click", () => goToCheck(1));
  register({ confirmFrame: confirm, trackFromHere, goToCheck });

  // A frame that is looked at is made ready, so that the first click on it is answered as fast as
  // the next.
  let ready = "";
  let waiting = 0;
  on("view step frame playing", () => {
    clearTimeout(waiting);
    if (!state.view || state.step !== "select" || state.playing) return;
    const seen = `${state.view.id} ${state.frame}`;
    if (seen === ready) return;
    waiting = setTimeout(() => {
      ready = seen;
      server.look_at({ project_id: state.view.id, frame: state.frame }).catch(() => {});
    }, LOOK);
  });

  // Drawing

  const drawFrame = () => {
    const object = selected();
    const present = isPresent();
    const confirmed = isConfirmed();
    const drawn = object && object.shape ? object.shape.keys : [];
    const prompted = Boolean(object) && [...object.prompts, ...drawn].some(({ frame }) => frame === state.frame);
    const unmarked = !object || !object.marked;
    ref.clearFrame.disabled = !prompted && !confirmed;
    ref.confirm.disabled = unmarked;
    ref.absent.disabled = unmarked || (confirmed && !present);
    ref.confirm.setAttribute("aria-pressed", String(confirmed));
    ref.frameState.textContent = frameWords(object, state.frame, present);
  };
  const drawChecks = () => {
    const list = checks();
    const here = checkOn(list, state.frame, state.object);
    ref.health.hidden = !list.length;
    ref.health.dataset.here = String(Boolean(here));
    const words = here ? `${here.timeline.name}: ${here.words}` : checkWords(list);
    ref.healthText.textContent = ref.healthText.title = words;
  };
  const drawButtons = () => {
    const { view } = state;
    const marked = markedObjects(view).length > 0;
    const tracked = allTracked(view);
    const busy = isActive("track");
    ref.findButton.disabled = isActive("find");
    ref.exportMasks.disabled = !marked || isActive("masks");
    ref.primary.disabled = busy || !tracked;
    // the one main button: tracking until all is tracked
    ref.secondary.textContent = busy ? "Tracking …" : "Track";
    ref.secondary.classList.toggle("vs-primary", !tracked);
    ref.primary.classList.toggle("vs-primary", tracked);
    if (busy) ref.reason.textContent = "Tracking; the masks appear as they are found.";
    else ref.reason.textContent = marked ? "" : "Mark the object on the picture first.";
  };

  on("view object frame step trackWay trackStop", (keys) => {
    if (!state.view) return;
    if (!keys.size || keys.has("view") || keys.has("object")) drawList();
    drawFrame();
    drawChecks();
    drawButtons();
    drawTrack();
  });
};
