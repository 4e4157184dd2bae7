// What to know of a clip before working on it: notes with a remedy, and what the steps will cost.

import { onJobDone, unfinishedJob } from "../state/jobs.js";
import { ask, change, request, servers } from "../state/requests.js";
import { on, state } from "../state/store.js";
import { secondsFrom, shotAround } from "../state/timeline.js";
import { trimTo } from "../stage/trim.js";
import { make, textButton } from "../widgets/dom.js";

const LOOK_EVERY = 1500; // milliseconds between looks while the clip is being scanned
const PART = 10; // seconds

// What a note offers to do about it.
const REMEDIES = {
  part: () => trimTo(...secondsFrom(state.view.clip, state.frame, PART)),
  shot: () => trimTo(...shotAround(state.view.clip, state.view.cuts, state.frame)),
  whole: () => trimTo(0, state.view.clip.frames),
  deinterlace: () => change(servers.video, "deinterlace", { on: true }),
  fields: () => change(servers.video, "deinterlace", { on: false }),
};

const noteRow = (note) => {
  const remedy = () => REMEDIES[note.remedy]().catch(() => {});
  const button = note.remedy ? textButton(note.label, note.text, remedy, { "data-remedy": note.remedy }) : null;
  return make("li", { "data-warn": String(note.warn) }, make("span", { class: "vs-grow" }, note.text), button);
};

const costRow = (cost) => [
  make("dt", {}, cost.step),
  make("dd", { title: cost.title }, cost.time),
  make("dd", { class: "vs-quiet", title: "Memory the program holds by then" }, cost.memory),
];

const scanned = ({ done, looked }) => {
  if (done) return "";
  return looked < 1 ? `looking for cuts, ${Math.floor(100 * looked)} %` : "looking at its brightness";
};

/** Mount the notes; returns `draw()`, to be called with a clip open. */
export const mountPreflight = (ref, server) => {
  const refresh = () => ask(server, "look_again", { project_id: state.view.id });
  ref.measure.addEventListener("click", () => request(server, "measure_machine"));
  onJobDone("measure", () => refresh().catch(() => {}));

  let asking = 0;
  const followScan = () => {
    clearTimeout(asking);
    if (!state.view || state.view.preflight.done || state.step !== "video") return;
    asking = setTimeout(() => refresh().then(followScan, () => {}), LOOK_EVERY);
  };
  on("view step", followScan);

  let drawn = "";
  return () => {
    const { preflight } = state.view;
    ref.looked.textContent = scanned(preflight);
    ref.measure.hidden = preflight.measured;
    ref.measure.disabled = Boolean(unfinishedJob("measure"));
    const key = JSON.stringify([preflight.notes, preflight.costs]);
    if (key === drawn) return; // a button that is being pressed stays where it is
    drawn = key;
    ref.notes.replaceChildren(...preflight.notes.map(noteRow));
    if (!preflight.notes.length) ref.notes.append(make("li", { class: "vs-quiet" }, "Nothing out of the ordinary."));
    ref.costs.replaceChildren(...preflight.costs.flatMap(costRow));
  };
};
