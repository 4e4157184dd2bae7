"use strict";
// Step 1, and what happens when the page opens.
(() => {
  const { state, make } = studio;

  studio.parts.video = (ref, server) => {
    const open = (name, values) => studio.change(server, name, { ...values, project_id: undefined }).then(opened, () => {});
    const opened = (answer) => { if (answer.view) { studio.accept(answer.view); refresh(); } };

    const fill = ({ examples, recent }) => {
      ref.examples.replaceChildren(...examples.map((example) => item(example.title, "", () => open("open_example", { name: example.name }))));
      if (!examples.length) ref.examples.append(make("li", { class: "vs-quiet" }, "none here"));
      const list = recent.slice(0, 12);
      ref.recent.replaceChildren(...list.map((project) => {
        const node = item(project.name, project.about, () => open("open_project", { wanted: project.id }));
        node.firstChild.setAttribute("aria-current", String(Boolean(state.view && project.id === state.view.id)));
        return node;
      }));
      if (!list.length) ref.recent.append(make("li", { class: "vs-quiet" }, "none yet"));
    };
    const item = (title, about, onclick) => make("li", {}, make("button", { type: "button", class: "vs-item", title: about || title, onclick }, make("span", {}, title)));

    const start = async (id) => {
      const answer = await studio.ask(server, "open_page", { project_id: id, known: studio.recall() }).catch(() => null);
      if (!answer) { setTimeout(() => start(id), 2000); return; }
      if (answer.view) { studio.accept(answer.view); restoreStep(); }
      if (answer.notice) studio.toast(answer.notice, "error");
      fill(answer);
      document.getElementById("studio").dataset.ready = "true";
    };
    // the step is in the address too: a reload comes back to where the work was
    const restoreStep = () => {
      const step = location.hash.slice(1) || studio.lastStep();
      if (state.view.steps[step] && state.view.steps[step].open) studio.set({ step });
    };
    const refresh = () => studio.ask(server, "list_projects", { known: studio.recall() }).then(fill, () => {});
    const wanted = () => new URL(location.href).searchParams.get("project");
    window.addEventListener("popstate", () => { if (wanted() && wanted() !== (state.view && state.view.id)) start(wanted()); });

    // Uploads stream to the server's disk; the browser keeps nothing of them.
    const send = (file) => {
      if (!file || state.uploading) return;
      const request = new XMLHttpRequest();
      request.open("POST", `/studio/upload?name=${encodeURIComponent(file.name)}`);
      request.setRequestHeader("X-Vivid-Studio", "1");
      request.upload.onprogress = (event) => { if (event.lengthComputable) ref.upload.value = event.loaded / event.total; };
      request.onloadend = () => {
        studio.set({ uploading: false });
        if (request.status === 200) opened(JSON.parse(request.responseText));
        else studio.toast(request.responseText || `The upload of ${file.name} broke off: see that the program still runs, then choose the file again.`, "error", request.getResponseHeader("X-Vivid-Report"));
        ref.file.value = "";
      };
      studio.set({ uploading: true, playing: false });
      ref.upload.value = 0;
      request.send(file);
    };
    ref.choose.addEventListener("click", () => ref.file.click());
    ref.file.addEventListener("change", () => send(ref.file.files[0]));
    window.addEventListener("dragover", (event) => { if ([...event.dataTransfer.types].includes("Files")) { event.preventDefault(); document.body.classList.add("vs-dropping"); } });
    window.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("vs-dropping"); });
    window.addEventListener("drop", (event) => {
      document.body.classList.remove("vs-dropping");
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      studio.set({ step: "video" });
      send(event.dataTransfer.files[0]);
    });
    ref.form.addEventListener("submit", (event) => { event.preventDefault(); open("open_path", { path: ref.path.value }); });

    const trim = () => {
      const start = studio.whole(ref.start);
      const stop = studio.whole(ref.stop) + 1;
      const { clip } = state.view;
      if (ref.start.value === "" || ref.stop.value === "" || (start === clip.start && stop === clip.stop)) return;
      studio.change(server, "trim_clip", { start, stop }).catch(() => { ref.start.value = clip.start; ref.stop.value = clip.stop - 1; });
    };
    ref.start.addEventListener("change", trim);
    ref.stop.addEventListener("change", trim);
    ref.primary.addEventListener("click", () => studio.openStep("select"));

    studio.on("view uploading", () => {
      const { view } = state;
      ref.upload.hidden = !state.uploading;
      ref.choose.disabled = state.uploading;
      ref.clip.hidden = !view;
      ref.primary.disabled = !view;
      ref.reason.textContent = view ? "" : "Open a video first.";
      if (!view) return;
      ref.name.textContent = view.name;
      ref.facts.replaceChildren(...view.clip.facts.flatMap((fact) => [
        make("dt", {}, fact.name),
        make("dd", {}, fact.value, fact.note ? make("span", { class: "vs-quiet" }, ` ${fact.note}`) : null),
      ]));
      ref.start.value = view.clip.start;
      ref.stop.value = view.clip.stop - 1;
      ref.start.max = ref.stop.max = view.clip.frames - 1;
    });
    start(wanted());
  };
})();
