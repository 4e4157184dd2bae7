"use strict";
// Step 1, and what happens when the page opens.
(() => {
  const { state, make } = studio;

  studio.parts.video = (ref, server) => {
    const open = (name, values) => studio.change(server, name, { ...values, project_id: undefined }).then(opened, () => {});
    const opened = (answer) => { if (answer.view) { studio.accept(answer.view); showTab("clip"); refresh(); } };

    // What is shown: this clip and what to know of it, or what could be opened instead.
    const tabs = [...ref.tabs.querySelectorAll("input")];
    let tab = "clip";
    const showTab = (name) => {
      tab = state.view ? name : "open";
      for (const input of tabs) input.checked = input.value === tab;
      ref.tabs.hidden = !state.view;
      ref.clip.hidden = tab !== "clip";
      ref.open.hidden = tab !== "open";
      if (tab === "open" && state.view) refresh();
    };
    for (const input of tabs) input.addEventListener("change", () => showTab(input.value));

    const picture = (src) => {
      const image = make("img", { src, alt: "", loading: "lazy", decoding: "async" });
      image.addEventListener("error", () => image.classList.add("vs-missing"));
      return image;
    };
    let turn = 0; // of the latest question: an earlier one's answer is not shown
    const fill = ({ examples, recent }) => {
      turn += 1;
      ref.examples.replaceChildren(...examples.map((example) => make("li", {},
        make("button", { type: "button", class: "vs-example", title: `Open the example ${example.title}`, onclick: () => open("open_example", { name: example.name }) },
          picture(`/studio/example/${example.name}.jpg`), make("span", {}, example.title)))));
      if (!examples.length) ref.examples.append(make("li", { class: "vs-quiet" }, "none here"));
      ref.recent.replaceChildren(...recent.map(row));
      if (!recent.length) ref.recent.append(make("li", { class: "vs-quiet" }, "What you open is listed here."));
    };

    // A project: its picture, its name, when; renamed in place, removed on the second click.
    const ago = (iso) => {
      const minutes = (Date.now() - Date.parse(iso)) / 60000;
      if (minutes < 1.5) return "just now";
      if (minutes < 60) return `${Math.round(minutes)} min ago`;
      const then = new Date(iso);
      const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(iso).setHours(0, 0, 0, 0)) / 864e5);
      const clock = then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
      if (days < 2) return `${days ? "yesterday" : "today"}, ${clock}`;
      return days < 7 ? `${days} days ago` : then.toLocaleDateString();
    };
    const row = (project) => {
      const current = Boolean(state.view && project.id === state.view.id);
      const button = make("button", { type: "button", class: "vs-recent-open", title: `${project.name}: ${project.size}, ${project.frames} frames`, "aria-current": String(current), onclick: () => { if (current) showTab("clip"); else open("open_project", { wanted: project.id }); } },
        picture(`/studio/${project.id}/thumbnail.jpg`), make("span", {}, make("strong", {}, project.name), make("span", { class: "vs-quiet" }, `${project.size} · ${ago(project.modified)}`)));
      const node = make("li", { "data-project": project.id }, button);
      const tool = (icon, label, onclick) => { const it = make("button", { type: "button", class: "vs-icon-button", "aria-label": `${label} ${project.name}`, title: label, "data-icon": icon, onclick }); studio.dress(make("span", {}, it)); return it; };
      node.append(tool("pen", "Rename", () => rename(project, node)), tool("trash", "Delete", () => confirmDelete(project, node)));
      return node;
    };
    const rename = (project, node) => {
      const input = make("input", { type: "text", value: project.name, maxlength: "200", "aria-label": `New name of ${project.name}`, title: "Enter keeps it, Esc gives up" });
      let over = false;
      const end = (keep) => {
        if (over) return;
        over = true;
        const name = input.value.trim();
        if (!keep || !name || name === project.name) { refresh(); return; }
        studio.ask(server, "rename_project", { wanted: project.id, name, known: studio.recall() }).then((answer) => {
          fill(answer);
          if (state.view && state.view.id === project.id) studio.ask(server, "look_again", { project_id: project.id }).catch(() => {});
        }, refresh);
      };
      input.addEventListener("keydown", (event) => { event.stopPropagation(); if (event.key === "Enter") end(true); if (event.key === "Escape") end(false); });
      input.addEventListener("blur", () => end(true));
      turn += 1; // a list that is on its way would take the field away
      node.replaceChildren(picture(`/studio/${project.id}/thumbnail.jpg`), input);
      input.focus();
      input.select();
    };
    const confirmDelete = (project, node) => {
      const yes = make("button", { type: "button", class: "vs-button vs-small vs-danger", title: "Its masks, tries and results go with it", onclick: () => remove(project) }, "Delete for good");
      turn += 1;
      node.replaceChildren(picture(`/studio/${project.id}/thumbnail.jpg`), make("strong", { class: "vs-grow" }, project.name), make("button", { type: "button", class: "vs-button vs-small", title: "Keep the project", onclick: refresh }, "Keep"), yes);
      yes.focus();
    };
    const remove = (project) => studio.change(server, "delete_project", { project_id: undefined, wanted: project.id, known: studio.recall() }).then((answer) => {
      studio.forget(project.id);
      fill(answer);
      if (!state.view || state.view.id !== project.id) return;
      const next = answer.recent.find(({ id }) => studio.recall().includes(id)) || answer.recent[0];
      if (next) open("open_project", { wanted: next.id }).then(() => showTab("open"));
      else if (answer.examples[0]) open("open_example", { name: answer.examples[0].name });
    }, () => {});

    const start = async (id) => {
      const answer = await studio.ask(server, "open_page", { project_id: id, known: studio.recall() }).catch(() => null);
      if (!answer) { setTimeout(() => start(id), 2000); return; }
      if (answer.view) { studio.accept(answer.view); restoreStep(); }
      showTab(answer.view ? "clip" : "open");
      if (answer.notice) studio.toast(answer.notice, "error");
      fill(answer);
      document.getElementById("studio").dataset.ready = "true";
    };
    // the step is in the address too: a reload comes back to where the work was
    const restoreStep = () => {
      const step = location.hash.slice(1) || studio.lastStep();
      if (state.view.steps[step] && state.view.steps[step].open) studio.set({ step });
    };
    const refresh = () => {
      const mine = ++turn;
      return studio.ask(server, "list_projects", { known: studio.recall() }).then((answer) => { if (mine === turn) fill(answer); }, () => {});
    };
    const wanted = () => new URL(location.href).searchParams.get("project");
    window.addEventListener("popstate", () => { if (wanted() && wanted() !== (state.view && state.view.id)) start(wanted()); });

    // Uploads stream to the server's disk; the browser keeps nothing of them.
    const send = (file, home = null) => {
      if (!file || state.uploading) return;
      const request = new XMLHttpRequest();
      request.open("POST", `/studio/upload?name=${encodeURIComponent(file.name)}${home && state.view ? `&beside=${state.view.id}` : ""}`);
      request.setRequestHeader("X-Vivid-Studio", "1");
      request.upload.onprogress = (event) => { if (event.lengthComputable) ref.upload.value = event.loaded / event.total; };
      request.onloadend = () => {
        studio.set({ uploading: false });
        if (request.status === 200) studio.settle("upload");
        if (request.status === 200) arrived(JSON.parse(request.responseText), home);
        else studio.toast(request.responseText || `The upload of ${file.name} broke off: see that the program still runs, then choose the file again.`, "error", { about: "upload", report: request.getResponseHeader("X-Vivid-Report") });
        ref.file.value = "";
      };
      studio.set({ uploading: true, playing: false });
      ref.upload.value = 0;
      request.send(file);
    };
    // A video that looks like masks for the clip that is open: a person says which it is.
    const arrived = async (answer, home) => {
      const { id, name } = state.view || {};
      const sent = answer.view;
      const use = answer.masks ? await studio.arrivals.question("Masks, or a clip?", `“${sent.name}” is black and white and as long as ${name}: it looks like masks for it.`,
        [["masks", "Use as masks", "It becomes an object of this clip"], ["clip", "Open as a clip", "It becomes a project of its own"]]) : "clip";
      if (use === "clip") return opened(answer);
      if (use === "masks" && state.view.id === id) {
        const known = new Set(state.view.objects.map((object) => object.id));
        await studio.change(studio.servers.select, "masks_of_video", { wanted: sent.id }).then(({ view }) => {
          studio.openStep("select");
          const added = view.objects.find((object) => !known.has(object.id));
          if (added) studio.set({ object: added.id });
        }, () => {});
        return refresh();
      }
      studio.openStep(home);
      return studio.ask(server, "delete_project", { wanted: sent.id, known: studio.recall() }).then(fill, () => {});
    };
    ref.choose.addEventListener("click", () => ref.file.click());
    ref.file.addEventListener("change", () => send(ref.file.files[0]));
    studio.arrivals.others({
      says: "A video is opened.",
      take: ([file]) => {
        const home = state.step;
        studio.set({ step: "video" });
        showTab("open");
        send(file, home);
      },
    });
    ref.form.addEventListener("submit", (event) => { event.preventDefault(); open("open_path", { path: ref.path.value }); });

    const trim = () => {
      if (ref.start.value === "" || ref.stop.value === "") { fillTrim(); return; }
      studio.trim.set(studio.whole(ref.start), studio.whole(ref.stop) + 1).catch(fillTrim);
    };
    const fillTrim = () => {
      const { clip } = state.view;
      ref.start.value = clip.start;
      ref.stop.value = clip.stop - 1;
      ref.start.max = ref.stop.max = clip.frames - 1;
      ref.whole.disabled = clip.start === 0 && clip.stop === clip.frames;
    };
    ref.start.addEventListener("change", trim);
    ref.stop.addEventListener("change", trim);
    ref.whole.addEventListener("click", () => studio.trim.set(0, state.view.clip.frames).catch(() => {}));
    ref.measure.addEventListener("click", () => studio.change(server, "measure_machine").catch(() => {}));
    studio.whenDone.measure = () => studio.ask(server, "look_again", { project_id: state.view.id }).catch(() => {});

    // What a note offers to do about it.
    const remedies = {
      part: () => {
        const { clip } = state.view;
        const frames = Math.max(1, Math.round(10 * clip.rate));
        const first = Math.max(0, Math.min(state.frame, clip.frames - frames));
        return studio.trim.set(first, Math.min(clip.frames, first + frames));
      },
      shot: () => {
        const { clip, cuts } = state.view;
        const at = Math.max(clip.start, Math.min(clip.stop - 1, state.frame));
        const edges = [clip.start, ...cuts.filter((cut) => clip.start < cut && cut < clip.stop), clip.stop];
        const last = edges.findIndex((edge) => edge > at);
        return studio.trim.set(edges[last - 1], edges[last]);
      },
      whole: () => studio.trim.set(0, state.view.clip.frames),
    };
    let told = "";
    const tell = ({ preflight }) => {
      ref.looked.textContent = preflight.done ? "" : preflight.looked < 1 ? `looking for cuts, ${Math.floor(100 * preflight.looked)} %` : "looking at its brightness";
      ref.measure.hidden = preflight.measured;
      ref.measure.disabled = state.view.jobs.some((job) => job.kind === "measure" && !job.finished);
      const key = JSON.stringify([preflight.notes, preflight.costs]);
      if (key === told) return; // a button that is being pressed stays where it is
      told = key;
      ref.notes.replaceChildren(...preflight.notes.map((note) => make("li", { "data-warn": String(note.warn) }, make("span", { class: "vs-grow" }, note.text),
        note.remedy ? make("button", { type: "button", class: "vs-button vs-small", "data-remedy": note.remedy, title: note.text, onclick: () => remedies[note.remedy]().catch(() => {}) }, note.label) : null)));
      if (!preflight.notes.length) ref.notes.append(make("li", { class: "vs-quiet" }, "Nothing out of the ordinary."));
      ref.costs.replaceChildren(...preflight.costs.flatMap((cost) => [make("dt", {}, cost.step), make("dd", { title: cost.title }, cost.time), make("dd", { class: "vs-quiet", title: "Memory the program holds by then" }, cost.memory)]));
    };
    let asking = 0;
    const followLook = () => {
      clearTimeout(asking);
      if (!state.view || state.view.preflight.done || state.step !== "video") return;
      asking = setTimeout(() => studio.ask(server, "look_again", { project_id: state.view.id }).then(followLook, () => {}), 1500);
    };
    studio.on("view step", followLook);
    ref.primary.addEventListener("click", () => studio.openStep("select"));

    studio.on("view uploading", () => {
      const { view } = state;
      ref.upload.hidden = !state.uploading;
      ref.choose.disabled = state.uploading;
      ref.primary.disabled = !view;
      ref.reason.textContent = view ? "" : "Open a video first.";
      if (!view) return;
      ref.name.textContent = view.name;
      ref.name.title = view.name;
      ref.facts.replaceChildren(...view.clip.facts.flatMap((fact) => [
        make("dt", {}, fact.name),
        make("dd", {}, fact.value, fact.note ? make("span", { class: "vs-quiet" }, ` ${fact.note}`) : null),
      ]));
      fillTrim();
      tell(view);
    });
    showTab("clip");
    start(wanted());
  };
})();
