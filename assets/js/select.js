"use strict";
// Step 2: objects, marks, tracking and what to look at again.
(() => {
  const { state, make } = studio;

  studio.parts.select = (ref, server) => {
    const ask = (name, values) => studio.change(server, name, values).catch(() => {});
    const chosen = () => state.view && state.view.objects.find((object) => object.id === state.object);
    const laneOf = (id) => state.view.lanes.find((lane) => lane.object_id === id);
    const within = (runs, frame) => runs.some(([start, stop]) => start <= frame && frame < stop);
    const about = (object) => {
      if (!object.marked) return "not marked yet";
      if (object.tracked) return "tracked";
      return laneOf(object.id).tracked ? "to track" : "marked";
    };

    // The list

    let renaming = null;
    const rename = (object) => { renaming = object.id; drawList(); const field = ref.objects.querySelector("input"); if (field) { field.focus(); field.select(); } };
    const nameField = (object) => {
      const done = (keep) => {
        if (renaming !== object.id) return;
        renaming = null;
        const name = field.value.trim();
        if (keep && name && name !== object.name) ask("rename_object", { object_id: object.id, name });
        drawList();
      };
      const field = make("input", { type: "text", class: "vs-grow", value: object.name, maxlength: 80, "aria-label": `New name of ${object.name}`, onblur: () => done(true),
        onkeydown: (event) => { event.stopPropagation(); if (event.key === "Enter") done(true); if (event.key === "Escape") done(false); } });
      return field;
    };
    const icon = (name, label, onclick, more = {}) => make("button", { type: "button", class: "vs-icon-button", "data-icon": name, "aria-label": label, title: label, onclick, ...more });
    const row = (object) => {
      const current = object.id === state.object;
      const swatch = make("span", { class: "vs-swatch" });
      const main = renaming === object.id ? make("span", { class: "vs-object" }, swatch, nameField(object))
        : make("button", { type: "button", class: "vs-object", "aria-pressed": String(current), title: `${object.name} (double-click to rename)`, onclick: () => studio.set({ object: object.id }), ondblclick: () => rename(object) },
          swatch, make("span", { class: "vs-object-name" }, object.name), make("span", { class: "vs-quiet" }, about(object)));
      main.style.setProperty("--colour", studio.rgb(object.colour));
      const hide = icon(object.hidden ? "eyeoff" : "eye", object.hidden ? `Show ${object.name}` : `Hide ${object.name} from the picture`,
        () => ask("hide_object", { object_id: object.id, hidden: !object.hidden }), { "aria-pressed": String(object.hidden) });
      return make("li", { "data-hidden": String(object.hidden), "data-current": String(current) }, main, current && renaming !== object.id ? icon("pen", `Rename ${object.name}`, () => rename(object)) : null, hide,
        icon("remove", `Remove ${object.name}`, () => ask("remove_object", { object_id: object.id })));
    };
    let drawn = "";
    const drawList = () => {
      const { view } = state;
      if (renaming !== null && !view.objects.some((object) => object.id === renaming)) renaming = null;
      const key = JSON.stringify([renaming, state.object, view.objects.map((object) => [object.id, object.name, object.colour, object.hidden, about(object)])]);
      if (key === drawn) return; // a job that runs asks for this several times a second
      drawn = key;
      const focused = [...ref.objects.querySelectorAll("button")].indexOf(document.activeElement);
      const { scrollTop } = ref.objects;
      ref.objects.replaceChildren(...view.objects.map(row));
      studio.dress(ref.objects);
      ref.objects.scrollTop = scrollTop;
      const current = ref.objects.querySelector("[data-current=true]");
      if (current) current.scrollIntoView({ block: "nearest" });
      const buttons = ref.objects.querySelectorAll("button");
      if (focused >= 0 && buttons.length && renaming === null) buttons[Math.min(focused, buttons.length - 1)].focus({ preventScroll: true });
      if (!view.objects.length) ref.objects.append(make("li", { class: "vs-blank" }, "No object yet. Click one on the picture."));
      const others = view.objects.filter((object) => object.id !== state.object);
      ref.merge.hidden = view.objects.length < 2;
      if (!others.length) ref.mergeRow.hidden = true;
      ref.mergeWith.replaceChildren(make("option", { value: "" }, "choose …"), ...others.map((object) => make("option", { value: object.id }, object.name)));
    };

    const add = () => studio.change(server, "add_object").then((answer) => studio.set({ object: answer.object }), () => {});
    studio.addObject = add;
    ref.add.addEventListener("click", add);
    ref.merge.addEventListener("click", () => { ref.mergeRow.hidden = !ref.mergeRow.hidden; if (!ref.mergeRow.hidden) ref.mergeWith.focus(); });
    ref.mergeWith.addEventListener("change", () => {
      if (!ref.mergeWith.value) return;
      ask("merge_objects", { object_id: state.object, other_id: Number(ref.mergeWith.value) });
      ref.mergeRow.hidden = true;
    });

    // Words

    let textModel = null;
    const drawNote = () => {
      ref.findNote.hidden = !textModel || textModel.here;
      ref.findNote.title = textModel ? `Needs ${textModel.about}` : "";
      ref.findNote.textContent = ref.findNote.title.replace(/ \([^)]*\)$/, ""); // where it comes from would not fit
      ref.findButton.textContent = textModel && !textModel.here ? "Fetch, find" : "Find";
    };
    const askTextModel = () => studio.ask(server, "text_model").then((answer) => { textModel = answer; drawNote(); }, () => {});
    ref.find.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!ref.words.value.trim()) return ref.words.focus();
      ask("find_text", { frame: state.frame, text: ref.words.value });
    });
    studio.whenDone.find = (job) => { const [first] = job.result.objects || []; if (first !== undefined) studio.set({ object: first }); ref.words.value = ""; askTextModel(); };
    studio.on("step", () => { if (state.step === "select" && !textModel) askTextModel(); });
    studio.on("fetched", () => { if (textModel) askTextModel(); });

    // Masks from and for other programs

    const upload = async (files) => {
      if (!files.length) return;
      const body = new FormData();
      for (const file of files) body.append("masks", file, file.path || file.name);
      ref.importMasks.disabled = true;
      const answer = await fetch(`${studio.address("masks")}?frame=${state.frame}`, { method: "POST", body, headers: { "X-Vivid-Studio": "1" } }).catch(() => null);
      ref.importMasks.disabled = false;
      ref.maskFiles.value = "";
      if (!answer || !answer.ok) return studio.toast(answer ? await answer.text() : "The masks did not arrive: see that the program still runs, then choose them again.", "error", { about: "masks", report: answer && answer.headers.get("X-Vivid-Report") });
      studio.settle("masks");
      const { view } = await answer.json();
      if (view.id !== state.view.id) return; // another clip was opened meanwhile; this one has its masks
      const known = new Set(state.view.objects.map((object) => object.id));
      studio.accept(view);
      const added = view.objects.find((object) => !known.has(object.id));
      if (added) studio.set({ object: added.id });
    };
    ref.importMasks.addEventListener("click", () => ref.maskFiles.click());
    ref.maskFiles.addEventListener("change", () => upload([...ref.maskFiles.files]));
    studio.arrivals.of("select", {
      says: "Pictures, or a zip of them, are taken for masks.",
      fits: (files) => files.every((file) => file.type.startsWith("image/") || /\.zip$/i.test(file.name)),
      take: upload,
    });
    ref.exportMasks.addEventListener("change", () => { const form = ref.exportMasks.value; ref.exportMasks.value = ""; if (form) ask("export_masks", { form }); });
    studio.whenDone.masks = (job) => make("a", { href: studio.address(job.result.file.replace(/^exports/, "export")), download: "" }).click();

    // This frame

    const onFrame = (name, values = {}) => { if (chosen()) ask(name, { object_id: state.object, frame: state.frame, ...values }); };
    const sure = () => Boolean(chosen() && chosen().confirmed.includes(state.frame));
    studio.confirmFrame = () => { if (!ref.confirm.disabled) onFrame("confirm_frame", { sure: !sure() }); };
    ref.confirm.addEventListener("click", studio.confirmFrame);
    ref.absent.addEventListener("click", () => onFrame("mark_absent"));
    ref.clearFrame.addEventListener("click", () => onFrame("clear_prompts"));

    // Through time

    const track = () => ask("start_tracking", {});
    const from = (direction) => onFrame("start_tracking", { direction });
    studio.trackFromHere = () => { if (!ref.trackboth.disabled) from("both"); };
    ref.trackback.addEventListener("click", () => from("backward"));
    ref.trackboth.addEventListener("click", () => from("both"));
    ref.trackon.addEventListener("click", () => from("forward"));
    ref.secondary.addEventListener("click", track);
    ref.primary.addEventListener("click", () => (tracked() ? studio.openStep("adjust") : track()));
    const marked = () => state.view.objects.filter((object) => object.marked);
    const tracked = () => marked().length > 0 && marked().every((object) => object.tracked);
    studio.whenDone.track = (job) => {
      const [frame] = job.result.waiting || [];
      if (frame === undefined) return;
      studio.set({ frame });
      studio.toast(`A new shot begins at frame ${frame}. Click the object there, or press “Not here”; then track on.`);
    };

    // What to look at again: suspect frames, and shots that wait for a click

    const points = () => {
      const found = new Map();
      for (const lane of state.view.lanes) {
        let previous = null;
        for (const [frame, , words] of lane.suspect) {
          if (previous !== frame - 1) found.set(frame, { lane, words });
          previous = frame;
        }
        for (const frame of lane.pending) if (state.view.cuts.includes(frame) && !lane.prompted.includes(frame) && !within(lane.confirmed, frame)) found.set(frame, { lane, words: "a new shot: click the object, or say that it's not here" });
      }
      return new Map([...found].sort(([a], [b]) => a - b));
    };
    studio.goToSuspect = (by) => {
      if (!state.view) return;
      const frames = [...points().keys()];
      if (!frames.length) return studio.toast("No frame looks suspect.");
      const next = by > 0 ? frames.find((frame) => frame > state.frame) ?? frames[0] : frames.findLast((frame) => frame < state.frame) ?? frames[frames.length - 1];
      studio.set({ playing: false, frame: next, object: points().get(next).lane.object_id });
    };
    ref.nextSuspect.addEventListener("click", () => studio.goToSuspect(1));

    // A frame that is looked at is made ready, so that the first click on it is answered as fast as the next.
    let ready = "";
    let waiting = 0;
    studio.on("view step frame playing", () => {
      clearTimeout(waiting);
      if (!state.view || state.step !== "select" || state.playing) return;
      const seen = `${state.view.id} ${state.frame}`;
      if (seen !== ready) waiting = setTimeout(() => { ready = seen; server.look_at({ project_id: state.view.id, frame: state.frame }).catch(() => {}); }, 150);
    });

    const drawFrame = () => {
      const object = chosen();
      const lane = object && laneOf(object.id);
      const marks = object ? object.prompts.filter((prompt) => prompt.frame === state.frame) : [];
      const there = Boolean(lane && within(lane.present, state.frame));
      ref.clearFrame.disabled = !marks.length && !sure();
      ref.confirm.disabled = !object || !object.marked;
      ref.absent.disabled = !object || !object.marked || (sure() && !there);
      ref.confirm.setAttribute("aria-pressed", String(sure()));
      const count = marks.filter((prompt) => prompt.kind !== "mask").length;
      const words = [sure() ? (there ? "confirmed" : "confirmed: not here") : "", marks.some((prompt) => prompt.kind === "mask") ? "corrected" : "", count ? `${count} mark${count > 1 ? "s" : ""}` : ""].filter(Boolean);
      ref.frameState.textContent = words.join(", ") || (!object ? "" : there ? "mask found by tracking" : "no mask here");
      const job = studio.activeJob();
      for (const button of [ref.trackback, ref.trackboth, ref.trackon]) button.disabled = !there || Boolean(job && job.kind === "track");
    };
    const drawHealth = () => {
      const list = points();
      ref.health.hidden = !list.size;
      const here = list.get(state.frame) || [...list].filter(([frame]) => frame <= state.frame).map(([, point]) => point).find(({ lane }) => lane.suspect.some(([frame]) => frame === state.frame));
      ref.health.dataset.here = String(Boolean(here));
      ref.healthText.textContent = here ? `${here.lane.name}: ${here.words}` : `${list.size} frame${list.size === 1 ? "" : "s"} to look at`;
      ref.healthText.title = ref.healthText.textContent;
    };

    studio.on("view object frame", (_, keys) => {
      const { view } = state;
      if (!view) return;
      if ((!keys.size || keys.has("view") || keys.has("object")) && (renaming === null || !ref.objects.contains(document.activeElement))) drawList();
      drawFrame();
      drawHealth();
      const job = studio.activeJob();
      ref.findButton.disabled = Boolean(job && job.kind === "find");
      ref.exportMasks.disabled = !view.objects.some((object) => object.marked) || Boolean(job && job.kind === "masks");
      const busy = Boolean(job && job.kind === "track");
      const begun = view.lanes.some((lane) => lane.tracked);
      ref.primary.textContent = busy ? "Tracking …" : tracked() ? "Continue to Adjust" : begun ? "Track on" : "Track through the clip";
      ref.primary.disabled = busy || !marked().length;
      ref.secondary.disabled = busy || !tracked(); // it stays where it is: nothing moves when a job starts or ends
      ref.reason.textContent = busy ? "Tracking; the masks appear as they are found." : marked().length ? "" : "Mark the object on the picture first.";
    });
  };
})();
