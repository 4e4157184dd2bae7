"use strict";
// Step 5: carry it through, look, take it home.
(() => {
  const { state, make } = studio;
  const WORDS = { add: "Add", modify: "Change", delete: "Remove" };

  studio.parts.propagate = (ref, server) => {
    const number = (input) => (input.value === "" ? null : Number(input.value));
    let card = "";
    ref.primary.addEventListener("click", () => {
      studio.set({ playing: false });
      studio.change(server, "start_propagation", { seed: studio.whole(ref.seed), steps: studio.whole(ref.steps), guidance: number(ref.guidance) }).catch(() => {});
    });

    const drawCard = (edit) => {
      const key = edit ? `${state.view.id}/${edit.id}/${edit.stale}` : "";
      if (key === card) return;
      card = key;
      ref.card.replaceChildren();
      if (!edit) return;
      ref.card.append(studio.thumbnail(edit), make("div", {}, make("strong", {}, `${WORDS[edit.task]}${edit.caption ? ` “${edit.caption}”` : " the object"}`),
        make("span", { class: "vs-quiet" }, `frame ${edit.frame}, seed ${edit.seed}`),
        edit.stale ? make("span", { class: "vs-warn" }, "The masks changed since; try again in step 4 for a better fit.") : null));
    };
    const total = (value) => (typeof value === "number" ? value : Object.values(value || {}).reduce((sum, part) => sum + part, 0));
    const facts = (report) => {
      const rows = [];
      if (report.size) rows.push(["Video", `${report.size.join(" × ")}, ${report.frames} frames`]);
      if (report.seconds) rows.push(["Time", `${total(report.seconds).toFixed(1)} s`]);
      if (report.peak_memory_mb) rows.push(["Memory", `${Math.round(report.peak_memory_mb)} MB at most`]);
      if (report.max_difference_outside !== undefined) rows.push(["Outside", report.max_difference_outside === 0 ? "not one pixel changed" : `differs by up to ${report.max_difference_outside}`]);
      return rows;
    };

    studio.on("view", () => {
      const { view } = state;
      if (!view) return;
      drawCard(view.edits.find((edit) => edit.id === view.accepted));
      const job = studio.activeJob();
      const busy = Boolean(job && job.kind === "propagate");
      ref.primary.disabled = busy || !view.accepted;
      ref.primary.textContent = view.result ? "Propagate again" : `Propagate to ${view.clip.stop - view.clip.start} frames`;
      ref.primary.classList.toggle("vs-primary", !view.result || view.result.stale || !view.result.fits);
      ref.download.classList.toggle("vs-primary", !ref.primary.classList.contains("vs-primary"));
      ref.reason.textContent = busy ? "Working; progress and Stop are below the picture." : view.steps.propagate.reason;
      ref.outcome.hidden = !view.result;
      ref.note.hidden = !(view.result && view.result.stale);
      ref.note.textContent = "Made before the last change; it stays until you propagate again.";
      if (!view.result) return;
      ref.download.href = `${studio.address(`result/${view.result.id}.mp4`)}?download=true`;
      ref.report.replaceChildren(...facts(view.result.report).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
    });
  };
})();
