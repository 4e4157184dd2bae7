"use strict";
// Step 2: objects and tracking.
(() => {
  const { state, make } = studio;

  studio.parts.select = (ref, server) => {
    const chosen = () => state.view && state.view.objects.find((object) => object.id === state.object);
    const about = (object) => {
      const marks = object.prompts.length;
      if (!marks) return "not marked yet";
      const words = `${marks} mark${marks > 1 ? "s" : ""}`;
      return object.tracked ? `${words}, tracked` : words;
    };
    const row = (object) => {
      const pick = make("button", { type: "button", class: "vs-object", "aria-pressed": String(object.id === state.object), onclick: () => studio.set({ object: object.id }) },
        make("span", { class: "vs-swatch" }), make("span", { class: "vs-object-name" }, object.name), make("span", { class: "vs-quiet" }, about(object)));
      pick.style.setProperty("--colour", studio.rgb(object.colour));
      const remove = make("button", { type: "button", class: "vs-icon-button", "data-icon": "remove", "aria-label": `Remove ${object.name}`, title: `Remove ${object.name}`,
        onclick: () => studio.change(server, "remove_object", { object_id: object.id }).catch(() => {}) });
      return make("li", {}, pick, remove);
    };

    ref.add.addEventListener("click", () => studio.change(server, "add_object").then((answer) => studio.set({ object: answer.object }), () => {}));
    const clear = (frame) => studio.change(server, "clear_prompts", { object_id: state.object, frame }).catch(() => {});
    ref.clearFrame.addEventListener("click", () => clear(state.frame));
    ref.clearAll.addEventListener("click", () => clear(null));
    const track = () => studio.change(server, "start_tracking", { direction: ref.direction.value }).catch(() => {});
    ref.secondary.addEventListener("click", track);
    ref.primary.addEventListener("click", () => (tracked() ? studio.openStep("adjust") : track()));

    // A frame that is looked at is made ready, so that the first click on it is answered as fast as the next.
    let ready = "";
    let waiting = 0;
    studio.on("view step frame playing", () => {
      clearTimeout(waiting);
      if (!state.view || state.step !== "select" || state.playing) return;
      const seen = `${state.view.id} ${state.frame}`;
      if (seen !== ready) waiting = setTimeout(() => { ready = seen; server.look_at({ project_id: state.view.id, frame: state.frame }).catch(() => {}); }, 150);
    });

    const marked = () => state.view.objects.filter((object) => object.prompts.length);
    const tracked = () => marked().length > 0 && marked().every((object) => object.tracked);

    studio.on("view object frame", (_, keys) => {
      const { view } = state;
      if (!view) return;
      if (!keys.size || keys.has("view") || keys.has("object")) {
        ref.objects.replaceChildren(...view.objects.map(row));
        studio.dress(ref.objects);
        if (!view.objects.length) ref.objects.append(make("li", { class: "vs-blank" }, "No object yet. Click one on the picture."));
      }
      const object = chosen();
      ref.clearFrame.disabled = !object || !object.prompts.some((prompt) => prompt.frame === state.frame);
      ref.clearAll.disabled = !object || !object.prompts.length;
      const job = studio.activeJob();
      const busy = Boolean(job && job.kind === "track");
      ref.primary.textContent = busy ? "Tracking …" : tracked() ? "Continue to Adjust" : "Track through the clip";
      ref.primary.disabled = busy || !marked().length;
      ref.secondary.disabled = busy || !marked().length;
      ref.secondary.hidden = busy || !tracked();
      ref.reason.textContent = busy ? "Tracking; the masks appear as they are found." : marked().length ? "" : "Mark the object on the picture first.";
    });
  };
})();
