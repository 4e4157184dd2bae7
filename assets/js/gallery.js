"use strict";
// The tries as small pictures of the region, newest first.
(() => {
  const { state, make } = studio;
  const WORDS = { add: "Add", modify: "Change", delete: "Remove" };

  // What a try changed lies where the objects are marked: show that part of the frame, not a sliver of the whole.
  studio.cropOf = () => {
    const { clip, objects } = state.view;
    const points = objects.flatMap((object) => object.prompts).flatMap((p) => (p.kind === "box" ? [[p.x0, p.y0], [p.x1, p.y1]] : [[p.x, p.y]]));
    if (!points.length) return { x: 0, y: 0, w: clip.width, h: clip.height };
    const xs = points.map((p) => p[0]);
    const ys = points.map((p) => p[1]);
    const side = Math.max(Math.max(...xs) - Math.min(...xs), (Math.max(...ys) - Math.min(...ys)) * 1.5, clip.width * 0.35);
    const w = Math.min(clip.width, side * 1.5);
    const h = Math.min(clip.height, w / 1.5);
    const cx = (Math.max(...xs) + Math.min(...xs)) / 2;
    const cy = (Math.max(...ys) + Math.min(...ys)) / 2;
    return { x: Math.max(0, Math.min(clip.width - w, cx - w / 2)), y: Math.max(0, Math.min(clip.height - h, cy - h / 2)), w, h };
  };

  studio.thumbnail = (edit, whole = false) => {
    const canvas = make("canvas", { width: 300, height: 200, "aria-hidden": "true" });
    const { clip } = state.view;
    const crop = whole ? { x: 0, y: 0, w: clip.width, h: clip.height } : studio.cropOf();
    studio.pictures.load(studio.address(`file/${edit.image}`)).then((bitmap) => {
      const k = bitmap.width / clip.width;
      const context = canvas.getContext("2d");
      const scale = Math.max(300 / crop.w, 200 / crop.h);
      const [w, h] = [300 / scale, 200 / scale];
      context.drawImage(bitmap, (crop.x + (crop.w - w) / 2) * k, (crop.y + (crop.h - h) / 2) * k, w * k, h * k, 0, 0, 300, 200);
    }, () => {});
    return canvas;
  };

  studio.gallery = (ref) => {
    let drawn = "";
    const pick = (edit) => { studio.set({ tryId: edit.id, playing: false }); studio.goTo(edit.frame); };
    const card = (edit) => {
      const words = [`${WORDS[edit.task]}${edit.caption ? ` “${edit.caption}”` : ""}`, `frame ${edit.frame}`, `seed ${edit.seed}`, edit.stale ? "made before the last change" : ""].filter(Boolean).join(", ");
      const button = make("button", { type: "button", class: "vs-try", role: "option", "data-edit": edit.id, title: words, "aria-label": words, onclick: () => pick(edit), ondblclick: () => studio.copySettings(edit) },
        studio.thumbnail(edit), make("span", { class: "vs-try-line" }, `f${edit.frame} · s${edit.seed}`));
      if (edit.stale) button.append(make("span", { class: "vs-badge vs-stale" }, "earlier"));
      return button;
    };
    studio.on("view tryId", () => {
      if (!state.view) return;
      const edits = [...state.view.edits].reverse();
      const key = JSON.stringify([state.view.id, edits.map((edit) => [edit.id, edit.stale])]);
      if (key !== drawn) {
        drawn = key;
        ref.gallery.replaceChildren(...edits.map(card));
        if (!edits.length) ref.gallery.append(make("p", { class: "vs-blank" }, "Tries will be kept here, side by side."));
      }
      ref.about.textContent = edits.length ? `${edits.length}, newest first` : "";
      for (const node of ref.gallery.querySelectorAll(".vs-try")) {
        node.setAttribute("aria-selected", String(node.dataset.edit === state.tryId));
        node.dataset.accepted = String(node.dataset.edit === state.view.accepted);
      }
    });
  };
})();
