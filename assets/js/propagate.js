"use strict";
// Step 5: carry it through, look, build on it, take it home.
(() => {
  const { state, make } = studio;
  const WORDS = { add: "Add", modify: "Change", delete: "Remove" };
  const VISIBLE = 2; // a join that scores more than this catches the eye

  const arrow = (path) => `<svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"><path d="${path}"/></svg>`;
  studio.icons.up = arrow("m6 14 6-6 6 6");
  studio.icons.down = arrow("m6 10 6 6 6-6");

  const duration = (s) => (s >= 5400 ? `${Math.round(s / 360) / 10} h` : s >= 90 ? `${Math.round(s / 60)} min` : `${Math.max(1, Math.round(s))} s`);
  const memory = (mb) => (mb >= 1000 ? `${(mb / 1000).toFixed(1)} GB` : `${Math.round(mb)} MB`);
  const size = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`);
  Object.assign(studio, { duration, memory });
  const asked = (edit) => `${WORDS[edit.task]}${edit.caption ? ` “${edit.caption}”` : " the object"}`;

  // Along the foot of the timeline's ruler: which windows are there, and the joins that may show.
  studio.drawOnRuler = (context, x, foot, rem, colour) => {
    const result = state.step === "propagate" && state.view.result;
    if (!result) return;
    for (const [start, stop, there] of result.windows) {
      context.fillStyle = colour(there ? "--vs-accent" : "--vs-edge");
      context.fillRect(x(start) + 1, foot - (there ? 3 : 2), Math.max(1, x(stop) - x(start) - 2), there ? 3 : 1);
    }
    for (const join of (result.report.joins || []).filter((found) => found.score > VISIBLE)) {
      context.beginPath();
      context.arc(x(join.frame), foot - 2, 0.26 * rem, 0, 2 * Math.PI);
      context.fillStyle = "#ffb020";
      context.fill();
      context.lineWidth = 1.2;
      context.strokeStyle = "#1b1b22";
      context.stroke();
    }
  };

  studio.parts.propagate = (ref, server) => {
    const number = (input) => (input.value === "" ? null : Number(input.value));
    const settings = () => ({ steps: studio.whole(ref.steps), guidance: number(ref.guidance) });
    const change = (name, values) => studio.change(server, name, values).catch(() => {});
    const running = () => state.view.jobs.find((job) => job.kind === "propagate" && !job.finished) || null;
    const paused = () => state.view.result && !state.view.result.done && !running();

    // The buttons. The main one is what comes next: propagate, resume, or the final after a draft.
    const go = (draft) => { studio.set({ playing: false }); change("start_propagation", { seed: studio.whole(ref.seed), ...settings(), draft }); };
    ref.primary.addEventListener("click", () => { if (paused()) change("resume_propagation", { propagation_id: state.view.result.id }); else go(false); });
    ref.secondary.addEventListener("click", () => go(!paused()));
    ref.accept.addEventListener("click", () => {
      studio.change(server, "accept_result", { propagation_id: state.view.result.id }).then(() => {
        studio.openStep("select");
        studio.toast("Accepted. Select what to edit next; the clip is as you left it.");
      }, () => {});
    });
    ref.export.addEventListener("click", () => change("start_export", { codec: ref.codec.value, propagation_id: state.view.result && state.view.result.done ? state.view.result.id : null }));

    // Keyframes
    let keysDrawn = "";
    const drawKeys = () => {
      const { view } = state;
      const carried = view.carried.map((id) => view.edits.find((edit) => edit.id === id)).filter(Boolean);
      const others = view.edits.filter((edit) => !view.carried.includes(edit.id) && !edit.stale && !carried.some((kept) => kept.frame === edit.frame));
      const key = JSON.stringify([view.id, view.clip.start, view.clip.stop, carried, others.map((edit) => edit.id)]);
      if (key === keysDrawn) return;
      keysDrawn = key;
      ref.keys.replaceChildren(...carried.map((edit, i) => {
        const from = i ? edit.frame : view.clip.start;
        const until = i + 1 < carried.length ? carried[i + 1].frame - 1 : view.clip.stop - 1;
        const reach = carried.length < 2 ? `frame ${edit.frame}` : `frames ${from} to ${until}`;
        return make("li", { class: "vs-keycard" }, studio.thumbnail(edit), make("div", {},
          make("button", { type: "button", class: "vs-keyname", title: `Go to frame ${edit.frame}`, onclick: () => studio.goTo(edit.frame) }, asked(edit)),
          make("span", { class: "vs-quiet" }, `${reach}, seed ${edit.seed}`),
          edit.stale ? make("span", { class: "vs-warn" }, "The masks changed since: try again in step 4.") : null),
        carried.length > 1 ? button("remove", `Leave out the keyframe on frame ${edit.frame}`, () => change("remove_keyframe", { edit_id: edit.id })) : null);
      }));
      ref.addRow.hidden = !others.length || !carried.length;
      ref.add.replaceChildren(make("option", { value: "" }, "Start anew from another try …"), ...others.map((edit) => make("option", { value: edit.id }, `frame ${edit.frame}: ${asked(edit)}, seed ${edit.seed}`)));
      ref.keySection.hidden = !carried.length;
    };
    ref.add.addEventListener("change", () => { if (ref.add.value) change("add_keyframe", { edit_id: ref.add.value }); ref.add.value = ""; });
    const button = (icon, label, onclick, disabled = false) => {
      const node = make("button", { type: "button", class: "vs-icon-button", "aria-label": label, title: label, "data-icon": icon, onclick, disabled });
      node.insertAdjacentHTML("afterbegin", studio.icons[icon]);
      return node;
    };

    // What it will take: asked when something it depends on has changed
    let foretold = "";
    let forecast = null;
    const foretell = async () => {
      const { view } = state;
      if (state.step !== "propagate" || !view.accepted || studio.activeJob()) return;
      const measured = view.jobs.filter((job) => job.finished).map((job) => job.id)[0] || "";
      const key = JSON.stringify([view.id, view.carried, view.clip.start, view.clip.stop, settings(), measured]);
      if (key === foretold) return;
      foretold = key;
      const answer = await studio.ask(server, "foretell", { project_id: view.id, ...settings() }).catch(() => null);
      if (key !== foretold) return; // asked again meanwhile
      forecast = answer;
      drawForecast();
    };
    const drawForecast = () => {
      const { view } = state;
      const there = forecast && forecast.final;
      const left = paused() ? view.result.windows.filter((window) => !window[2]).length : null; // of a run that goes on, only what is missing
      const text = !there ? "Measuring this machine, to say how long it will take." :
        left !== null ? (left ? `About ${duration((there.seconds * left) / Math.max(1, view.result.windows.length))} to go.` : "") :
        `${there.windows} window${there.windows === 1 ? "" : "s"}, about ${duration(there.seconds)}${forecast.draft ? ` (draft ${duration(forecast.draft.seconds)})` : ""}, ${memory(there.memory)} of memory${there.measured ? "" : ", at a first guess"}.`;
      ref.forecast.textContent = view.accepted && !running() && !(view.result && view.result.done && view.result.fits && !view.result.draft) ? text : "";
      ref.forecast.hidden = !ref.forecast.textContent;
    };
    for (const input of [ref.steps, ref.guidance]) input.addEventListener("change", foretell);

    // Windows along the clip; click to go there
    const besideKeyframe = (result, frame) => result.keyframes.includes(frame) || result.keyframes.includes(frame - 1);
    let stripDrawn = "";
    const drawStrip = () => {
      const { view } = state;
      const { result } = view;
      ref.progress.hidden = !result || !result.windows.length;
      if (ref.progress.hidden) return;
      const done = result.windows.filter((window) => window[2]).length;
      ref.windowsCount.textContent = done === result.windows.length ? `${done}` : `${done} of ${result.windows.length} done`;
      const joins = result.report.joins || [];
      const worst = joins.reduce((most, join) => (join.score > (most ? most.score : 0) ? join : most), null);
      const busy = running();
      const key = JSON.stringify([result, busy && busy.state]);
      if (key !== stripDrawn) {
        stripDrawn = key;
        const [start, stop] = result.span;
        const place = (frame) => `${((frame - start) / (stop - start)) * 100}%`;
        const next = busy && busy.state === "running" ? result.windows.findIndex((window) => !window[2]) : -1;
        const blocks = result.windows.map(([from, to, there], i) => {
          const what = there ? "done" : i === next ? "in the making" : "missing";
          const node = make("button", { type: "button", class: "vs-window", "data-state": what, title: `Frames ${from} to ${to - 1}: ${what}`, "aria-label": `Window, frames ${from} to ${to - 1}, ${what}`, onclick: () => studio.goTo(from) });
          Object.assign(node.style, { left: place(from), width: `calc(${((to - from) / (stop - start)) * 100}% - 2px)` });
          return node;
        });
        const marks = joins.map((join) => {
          const node = make("button", { type: "button", class: "vs-join", "data-state": join.score > VISIBLE ? "seen" : "smooth", title: `Join at frame ${join.frame}: ${join.score} times its neighbours`, "aria-label": `Join at frame ${join.frame}, score ${join.score}`, onclick: () => studio.goTo(join.frame) });
          node.style.left = place(join.frame);
          return node;
        });
        const keys = result.keyframes.map((frame) => { const node = make("span", { class: "vs-keymark", title: `Keyframe, frame ${frame}` }); node.style.left = place(frame + 0.5); return node; });
        ref.strip.replaceChildren(...blocks, ...marks, ...keys, make("span", { class: "vs-strip-head" }));
      }
      const beside = joins.filter(({ frame }) => besideKeyframe(result, frame)).length; // a keyframe was painted by itself: it is joined too
      const where = beside ? ` (${beside === joins.length ? "" : `${beside} `}beside ${result.keyframes.length === 1 ? "the keyframe" : "keyframes"})` : "";
      ref.joins.textContent = !worst ? "" : worst.score > VISIBLE ? `The join at frame ${worst.frame} may show (${worst.score} times its neighbours).` : `${joins.length} join${joins.length === 1 ? "" : "s"}${where}, none stands out.`;
      ref.joins.title = worst ? `Where windows meet one another or a keyframe: how much each join differs, against its neighbouring frames: ${worst.score} times at most; 1 is seamless` : "";
      ref.joins.hidden = !ref.joins.textContent;
      moveHead();
    };
    const moveHead = () => {
      const head = ref.strip.querySelector(".vs-strip-head");
      if (!head || !state.view.result) return;
      const [start, stop] = state.view.result.span;
      head.hidden = state.frame < start || state.frame >= stop;
      head.style.left = `${((state.frame - start + 0.5) / (stop - start)) * 100}%`;
    };

    // The result, the stack, the files
    const total = (value) => (typeof value === "number" ? value : Object.values(value || {}).reduce((sum, part) => sum + part, 0));
    const facts = (report) => {
      const rows = [];
      if (report.size) rows.push(["Video", `${report.size.join(" × ")}, ${report.frames} frames`]);
      if (report.seconds) rows.push(["Time", `${duration(total(report.seconds))}, ${memory(report.peak_memory_mb)} at most`]);
      const reused = report.windows - report.windows_made;
      if (reused > 0) rows.push(["Reused", `${reused} of ${report.windows} windows, made before`]);
      if (report.max_difference_outside !== undefined) rows.push(["Outside", report.max_difference_outside === 0 ? "not one pixel changed" : `differs by up to ${report.max_difference_outside}`]);
      return rows;
    };
    const note = (result) => {
      if (result.stale) return "Made before the masks changed; it stays until you propagate again.";
      if (!result.fits) return "Made from other keyframes, frames or accepted edits than those of now.";
      return "";
    };
    let stackDrawn = "";
    const drawStack = () => {
      const { layers } = state.view;
      ref.stackSection.hidden = !layers.length;
      const key = JSON.stringify([state.view.id, layers]);
      if (key === stackDrawn) return;
      stackDrawn = key;
      const send = (list) => change("set_layers", { layers: list.map((layer) => [layer.id, layer.enabled]) });
      const rows = layers.map((layer, i) => {
        const name = asked(layer.asked[0] || { task: "modify", caption: "" });
        const moved = (to) => { const list = [...layers]; list.splice(to, 0, ...list.splice(i, 1)); send(list); };
        const box = make("input", { type: "checkbox", "aria-label": `${name}: on`, onchange: () => send(layers.map((other, j) => (j === i ? { ...other, enabled: !other.enabled } : other))) });
        box.checked = layer.enabled;
        return make("li", { class: "vs-layer", "data-off": String(!layer.enabled) }, make("label", { title: layer.enabled ? "Switch off" : "Switch on" }, box, make("span", {}, name)),
          button("up", `Move ${name} up`, () => moved(i + 1), i === layers.length - 1), button("down", `Move ${name} down`, () => moved(i - 1), i === 0),
          button("remove", `Take ${name} out`, () => send(layers.filter((_, j) => j !== i))));
      });
      ref.stack.replaceChildren(...rows.reverse());
    };
    let filesDrawn = "";
    const drawFiles = () => {
      const { view } = state;
      const key = JSON.stringify([view.id, view.exports]);
      if (key === filesDrawn) return;
      filesDrawn = key;
      ref.files.replaceChildren(...view.exports.map(({ name, bytes }) => make("li", {},
        make("a", { href: studio.address(`export/${encodeURIComponent(name)}`), download: name, title: name }, name), make("span", { class: "vs-quiet" }, size(bytes)))));
    };

    studio.on("frame", () => { if (state.view) moveHead(); });
    studio.on("view step", () => {
      const { view } = state;
      if (!view) return;
      const { result } = view;
      const job = running();
      const whole = result && result.done;
      studio.drawTimeline?.();
      drawKeys();
      drawStrip();
      drawStack();
      drawFiles();
      foretell();
      drawForecast();
      ref.lead.textContent = view.accepted || !view.layers.length ? "Carry the keyframe through the clip." : "The next edit starts from your accepted edits.";
      ref.primary.disabled = Boolean(job) || (!view.accepted && !paused());
      ref.secondary.disabled = Boolean(job) || !view.accepted;
      ref.primary.textContent = paused() ? "Resume" : whole && result.draft && result.fits ? "Make the final" : whole ? "Propagate again" : `Propagate to ${view.clip.stop - view.clip.start} frames`;
      ref.secondary.textContent = paused() ? "Start over" : "Draft";
      ref.secondary.title = paused() ? "Give up what there is of it and make every window anew" : "A quick look: few steps at half the size, from the same seed";
      const fresh = whole && result.fits && !result.stale && !result.draft;
      ref.primary.classList.toggle("vs-primary", !fresh);
      ref.accept.classList.toggle("vs-primary", Boolean(fresh));
      const left = result ? result.windows.filter((window) => !window[2]).length : 0;
      ref.reason.textContent = job ? "Finished windows show on the stage as they come." : paused() ? `Stopped on the way: ${left ? `${left} window${left === 1 ? "" : "s"} to go` : "only the video is to be written"}.` : view.accepted ? "" : "Accept a keyframe in step 4 first.";
      ref.outcome.hidden = !whole;
      ref.exportSection.hidden = !whole && !view.base;
      ref.keySection.parentElement.dataset.whole = String(Boolean(whole && result.fits));
      if (!whole) return;
      ref.draftTag.hidden = !result.draft;
      ref.note.textContent = note(result);
      ref.note.hidden = !ref.note.textContent;
      ref.accept.disabled = result.base !== view.base;
      ref.download.href = `${studio.address(`result/${result.id}.mp4`)}?download=true`;
      ref.report.replaceChildren(...facts(result.report).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
    });
  };
})();
