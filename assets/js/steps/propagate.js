// Step 5: propagate the keyframe, look at the result, build on it, export it.

import { duration, memory, plural } from "../state/format.js";
import { unfinishedJob } from "../state/jobs.js";
import { clearMessage, showMessage } from "../state/messages.js";
import { openStep } from "../state/project.js";
import { change, request } from "../state/requests.js";
import { carriedWords, missingWindows, resultPlays, unsupportedOf } from "../state/result.js";
import { on, set, state } from "../state/store.js";
import { isDirect, tryById } from "../state/tries.js";
import { factRows, make, numberIn, wholeNumber } from "../widgets/dom.js";
import { mountAcceptedKeyframes } from "./accepted_keyframes.js";
import { estimator } from "./estimates.js";
import { mountExports } from "./exports.js";
import { mountLayerStack } from "./layer_stack.js";
import { mountMix } from "./mix.js";
import { chosenPreset, offerPresets } from "./presets.js";
import { mountResultParts } from "./result_parts.js";
import { mountResults } from "./results.js";
import { mountWindowStrip } from "./window_strip.js";

const total = (value) =>
  typeof value === "number" ? value : Object.values(value || {}).reduce((sum, part) => sum + part, 0);

const shownWords = (rate) =>
  `The model is shown ${Number(rate.toPrecision(4))} frames a second; the others are drawn between its answers`;

const reportFacts = (report) => {
  const facts = [];
  if (report.size) facts.push(["Video", `${report.size.join(" × ")}, ${report.frames} frames`]);
  if (report.seconds) {
    facts.push(["Time", `${duration(total(report.seconds))}, ${memory(report.peak_memory_mb)} at most`]);
  }
  const reused = report.windows - report.windows_made;
  if (reused > 0) facts.push(["Reused", `${reused} of ${report.windows} windows, made before`]);
  const ways = [...new Set(Object.values(report.carried || {}))];
  if (ways.length) facts.push(["Keyframe", ways.map(carriedWords).join(", or ")]);
  if (report.shown_rate) facts.push(["Rate", shownWords(report.shown_rate)]);
  const outside = report.max_difference_outside;
  if (outside === 0) facts.push(["Outside", "not one pixel changed before encoding"]);
  else if (outside !== undefined) facts.push(["Outside", `differs by up to ${outside}`]);
  return facts;
};

const noteOf = (result) => {
  if (result.stale) return "Made before the masks changed; it stays until you propagate again.";
  return result.fits ? "" : "Made from other keyframes, frames or accepted edits than those of now.";
};

export const mountPropagate = (ref, server) => {
  const settings = () => ({
    steps: wholeNumber(ref.steps),
    guidance: numberIn(ref.guidance),
    rate: ref.rate.value === "engine" ? null : ref.rate.value,
    preset: chosenPreset(ref.presetBox, ref.preset),
  });
  const running = () => unfinishedJob("propagate");
  const isPaused = () => Boolean(state.view.result && !state.view.result.done && !running());
  const isWhole = () => Boolean(state.view.result && state.view.result.done);
  const isFresh = () => isWhole() && state.view.result.fits && !state.view.result.stale;

  const drawKeyframes = mountAcceptedKeyframes(ref, server);
  const drawStrip = mountWindowStrip(ref);
  const drawStack = mountLayerStack(ref, server);
  const drawResults = mountResults(ref, server);
  mountMix(ref, server);
  const drawExports = mountExports(ref, server);
  const drawParts = mountResultParts(ref);

  // The buttons. The main one is what comes next: propagate, resume, or in full size after a quick look.

  const start = (draft) => {
    set({ playing: state.playing && !draft, resultId: null }); // a quick look plays on while the final is made
    request(server, "start_propagation", { seed: wholeNumber(ref.seed), ...settings(), draft, carry: ref.carry.value });
  };
  const startOrResume = () => {
    clearMessage("job propagate"); // that an earlier one was stopped
    if (isPaused()) request(server, "resume_propagation", { propagation_id: state.view.result.id });
    else start(false);
  };
  const accepted = () => {
    openStep("select");
    showMessage("Accepted. Select what to edit next; the clip is as you left it.");
  };
  const acceptResult = () =>
    change(server, "accept_result", { propagation_id: state.view.result.id }).then(accepted, () => {});
  ref.primary.addEventListener("click", startOrResume);
  ref.secondary.addEventListener("click", () => start(!isPaused()));
  ref.accept.addEventListener("click", acceptResult);

  // What it will take

  const estimates = estimator(server, (answer) => {
    if (answer?.presets) offerPresets(ref.presetBox, ref.preset, answer.presets);
    if (answer?.final) ref.rateRow.hidden = !answer.final.trained;
    drawEstimate();
    drawButtons();
  });
  const draftOffered = () => Boolean(estimates.latest()?.draft?.offered);
  const askEstimate = () => {
    const { view } = state;
    if (state.step !== "propagate" || !view.accepted) return;
    const [last] = view.jobs.filter((job) => job.finished);
    const { start: first, stop } = view.clip;
    const { steps, guidance, rate, preset } = isPaused() ? view.result : settings(); // as it began
    const wanted = [steps, guidance, rate, preset, ref.carry.value];
    const key = JSON.stringify([view.id, view.carried, first, stop, wanted, last ? last.id : ""]);
    estimates.refresh("foretell", key, { project_id: view.id, steps, guidance, rate, preset, carry: ref.carry.value });
  };
  const estimateWords = () => {
    const { result } = state.view;
    const { final, draft } = estimates.latest() || {};
    if (!final) return "Measuring this machine, to say how long it will take.";
    if (isPaused()) {
      const left = missingWindows(result); // of a run that goes on, only what is missing
      const own = result.draft && draft ? draft : final;
      const seconds = (own.seconds * left) / Math.max(1, result.windows.length);
      return left ? `About ${duration(seconds)} to go.` : "";
    }
    const time = `about ${duration(final.seconds)}${draftOffered() ? ` (quick look ${duration(draft.seconds)})` : ""}`;
    const guess = final.measured ? "" : ", at a first guess";
    const windows = final.windows ? `${plural(final.windows, "window")}, ` : "";
    const shown = final.shown ? ` ${shownWords(final.shown)}.` : "";
    return `${windows}${time}, ${memory(final.memory)} of memory${guess}.${shown}`;
  };
  // N tries and one propagation beside N edits without a keyframe; N is what was tried, or a few
  const kiveWords = () => {
    const { kive } = estimates.latest() || {};
    if (!kive || isPaused()) return "";
    const tries = Math.max(3, state.view.edits.filter((edit) => edit.model && !isDirect(edit)).length);
    const tried = duration(tries * kive.one_try + kive.propagation);
    const without = `${tries} edits without a keyframe: ${duration(tries * kive.direct)}`;
    return `${tries} tries and one propagation: ${tried}; ${without}${kive.measured ? "" : ", at a first guess"}.`;
  };
  const drawEstimate = () => {
    const { view } = state;
    const upToDate = isWhole() && view.result.fits && !view.result.draft;
    const tells = view.accepted && !running() && !upToDate;
    ref.forecast.textContent = tells ? estimateWords() : "";
    ref.forecast.hidden = !ref.forecast.textContent;
    ref.kive.textContent = tells ? kiveWords() : "";
    ref.kive.hidden = !ref.kive.textContent;
  };
  for (const input of [ref.steps, ref.guidance, ref.rate, ref.preset, ref.carry])
    input.addEventListener("change", askEstimate);

  const mainWords = () => {
    const { clip, result } = state.view;
    if (isPaused()) return "Resume";
    if (isWhole()) return result.draft && result.fits ? "Propagate at full size" : "Propagate again";
    return `Propagate to ${clip.stop - clip.start} frames`;
  };
  const reasonWords = () => {
    const { accepted: keyframe, result } = state.view;
    if (running())
      return resultPlays() ? "The quick look plays meanwhile." : "Finished windows show on the stage as they come.";
    if (!isPaused()) return keyframe ? "" : "Accept a keyframe in step 4 first.";
    const left = missingWindows(result);
    return `Stopped on the way: ${left ? `${plural(left, "window")} to go` : "only the video is to be written"}.`;
  };
  const leadWords = () => {
    if (isFresh()) return "Look at it, save it, or edit on.";
    const chosen = state.view.accepted_tries.map(tryById).filter(Boolean);
    return chosen.length && chosen.every(isDirect)
      ? "Paint the clip from the caption alone, without a keyframe."
      : "Propagate the keyframe through the clip.";
  };
  const drawButtons = () => {
    const { accepted: keyframe, layers, result } = state.view;
    const paused = isPaused();
    const busy = Boolean(running());
    const fresh = isFresh() && !result.draft;
    ref.lead.textContent = keyframe || !layers.length ? leadWords() : "The next edit starts from your accepted edits.";
    ref.primary.disabled = busy || (!keyframe && !paused);
    ref.secondary.disabled = busy || !keyframe;
    ref.primary.textContent = mainWords();
    ref.secondary.hidden = !paused && !draftOffered(); // one that takes long is none
    ref.secondary.textContent = paused ? "Start over" : "Quick look";
    ref.secondary.title = paused
      ? "Give up what there is of it and make every window anew"
      : "For a first impression: few steps at half the size, from the same seed";
    ref.primary.classList.toggle("vs-primary", !fresh);
    ref.accept.classList.toggle("vs-primary", fresh);
    ref.reason.textContent = reasonWords();
  };
  const unsupportedRow = ({ start: first, stop, share, keyframe }) => {
    const frames = stop === first + 1 ? `Frame ${first}` : `Frames ${first} to ${stop - 1}`;
    const words = `${frames}: the keyframe does not say what becomes of ${Math.round(100 * share)} % of the region.`;
    const go = () => openStep("keyframe", { frame: keyframe });
    const title = "Go there in step 4, to make a further keyframe";
    const button = make(
      "button",
      { type: "button", class: "vs-button", title, onclick: go },
      `Add one on frame ${keyframe}`,
    );
    return make("li", { class: "vs-unsupported" }, make("span", {}, words), button);
  };
  const drawOutcome = () => {
    const { base, result } = state.view;
    ref.outcome.hidden = ref.aboutSection.hidden = !isWhole();
    ref.exportSection.hidden = !isWhole() && !base;
    if (!isWhole()) return;
    ref.draftTag.hidden = !result.draft;
    ref.note.textContent = noteOf(result);
    ref.note.hidden = !ref.note.textContent;
    ref.accept.disabled = result.base !== base;
    ref.report.replaceChildren(...factRows(reportFacts(result.report)));
    ref.unsupported.replaceChildren(...unsupportedOf(result).slice(0, 3).map(unsupportedRow));
    ref.unsupported.hidden = !unsupportedOf(result).length;
  };

  on("view step", () => {
    if (!state.view) return;
    drawKeyframes();
    drawStrip();
    drawStack();
    askEstimate();
    drawEstimate();
    drawButtons();
    drawOutcome();
    drawResults();
    drawExports();
    drawParts(isFresh());
  });
};
