// Step 4: what the region should show on this frame.

import { register } from "../state/commands.js";
import { toggleWord, WORD_ORDER, wordsOf } from "../state/caption.js";
import { duration, firstSentence, memory, plural } from "../state/format.js";
import { isActive, unfinishedJob } from "../state/jobs.js";
import { goTo, openStep } from "../state/project.js";
import { ask, change, request } from "../state/requests.js";
import { on, set, state } from "../state/store.js";
import { covers } from "../state/timeline.js";
import { chosenTry, isDirect, objectNames, tryById, tryTitle } from "../state/tries.js";
import { focusText, numberIn, wholeNumber } from "../widgets/dom.js";
import { estimator } from "./estimates.js";
import { leftAsTheyAre, mountOwnEdits } from "./own_edits.js";
import { mountPainters } from "./painters.js";
import { mountRegionNote } from "./region_note.js";
import { mountKeyframeExchange } from "./keyframe_exchange.js";
import { mountLayPicture } from "./lay_picture.js";

const HINT_AFTER = 250; // milliseconds of quiet before the caption is looked at

export const mountKeyframe = (ref, server) => {
  const tasks = [...ref.tasks.querySelectorAll("input")];
  const task = () => tasks.find((radio) => radio.checked).value;
  const caption = () => ref.caption.value.trim();
  const seed = () => wholeNumber(ref.seed) || 0;
  const drawRegionNote = mountRegionNote(ref, server, tasks);
  const layPicture = mountLayPicture(ref, server);
  const drawLinks = mountKeyframeExchange(ref, server, { caption, seed, lay: layPicture.take });

  // Words

  const chips = [...ref.chips.querySelectorAll(".vs-chip")];
  const groupOf = (chip) => chip.parentElement.dataset.group;
  const wordsIn = (group) => chips.filter((chip) => groupOf(chip) === group).map((chip) => chip.dataset.word);
  const groups = Object.fromEntries(WORD_ORDER.map((group) => [group, wordsIn(group)]));
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      ref.caption.value = toggleWord(ref.caption.value, groupOf(chip), chip.dataset.word, groups);
      typed();
    });
  }
  let timer = null;
  const typed = () => {
    const words = new Set(wordsOf(ref.caption.value));
    for (const chip of chips) chip.setAttribute("aria-pressed", String(words.has(chip.dataset.word)));
    clearTimeout(timer);
    timer = setTimeout(askHint, HINT_AFTER);
    show();
  };

  let hinted = "";
  // the first sentence; the words that the model does know stand below as chips anyway
  const showHint = (text) => {
    ref.hint.textContent = firstSentence(text);
    ref.hint.title = text;
  };
  const askHint = () => {
    const words = painters.takesWords() ? caption() : ""; // the others know any word
    if (words === hinted) return;
    hinted = words;
    if (!words || !state.view) {
      showHint("");
      return;
    }
    const take = (answer) => {
      if (hinted === words) showHint(answer.hint);
    };
    ask(server, "caption_hint", { project_id: state.view.id, caption: words }).then(take, () => {});
  };
  ref.caption.addEventListener("input", typed);
  ref.caption.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !ref.secondary.disabled) startTries();
  });
  for (const radio of tasks) {
    radio.addEventListener("change", () => {
      request(server, "propose_adjustment", { task: radio.value, object_id: state.forObject });
      show();
    });
  }
  ref.more.addEventListener("click", () => {
    ref.advanced.hidden = !ref.advanced.hidden;
    ref.more.setAttribute("aria-expanded", String(!ref.advanced.hidden));
  });
  ref.dice.addEventListener("click", () => {
    ref.seed.value = Math.floor(Math.random() * 100000);
  });

  // Trying and accepting

  const startTries = () => {
    set({ playing: false });
    request(server, "start_tries", {
      frame: state.frame,
      task: task(),
      caption: task() === "delete" ? "" : caption(),
      seed: seed(),
      variations: wholeNumber(ref.variations) || 1,
      steps: wholeNumber(ref.steps),
      guidance: numberIn(ref.guidance),
      fit: ref.fit.value || null,
      painter: painters.painter(),
      preset: painters.preset(),
      parent: state.branch || null,
      keep: keepsPicture() ? Number(ref.keep.value) / 100 : 0,
      objects: forObjects(),
    });
  };
  const forObjects = () => (state.forObject === null ? [] : [state.forObject]);
  let before = null; // what was accepted when an edit without a keyframe was asked for
  const startDirect = () => {
    set({ playing: false });
    before = state.view.accepted_tries.join();
    request(server, "start_direct", {
      task: task(),
      caption: task() === "delete" ? "" : caption(),
      seed: seed(),
      steps: wholeNumber(ref.steps),
      guidance: numberIn(ref.guidance),
      fit: ref.fit.value || null,
      objects: forObjects(),
    });
  };
  const goOnDirectly = () => {
    const { accepted_tries: accepted } = state.view;
    if (before === null || accepted.join() === before || !accepted.some((id) => isDirect(tryById(id)))) return;
    before = null;
    if (state.step === "keyframe") goOn();
  };
  // What is for one object is accepted for it, and the next object may follow.
  const isAccepted = () => state.view.accepted_tries.includes(state.tryId);
  const goOn = () => openStep("propagate");
  const accept = () => {
    const alone = chosenTry().objects.length > 0;
    if (isAccepted()) goOn();
    else change(server, "accept_try", { edit_id: state.tryId }).then(alone ? () => {} : goOn, () => {});
  };
  ref.secondary.addEventListener("click", startTries);
  ref.direct.addEventListener("click", startDirect);
  ref.shadows.addEventListener("change", () => request(server, "set_shadows", { shadows: ref.shadows.checked }));
  ref.primary.addEventListener("click", accept);

  // Branching: the next tries grow out of this one, from its settings and, on its own frame, from
  // its picture.

  const parent = () => (state.branch ? tryById(state.branch) : null);
  const sameObjects = (edit) => edit.objects.join() === (state.forObject === null ? "" : String(state.forObject));
  const keepsPicture = () => Boolean(parent() && parent().frame === state.frame && sameObjects(parent()));
  const copySettings = (edit) => {
    if (edit.insert) {
      layPicture.again(edit);
      return;
    }
    for (const radio of tasks) radio.checked = radio.value === edit.task;
    if (edit.caption) ref.caption.value = edit.caption;
    ref.seed.value = edit.seed;
    ref.steps.value = edit.steps ?? "";
    ref.guidance.value = edit.guidance ?? "";
    ref.fit.value = edit.fit ?? "";
    painters.choose(edit.painter ?? "video", edit.preset ?? "final");
    // what is copied is seen
    if (ref.advanced.hidden && (edit.steps !== null || edit.guidance !== null || edit.fit)) ref.more.click();
    typed();
  };
  const branchFrom = (edit) => {
    copySettings(edit);
    if (edit.insert) return;
    set({ branch: edit.id, forObject: edit.objects.length === 1 ? edit.objects[0] : null });
    focusText(ref.caption);
  };
  register({ copySettings, branchFrom });
  const drawOwnEdits = mountOwnEdits(ref, (edit) => {
    if (edit) copySettings(edit);
    else {
      ref.caption.value = "";
      typed();
    }
    request(server, "propose_adjustment", { task: task(), object_id: state.forObject });
  });
  ref.leave.addEventListener("click", () => set({ branch: null }));
  ref.keep.addEventListener("input", () => drawBranch());
  const drawBranch = () => {
    const edit = parent();
    ref.branching.hidden = !edit;
    if (!edit) return;
    ref.branchOf.textContent = ref.branchOf.title = `Branches from “${tryTitle(edit)}”, seed ${edit.seed}`;
    ref.keep.disabled = !keepsPicture();
    if (!sameObjects(edit)) ref.keepText.textContent = "only for the same objects";
    else if (!keepsPicture()) ref.keepText.textContent = `only on frame ${edit.frame}`;
    else ref.keepText.textContent = ref.keep.value === "0" ? "its settings only" : `${ref.keep.value} %`;
  };

  // What propagating the chosen try would take, beside the button that accepts it

  const measured = new Set(); // projects in which a trial was started, once is enough
  const estimates = estimator(server, (answer, project) => {
    if (answer) measured.add(project);
    drawEstimate();
  });
  const askEstimate = () => {
    const { view } = state;
    if (state.step !== "keyframe" || !state.tryId) return;
    const last = view.jobs.find((job) => job.finished && (job.kind === "measure" || job.kind === "propagate"));
    const { start, stop } = view.clip;
    const key = JSON.stringify([view.id, state.tryId, view.carried, start, stop, last && last.id]);
    const values = { project_id: view.id, edit_id: state.tryId, measure: !measured.has(view.id) };
    estimates.refresh("foretell_try", key, values);
  };
  const estimateWords = () => {
    const answer = estimates.latest();
    if (!chosenTry()) return "";
    if (!answer || !answer.forecast) {
      return unfinishedJob("measure") ? "Measuring how long propagating will take." : "";
    }
    const { seconds, memory: megabytes, windows } = answer.forecast;
    const count = windows ? `${plural(windows, "window")}, ` : "";
    const cost = `To propagate: ${count}about ${duration(seconds)}, ${memory(megabytes)}.`;
    const { unseen, stale } = chosenTry();
    return unseen && !stale ? `${unseen} ${cost}` : cost;
  };
  const drawEstimate = () => {
    const answer = estimates.latest();
    const text = estimateWords();
    const sure = answer && answer.forecast && answer.forecast.measured;
    const source = sure
      ? "From what earlier runs took on this machine."
      : "A first guess, from a short trial on this machine.";
    ref.forecast.textContent = text;
    ref.forecast.dataset.lines = text.startsWith("To propagate") ? "one" : "two";
    ref.forecast.title = answer && answer.forecast && text ? `${text} ${source}` : "";
  };

  // Drawing

  const isPresent = () => {
    const chosen = (object) => state.forObject === null || object.id === state.forObject;
    const ownPixels = (object) => object.edited && !object.affected && chosen(object);
    const edited = new Set(state.view.objects.filter(ownPixels).map((object) => object.id));
    return state.view.lanes.some(({ object_id: id, present }) => edited.has(id) && covers(present, state.frame));
  };
  const isInside = () => state.view.clip.start <= state.frame && state.frame < state.view.clip.stop;
  const missingHere = () => {
    if (!isInside()) return `Frame ${state.frame} is outside the marked stretch of the clip.`;
    if (!state.view.objects.some((object) => object.edited)) return "To try a caption, select an object in step 2.";
    return isPresent() ? "" : `The object is not on frame ${state.frame}: choose another.`;
  };
  const chosenElsewhere = () => {
    const edit = chosenTry();
    return edit && edit.frame !== state.frame ? `The chosen try is on frame ${edit.frame}; click it to see it.` : "";
  };
  const reason = (busy, where, missing) => {
    if (busy) return "Trying; each try appears as it is ready.";
    if (where) return where;
    if (missing && !state.tryId)
      return painters.takesWords() ? "Write a caption, or pick words below it." : "Write a caption.";
    if (!state.tryId) return "Try, then choose a try to accept.";
    const left = leftAsTheyAre().map((object) => object.name);
    const stays = left.length > 1 ? "stay as they are" : "stays as it is";
    const stay = left.length ? `${left.join(", ")} ${stays}, unless you choose it under For.` : "";
    return chosenElsewhere() || (isAccepted() ? stay : "");
  };
  const leadWords = (laying, writes) => {
    if (laying) return `Where does the picture lie on frame ${state.frame}?`;
    return writes
      ? `What should the region show on frame ${state.frame}?`
      : `Take it away, on frame ${state.frame} first.`;
  };
  const show = () => {
    if (!state.view) return;
    drawOwnEdits();
    const laying = layPicture.draw();
    drawRegionNote();
    const writes = task() !== "delete";
    ref.captionBox.dataset.off = String(!writes);
    ref.shadowsBox.hidden = writes;
    ref.chips.hidden = !writes || !painters.takesWords();
    ref.shadows.checked = state.view.shadows;
    for (const control of [ref.caption, ...chips]) control.disabled = !writes;
    ref.caption.placeholder = writes ? "a red ball, say" : "needs no caption";
    const busy = isActive("keyframe");
    const missing = writes && !caption();
    const where = missingHere();
    ref.secondary.disabled = busy || missing || Boolean(where);
    const nothing = !state.view.objects.some((object) => object.edited);
    ref.direct.disabled = busy || missing || nothing;
    ref.secondary.title = `Try on frame ${state.frame} (Enter in the caption)`;
    goOnDirectly();
    drawBranch();
    drawLinks(!where);
    askEstimate();
    drawEstimate();
    ref.lead.textContent = leadWords(laying, writes);
    const edit = chosenTry();
    const names = edit ? objectNames(edit) : "";
    ref.primary.disabled = !edit;
    if (edit && isAccepted()) ref.primary.textContent = "Continue to Propagate";
    else ref.primary.textContent = names ? `Accept for ${names}` : "Accept and continue";
    ref.reason.textContent = laying ? "Add the picture as a try, then accept it." : reason(busy, where, missing);
    // the one main button: trying until there is a try to accept
    ref.secondary.classList.toggle("vs-primary", !state.tryId);
    ref.primary.classList.toggle("vs-primary", Boolean(state.tryId));
  };
  const painters = mountPainters(ref, server, () => {
    askHint();
    show();
  });
  // The step opens on the chosen try, before the first one where the object was marked; who comes
  // back finds the frame that was left.
  let left = { id: "", frame: null };
  let step = state.step;
  const firstMarked = () => {
    const lanes = state.view.objects.filter((object) => object.edited && !object.affected);
    const marked = lanes.flatMap((object) => object.prompts.map((prompt) => prompt.frame));
    return marked.length ? Math.min(...marked) : state.frame;
  };
  const openOnKeyframe = () => {
    if (left.id === state.view.id) goTo(left.frame);
    else goTo(chosenTry() ? chosenTry().frame : firstMarked());
  };
  on("step frame", () => {
    if (!state.view) return;
    const opened = state.step === "keyframe" && step !== "keyframe";
    step = state.step;
    if (opened && state.led === null) openOnKeyframe();
    else if (step === "keyframe") left = { id: state.view.id, frame: state.frame };
  });
  let project = ""; // whose words the caption holds
  on("view", () => {
    if (!state.view || state.view.id === project) return;
    if (project) {
      ref.caption.value = "";
      typed();
    }
    project = state.view.id;
  });
  on("view frame tryId branch step forObject laying", show);
};
