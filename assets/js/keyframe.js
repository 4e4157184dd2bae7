"use strict";
// Step 4: what the region should show on this frame.
(() => {
  const { state } = studio;
  const ORDER = ["size", "colour", "material", "kind"];
  const HINT_AFTER = 250; // milliseconds of quiet before the caption is looked at

  studio.parts.keyframe = (ref, server) => {
    const tasks = [...ref.tasks.querySelectorAll("input")];
    const chips = [...ref.chips.querySelectorAll(".vs-chip")];
    const groups = Object.fromEntries(ORDER.map((group) => [group, chips.filter((chip) => chip.parentElement.dataset.group === group)]));
    let timer = null;
    let asked = "";

    const task = () => tasks.find((radio) => radio.checked).value;
    const words = () => ref.caption.value.toLowerCase().match(/[\p{L}-]+/gu) || [];
    const number = (input) => (input.value === "" ? null : Number(input.value));

    // A chip puts its word in the caption, in place of another of its group; the words keep their natural order.
    const use = (chip) => {
      const on = chip.getAttribute("aria-pressed") === "true";
      const picked = {};
      for (const group of ORDER) picked[group] = groups[group].map((c) => c.dataset.word).filter((word) => words().includes(word));
      picked[chip.parentElement.dataset.group] = on ? [] : [chip.dataset.word];
      const known = new Set(chips.map((c) => c.dataset.word));
      const others = words().filter((word) => !known.has(word) && !["a", "an", "the"].includes(word));
      const list = [...ORDER.slice(0, 3).flatMap((group) => picked[group]), ...others.slice(0, picked.kind.length ? 0 : undefined), ...picked.kind];
      const article = list.length && /^[aeiou]/.test(list[0]) ? "an" : "a";
      ref.caption.value = list.length ? `${article} ${list.join(" ")}` : "";
      typed();
    };
    for (const chip of chips) chip.addEventListener("click", () => use(chip));

    const typed = () => {
      const present = new Set(words());
      for (const chip of chips) chip.setAttribute("aria-pressed", String(present.has(chip.dataset.word)));
      clearTimeout(timer);
      timer = setTimeout(hint, HINT_AFTER);
      show();
    };
    // the first sentence; the words that the model does know stand below as chips anyway
    const say = (text) => { ref.hint.textContent = text.split(/(?<=\.)\s/)[0]; ref.hint.title = text; };
    const hint = () => {
      const caption = ref.caption.value.trim();
      if (caption === asked) return;
      asked = caption;
      if (!caption || !state.view) { say(""); return; }
      studio.ask(server, "caption_hint", { project_id: state.view.id, caption }).then((answer) => { if (asked === caption) say(answer.hint); }, () => {});
    };
    ref.caption.addEventListener("input", typed);
    ref.caption.addEventListener("keydown", (event) => { if (event.key === "Enter" && !ref.secondary.disabled) tryIt(); });
    for (const radio of tasks) radio.addEventListener("change", () => show());
    ref.more.addEventListener("click", () => {
      ref.advanced.hidden = !ref.advanced.hidden;
      ref.more.setAttribute("aria-expanded", String(!ref.advanced.hidden));
    });
    ref.dice.addEventListener("click", () => { ref.seed.value = Math.floor(Math.random() * 100000); });

    const tryIt = () => {
      studio.set({ playing: false });
      studio.change(server, "start_tries", {
        frame: state.frame, task: task(), caption: task() === "delete" ? "" : ref.caption.value.trim(), seed: studio.whole(ref.seed) || 0,
        variations: studio.whole(ref.variations) || 1, steps: studio.whole(ref.steps), guidance: number(ref.guidance),
        parent: state.branch || null, keep: keeps() ? Number(ref.keep.value) / 100 : 0,
      }).catch(() => {});
    };
    const accept = () => {
      if (state.tryId !== state.view.accepted) studio.change(server, "accept_try", { edit_id: state.tryId }).then(() => studio.openStep("propagate"), () => {});
      else studio.openStep("propagate");
    };
    ref.secondary.addEventListener("click", tryIt);
    ref.primary.addEventListener("click", accept);

    // Branching: the next tries grow out of this one, from its settings and, on its own frame, from its picture.
    const parent = () => (state.branch && state.view ? state.view.edits.find((edit) => edit.id === state.branch) : null);
    const keeps = () => { const edit = parent(); return Boolean(edit && edit.frame === state.frame); };
    studio.branchFrom = (edit) => {
      studio.copySettings(edit);
      studio.set({ branch: edit.id });
      ref.caption.focus();
      ref.caption.select();
    };
    ref.leave.addEventListener("click", () => studio.set({ branch: null }));
    ref.keep.addEventListener("input", () => drawBranch());
    const drawBranch = () => {
      const edit = parent();
      ref.branching.hidden = !edit;
      if (!edit) return;
      ref.branchOf.textContent = ref.branchOf.title = `Branches from “${studio.tryTitle(edit)}”, seed ${edit.seed}`;
      ref.keep.disabled = !keeps();
      ref.keepText.textContent = !keeps() ? `only on frame ${edit.frame}` : ref.keep.value === "0" ? "its settings only" : `${ref.keep.value} %`;
    };

    // What propagating the chosen try would take, beside the button that accepts it
    const measured = new Set(); // projects in which a trial was started, once is enough
    let foretold = "";
    let forecast = null;
    const foretell = async () => {
      const { view } = state;
      if (state.step !== "keyframe" || !state.tryId || studio.activeJob()) return;
      const last = view.jobs.find((job) => job.finished && (job.kind === "measure" || job.kind === "propagate"));
      const key = JSON.stringify([view.id, state.tryId, view.carried, view.clip.start, view.clip.stop, last && last.id]);
      if (key === foretold) return;
      foretold = key;
      const answer = await studio.ask(server, "foretell_try", { project_id: view.id, edit_id: state.tryId, measure: !measured.has(view.id) }).catch(() => null);
      if (key !== foretold) return;
      measured.add(view.id);
      forecast = answer && answer.forecast;
      drawForecast();
    };
    const drawForecast = () => {
      const edit = studio.chosenTry && studio.chosenTry();
      const { seconds, memory, windows, measured: sure } = forecast || {};
      const measuring = state.view.jobs.some((job) => job.kind === "measure" && !job.finished);
      const text = !edit ? "" : !forecast ? (measuring ? "Measuring how long propagating will take." : "") :
        `To propagate: ${windows} window${windows === 1 ? "" : "s"}, about ${studio.duration(seconds)}, ${studio.memory(memory)}.`;
      ref.forecast.textContent = text;
      ref.forecast.title = forecast && text ? `${text} ${sure ? "From what earlier runs took on this machine." : "A first guess, from a short trial on this machine."}` : "";
    };

    // Frames on which there is something to edit, and the ways out to another program
    const edited = () => new Set(state.view.objects.filter((object) => object.edited).map((object) => object.id));
    const present = () => state.view.lanes.some((lane) => edited().has(lane.object_id) && lane.present.some(([start, stop]) => start <= state.frame && state.frame < stop));
    const inside = () => state.view.clip.start <= state.frame && state.frame < state.view.clip.stop;
    const drawSending = () => {
      const there = present() && inside();
      for (const [link, what] of [[ref.sendOut, "zip"], [ref.sendFrame, "frame"], [ref.sendMask, "mask"], [ref.sendCutout, "cutout"]]) {
        if (there) link.href = studio.address(`keyframe/${state.frame}/${what}`);
        else link.removeAttribute("href");
        link.setAttribute("aria-disabled", String(!there));
      }
      ref.bringBack.disabled = !there;
    };

    const elsewhere = () => {
      const chosen = state.view.edits.find((edit) => edit.id === state.tryId);
      return chosen && chosen.frame !== state.frame ? `The chosen try is on frame ${chosen.frame}; click it to see it.` : "";
    };
    const show = () => {
      if (!state.view) return;
      const writes = task() !== "delete";
      ref.captionBox.dataset.off = String(!writes);
      for (const control of [ref.caption, ...chips]) control.disabled = !writes;
      ref.caption.placeholder = writes ? "a red ball, say" : "needs no caption";
      const job = studio.activeJob();
      const busy = Boolean(job && job.kind === "keyframe");
      const missing = writes && !ref.caption.value.trim();
      const where = !inside() ? `Frame ${state.frame} is outside the marked stretch of the clip.` : !present() ? `The object is not on frame ${state.frame}: choose another.` : "";
      ref.secondary.disabled = busy || missing || Boolean(where);
      ref.secondary.title = `Try on frame ${state.frame} (Enter in the caption)`;
      drawBranch();
      drawSending();
      foretell();
      drawForecast();
      ref.lead.textContent = `Describe what the region shall show on frame ${state.frame}. Accept the try you like.`;
      ref.primary.disabled = !state.tryId;
      ref.primary.textContent = state.tryId && state.tryId === state.view.accepted ? "Continue to Propagate" : "Accept and continue";
      ref.reason.textContent = busy ? "Trying; each try appears as it is ready." : where ? where : missing ? "Write a caption, or pick words below it." : state.tryId ? elsewhere() : "Try, then choose a try to accept.";
      // the one main button: trying until there is a try to accept
      ref.secondary.classList.toggle("vs-primary", !state.tryId);
      ref.primary.classList.toggle("vs-primary", Boolean(state.tryId));
    };
    studio.copySettings = (edit) => {
      for (const radio of tasks) radio.checked = radio.value === edit.task;
      if (edit.caption) ref.caption.value = edit.caption;
      ref.seed.value = edit.seed;
      ref.steps.value = edit.steps ?? "";
      ref.guidance.value = edit.guidance ?? "";
      if (ref.advanced.hidden && (edit.steps !== null || edit.guidance !== null)) ref.more.click(); // what is copied is seen
      typed();
    };
    studio.askedCaption = () => ref.caption.value.trim();
    studio.seedField = ref.seed;
    studio.bringing(ref, server);
    studio.on("view frame tryId branch step", show);
  };
})();
