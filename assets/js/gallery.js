"use strict";
// The tries as small pictures of the region, newest first.
(() => {
  const { state, make } = studio;
  const WORDS = { add: "Add", modify: "Change", delete: "Remove" };
  const SHAPE = 1.5; // of a card, width over height

  // What a try changed lies in the region of its frame: show that part, not a sliver of the whole.
  const crops = new Map();
  const cropOf = (frame) => {
    const key = `${state.view.id}/${frame}/${state.view.region_rev}`;
    if (!crops.has(key)) crops.set(key, findCrop(frame, state.view).catch(() => null));
    return crops.get(key);
  };
  studio.cropOf = cropOf;
  const findCrop = async (frame, { clip, region_rev: rev }) => {
    const overlay = await studio.pictures.load(`${studio.address(`overlay/${frame}.png`)}?kind=region&rev=${rev}&w=240`);
    const small = make("canvas", { width: overlay.width, height: overlay.height });
    const context = small.getContext("2d", { willReadFrequently: true });
    context.drawImage(overlay, 0, 0);
    const { data } = context.getImageData(0, 0, overlay.width, overlay.height);
    let [x0, y0, x1, y1] = [overlay.width, overlay.height, -1, -1];
    for (let i = 3, p = 0; i < data.length; i += 4, p++) {
      if (!data[i]) continue;
      const [x, y] = [p % overlay.width, Math.floor(p / overlay.width)];
      x0 = Math.min(x0, x); x1 = Math.max(x1, x); y0 = Math.min(y0, y); y1 = Math.max(y1, y);
    }
    if (x1 < 0) return null;
    const k = clip.width / overlay.width;
    const h = Math.min(clip.height, Math.max((y1 - y0 + 1) * k * 1.3, ((x1 - x0 + 1) * k * 1.3) / SHAPE));
    const w = Math.min(clip.width, h * SHAPE);
    const [cx, cy] = [((x0 + x1 + 1) / 2) * k, ((y0 + y1 + 1) / 2) * k];
    return { x: Math.max(0, Math.min(clip.width - w, cx - w / 2)), y: Math.max(0, Math.min(clip.height - h, cy - h / 2)), w, h, middle: cx };
  };

  studio.thumbnail = (edit) => {
    const canvas = make("canvas", { width: 300, height: 200, "aria-hidden": "true" });
    const { clip } = state.view;
    Promise.all([studio.pictures.load(studio.address(`file/${edit.image}`)), cropOf(edit.frame)]).then(([bitmap, crop]) => {
      const part = crop || { x: 0, y: 0, w: clip.width, h: clip.height };
      const k = bitmap.width / clip.width;
      const scale = Math.max(300 / part.w, 200 / part.h); // fills the card, whatever the part's shape
      const [w, h] = [300 / scale, 200 / scale];
      canvas.getContext("2d").drawImage(bitmap, (part.x + (part.w - w) / 2) * k, (part.y + (part.h - h) / 2) * k, w * k, h * k, 0, 0, 300, 200);
    }, () => {});
    return canvas;
  };

  studio.gallery = (ref) => {
    let drawn = "";
    let before = null; // ids of the tries that were there when the running job was first seen
    const pickNew = () => {
      const job = studio.activeJob();
      if (!job || job.kind !== "keyframe") { before = null; return; }
      if (!before || before.job !== job.id) before = { job: job.id, ids: new Set(state.view.edits.map((edit) => edit.id)), done: false };
      const fresh = state.view.edits.find((edit) => !before.ids.has(edit.id));
      if (fresh && !before.done) { before.done = true; studio.set({ tryId: fresh.id }); }
    };
    const pick = (edit) => { studio.set({ tryId: edit.id, playing: false }); studio.goTo(edit.frame); };
    const card = (edit) => {
      const words = [`${WORDS[edit.task]}${edit.caption ? ` “${edit.caption}”` : ""}`, `frame ${edit.frame}`, `seed ${edit.seed}`, edit.stale ? "made before the last change" : ""].filter(Boolean).join(", ");
      const button = make("button", { type: "button", class: "vs-try", "data-edit": edit.id, title: words, "aria-label": words, onclick: () => pick(edit), ondblclick: () => studio.copySettings(edit) },
        studio.thumbnail(edit), make("span", { class: "vs-try-line" }, `f${edit.frame} · s${edit.seed}`));
      if (edit.stale) button.append(make("span", { class: "vs-badge vs-stale" }, "earlier"));
      return button;
    };
    studio.on("view tryId", () => {
      if (!state.view) return;
      pickNew();
      const edits = [...state.view.edits].reverse();
      const key = JSON.stringify([state.view.id, edits.map((edit) => [edit.id, edit.stale])]);
      if (key !== drawn) {
        drawn = key;
        ref.gallery.replaceChildren(...edits.map(card));
        if (!edits.length) ref.gallery.append(make("p", { class: "vs-blank" }, "Tries will be kept here, side by side."));
      }
      for (const node of ref.gallery.querySelectorAll(".vs-try")) {
        node.setAttribute("aria-pressed", String(node.dataset.edit === state.tryId));
        node.dataset.accepted = String(node.dataset.edit === state.view.accepted);
      }
    });
  };
})();
