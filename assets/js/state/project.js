// The open project: the view that the server sent last, the projects that this browser knows, and
// going about in it.

import { FIT } from "./geometry.js";
import { showMessage } from "./messages.js";
import { selectedIn } from "./selection.js";
import { recallItem, rememberItem } from "./storage.js";
import { on, set, state } from "./store.js";
import { frameInClip } from "./timeline.js";

export const STEPS = ["video", "select", "adjust", "keyframe", "propagate"];

const KNOWN = 50; // projects that are remembered

// The result that a person chose stays the one that is shown while views come and go.
const takeChosen = (view) => {
  const chosen = state.resultId && view.results.find(({ id }) => id === state.resultId);
  if (chosen) view.result = chosen;
};

/** Show another of the finished results. */
export const chooseResult = (id) => {
  const view = { ...state.view };
  set({ resultId: id, view });
  takeChosen(view);
};

/**
 * Take a view from the server. A later one replaces an earlier one, never the other way: answers
 * may overtake each other.
 */
export const accept = (view) => {
  const old = state.view;
  const other = !old || old.id !== view.id;
  if (!other && old.moment >= view.moment) return;
  if (other) set({ resultId: null });
  else takeChosen(view);
  const changes = { view, object: selectedIn(view, other ? null : state.object) };
  if (other) {
    const last = view.edits[view.edits.length - 1];
    Object.assign(changes, {
      frame: view.clip.start,
      tryId: view.accepted || (last ? last.id : null),
      playing: false,
      pending: [],
      viewport: FIT,
    });
    if (old) changes.step = "video";
    noteInHistory(view.draft ? null : view.id, Boolean(old));
    if (!view.draft) rememberProject(view.id);
  } else if (old.draft && !view.draft) {
    noteInHistory(view.id, false); // its first change has made a project of it
    rememberProject(view.id);
  }
  if (!other && state.tryId && !view.edits.some((edit) => edit.id === state.tryId)) {
    changes.tryId = null;
  }
  set(changes);
};

// Which project it is stands in the entry of the tab's history, not in its address: who knows a
// project's id can open it, and addresses are remembered, shown and sent about.
const noteInHistory = (id, switched) => {
  if (id && history.state?.project === id) return;
  const url = new URL(location.href);
  url.searchParams.delete("project");
  if (id) url.searchParams.delete("example");
  if (switched) url.hash = "";
  history[switched ? "pushState" : "replaceState"]({ project: id }, "", url);
};

/** The project that the address, or the entry of the tab's history, asks for; null for none. */
export const wantedProject = () => new URL(location.href).searchParams.get("project") || history.state?.project || null;

/** The example that the address asks for, as a new project; null for none. */
export const wantedExample = () => new URL(location.href).searchParams.get("example");

// What this browser remembers

/** Ids of the projects that were open in this browser, the latest first. */
export const knownProjects = () => recallItem("vivid-projects", []);

export const forgetProject = (id) =>
  rememberItem(
    "vivid-projects",
    knownProjects().filter((other) => other !== id),
  );

const rememberProject = (id) => {
  const others = knownProjects().filter((other) => other !== id);
  rememberItem("vivid-projects", [id, ...others].slice(0, KNOWN));
};

// The step each project was left in; the address has it too, but people come back by the bare one.
on("step", () => {
  if (!state.view) return;
  const known = new Set(knownProjects());
  const steps = { ...recallItem("vivid-steps", {}), [state.view.id]: state.step };
  rememberItem("vivid-steps", Object.fromEntries(Object.entries(steps).filter(([id]) => known.has(id))));
});

export const lastStep = () => (state.view && recallItem("vivid-steps", {})[state.view.id]) || "video";

// Going about

/** Go to a frame; one outside the clip stands for the nearest end. */
export const goTo = (frame) => {
  if (state.view) set({ frame: frameInClip(state.view.clip, frame) });
};

/**
 * Go to a step, on a `frame` where one is given, or say why the step is not open yet; with `anyway`
 * also to one that is not.
 */
export const openStep = (step, { frame = null, anyway = false } = {}) => {
  const info = state.view ? state.view.steps[step] : null;
  if (step !== "video" && !(info && (info.open || anyway))) {
    showMessage(info ? info.reason : "Open a video first.", "info", { about: "step", stays: true });
    return;
  }
  set({ step, playing: false, led: frame });
  if (frame !== null) goTo(frame);
  // the whole address: gradio's <base> would swallow the query of a bare "#step"
  const url = new URL(location.href);
  url.hash = step;
  history.replaceState(history.state, "", url);
};

/** Address of something of the open project. */
export const projectUrl = (path) => `/studio/${state.view.id}/${path}`;
