"use strict";
// The models: a list to fetch from, to choose from and to clear up.
(() => {
  const { state, make } = studio;
  studio.icons.models = '<svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round"><path d="m12 3.500 7.500 4.200v8.600L12 20.500l-7.500-4.200V7.700z"/><path d="m4.500 7.700 7.500 4.300 7.500-4.300M12 12v8.500"/></svg>';
  const KINDS = { segmenter: ["Finding and following objects", "A larger one finds outlines better and takes longer."], video: ["Painting and carrying", "The one that the program was started with (--model)."], grounder: ["Finding by words", "Needed only where you type what to look for."] };
  const size = (mb) => (mb === null ? "" : mb >= 1000 ? `${(mb / 1000).toFixed(1)} GB` : `${mb} MB`);

  studio.parts.models = (ref, server) => {
    let models = [];
    let fixed = false;
    let asked = new Set(); // fetches that are on their way to the program
    let turn = 0; // of the latest question: an earlier one's answer is not shown
    const take = (answer) => { turn += 1; models = answer.models; fixed = answer.fixed; draw(); };
    const refresh = () => { const mine = ++turn; studio.ask(server, "list_models").then((answer) => { if (mine === turn) take(answer); }, () => {}); };
    const jobOf = (name) => state.view && state.view.jobs.find((job) => job.kind === "fetch" && !job.finished && job.stage.endsWith(` ${name}`));
    const fetchOne = (name) => {
      asked.add(name);
      draw();
      studio.change(server, "fetch_model", { name }).catch(() => { asked.delete(name); draw(); });
    };
    const button = (label, title, onclick, more = {}) => make("button", { type: "button", class: "vs-button vs-small", title, onclick, ...more }, label);
    const actions = (model) => {
      const job = jobOf(model.name);
      if (job) return [make("progress", { class: "vs-job-bar", max: 1, value: job.fraction, "aria-label": `Fetching ${model.title}` }), make("span", { class: "vs-quiet" }, `${Math.round(job.fraction * 100)} %`),
        button("Stop", "What has come stays; fetching again goes on from there", () => studio.ask(studio.servers.job, "stop_job", { project_id: state.view.id, job_id: job.id }).catch(() => {}))];
      if (asked.has(model.name)) return [make("span", { class: "vs-quiet" }, "starting …")];
      if (fixed) return [];
      if (model.state === "absent") return [button(`Fetch ${size(model.download_mb)}`, `Fetch ${model.title} from the network, once`, () => fetchOne(model.name), { "data-icon": "download", disabled: !state.view })];
      return [model.kind === "segmenter" && !model.used ? button("Use", `Let ${model.title} answer clicks and follow objects from now on`, () => studio.change(server, "use_segmenter", { project_id: undefined, name: model.name }).then(take, () => {})) : null,
        model.state === "fetched" ? button("Remove", `Delete ${model.title} from this disk; it can be fetched again`, () => studio.change(server, "remove_model", { project_id: undefined, name: model.name }).then(take, () => {})) : null];
    };
    const about = (model) => [model.used ? "in use" : "", { ships: "part of the program", fetched: "fetched", here: "on this disk", absent: "" }[model.state], model.licence].filter(Boolean).join(" · ");
    let drawn = "";
    const draw = () => {
      if (!ref.dialog.open) return;
      const key = JSON.stringify([models, fixed, [...asked], models.map((model) => { const job = jobOf(model.name); return job && Math.round(job.fraction * 100); }), Boolean(state.view)]);
      if (key === drawn) return;
      drawn = key;
      const focused = [...ref.list.querySelectorAll("button")].indexOf(document.activeElement);
      ref.lead.textContent = fixed ? "What this server works with." : "The small ones that come with the program are always here. Others are fetched once, and only when you ask for them.";
      ref.list.replaceChildren(...Object.entries(KINDS).map(([kind, [title, words]]) => make("section", {}, make("h3", {}, title), make("p", { class: "vs-quiet" }, words),
        make("ul", {}, ...models.filter((model) => model.kind === kind).map((model) => make("li", { "data-model": model.name, "data-used": String(model.used) }, make("span", { class: "vs-grow" }, make("strong", {}, model.title), make("span", { class: "vs-quiet" }, about(model))), ...actions(model)))))));
      studio.dress(ref.list);
      if (focused >= 0) { const buttons = ref.list.querySelectorAll("button"); (buttons[Math.min(focused, buttons.length - 1)] || ref.dialog.querySelector("form button")).focus(); }
    };
    studio.showModels = () => { drawn = ""; ref.dialog.showModal(); draw(); refresh(); };
    ref.dialog.addEventListener("click", (event) => { if (event.target === ref.dialog) ref.dialog.close(); });
    ref.dialog.addEventListener("keydown", (event) => event.stopPropagation());
    studio.on("view", () => {
      for (const name of [...asked]) if (jobOf(name)) asked.delete(name);
      const ended = asked.size && state.view && !state.view.jobs.some((job) => job.kind === "fetch" && !job.finished);
      if (ended) { asked = new Set(); refresh(); }
      draw();
    });
    studio.whenDone.fetch = (job) => { asked.clear(); refresh(); studio.set({ fetched: job.id }); studio.toast(`Fetched: ${job.result.model}.`); };
  };
})();
