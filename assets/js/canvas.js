"use strict";
// The stage: the frame, the masks over it, the prompts over those; clicks and boxes in source pixels whatever the scaling.
(() => {
  const { state } = studio;
  const WIDTHS = [480, 854, 1280, 1920, 2560, 3840];
  const DRAG = 5; // CSS pixels: less is a click
  const AHEAD = 24;

  studio.parts.canvas = (ref, server) => {
    const { canvas, stage } = ref;
    const context = canvas.getContext("2d");
    let place = { x: 0, y: 0, scale: 1 }; // of the frame inside the canvas, in CSS pixels
    let drag = null;
    let asked = false;
    let direction = 1;
    let lastFrame = 0;
    let last = null; // the last frame drawn, kept on the screen until the next one is here
    let lastOverlay = null;
    let readySaid = false;

    // Pictures

    const width = () => {
      const { clip } = state.view;
      const need = clip.width * place.scale * devicePixelRatio;
      const enough = WIDTHS.find((w) => w >= need);
      return enough && enough < clip.width ? `w=${enough}` : "";
    };
    const frameUrl = (frame) => {
      const query = [width(), state.view.base ? `base=${state.view.base}` : ""].filter(Boolean).join("&");
      return `${studio.address(`frame/${frame}.jpg`)}${query ? `?${query}` : ""}`;
    };
    const overlayKind = () => (state.step === "adjust" || state.step === "keyframe" ? "region" : "objects");
    const overlayUrl = (frame) => {
      const { view } = state;
      if (!state.showMasks || !view.objects.some((o) => o.prompts.length || o.tracked)) return null;
      if (state.step === "video" || state.step === "propagate") return null;
      const kind = overlayKind();
      const job = studio.activeJob();
      const live = job && job.kind === "track" && job.state === "running" ? `-${job.id}-${job.done}` : "";
      return `${studio.address(`overlay/${frame}.png`)}?kind=${kind}&rev=${kind === "region" ? view.region_rev : view.masks_rev}${live}${width() ? `&${width()}` : ""}`;
    };
    const tryShown = () => {
      const edit = state.view.edits.find((e) => e.id === state.tryId);
      return state.step === "keyframe" && edit && edit.frame === state.frame ? edit : null;
    };
    const editUrl = (edit) => studio.address(`file/${edit.image}`);

    const want = (url) => {
      if (!url) return null;
      const bitmap = studio.pictures.get(url);
      if (!bitmap) studio.pictures.load(url).then(redraw, () => {});
      return bitmap;
    };
    const prefetch = () => {
      const urls = [];
      const { frames } = state.view.clip;
      const reach = state.playing ? AHEAD : 8;
      for (let i = 1; i <= reach; i++) {
        const frame = state.frame + direction * i;
        if (frame < 0 || frame >= frames) break;
        urls.push(frameUrl(frame));
        const overlay = state.step === "select" && studio.activeJob() ? null : overlayUrl(frame);
        if (overlay) urls.push(overlay);
      }
      studio.pictures.prefetch(urls);
    };
    studio.frameReady = (frame) => Boolean(studio.pictures.get(frameUrl(frame)));

    // Drawing

    const redraw = () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => { asked = false; draw(); });
    };
    studio.redraw = redraw;

    const measure = () => {
      const box = stage.getBoundingClientRect();
      const ratio = devicePixelRatio || 1;
      const w = Math.max(1, Math.round(box.width * ratio));
      const h = Math.max(1, Math.round(box.height * ratio));
      if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
      if (!state.view) return;
      const { clip } = state.view;
      const margin = Math.min(box.width, box.height) * 0.025;
      const scale = Math.min((box.width - 2 * margin) / clip.width, (box.height - 2 * margin) / clip.height);
      place = { scale, x: (box.width - clip.width * scale) / 2, y: (box.height - clip.height * scale) / 2 };
      studio.place = place;
    };

    const draw = () => {
      measure();
      const ratio = devicePixelRatio || 1;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (!state.view) return;
      const { clip } = state.view;
      const fresh = want(frameUrl(state.frame));
      if (fresh) last = { id: state.view.id, frame: state.frame, bitmap: fresh, url: frameUrl(state.frame) };
      if (!last || last.id !== state.view.id) return;
      const bitmap = studio.pictures.get(last.url);
      if (!bitmap) return;
      context.setTransform(ratio * place.scale, 0, 0, ratio * place.scale, ratio * place.x, ratio * place.y);
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, 0, 0, clip.width, clip.height);
      if (fresh) drawOver(clip);
      canvas.dataset.frame = String(last.frame);
      if (fresh && !readySaid) {
        readySaid = true;
        studio.ask(studio.servers.video, "page_ready").catch(() => {});
      }
      const overlay = overlayUrl(state.frame);
      if (fresh && (!overlay || studio.pictures.get(overlay))) prefetch(); // what is looked at comes first
    };

    const drawOver = (clip) => {
      const edit = tryShown();
      const after = edit ? want(editUrl(edit)) : null;
      const comparing = Boolean(after) && state.compareTry !== "before";
      if (comparing) {
        const from = state.compareTry === "wipe" ? state.wipe * clip.width : 0;
        context.save();
        context.beginPath();
        context.rect(from, 0, clip.width - from, clip.height);
        context.clip();
        context.drawImage(after, 0, 0, clip.width, clip.height);
        context.restore();
      }
      const url = edit ? null : overlayUrl(state.frame);
      let overlay = want(url);
      const same = lastOverlay && url && lastOverlay.frame === state.frame && lastOverlay.path === url.split("?")[0] && lastOverlay.kind === overlayKind();
      if (overlay) lastOverlay = { frame: state.frame, path: url.split("?")[0], kind: overlayKind(), url };
      else if (same) overlay = studio.pictures.get(lastOverlay.url); // the mask before, until the new one is here: no flicker
      if (overlay) {
        context.imageSmoothingEnabled = overlay.width < clip.width;
        context.drawImage(overlay, 0, 0, clip.width, clip.height);
        context.imageSmoothingEnabled = true;
      }
      canvas.dataset.overlay = overlay ? lastOverlay.url : "";
      if (state.step === "select") drawPrompts();
    };

    const drawPrompts = () => {
      for (const object of state.view.objects) {
        for (const prompt of object.prompts) if (prompt.frame === state.frame) drawPrompt(prompt, object, object.id === state.object ? 1 : 0.55);
      }
      for (const prompt of state.pending) if (prompt.frame === state.frame) drawPrompt(prompt, null, 0.9, true);
      if (drag && drag.moved) drawPrompt({ kind: "box", ...drag.box }, null, 1, true);
    };

    const drawPrompt = (prompt, object, alpha, pending = false) => {
      const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 14 / place.scale; // a CSS pixel, grown with the page
      context.save();
      context.globalAlpha = alpha;
      if (prompt.kind === "box") {
        const box = [prompt.x0, prompt.y0, prompt.x1 - prompt.x0, prompt.y1 - prompt.y0];
        context.lineWidth = 3.5 * unit;
        context.strokeStyle = "rgba(0,0,0,.55)";
        context.strokeRect(...box);
        context.lineWidth = 1.75 * unit;
        context.setLineDash(pending ? [6 * unit, 4 * unit] : []);
        context.strokeStyle = object ? studio.rgb(object.colour) : "#fff";
        context.strokeRect(...box);
      } else {
        context.lineWidth = 2 * unit;
        context.beginPath();
        context.arc(prompt.x, prompt.y, 7.5 * unit, 0, 2 * Math.PI);
        context.fillStyle = prompt.positive ? "#15803d" : "#c62828";
        context.fill();
        context.strokeStyle = "#fff";
        if (pending) context.setLineDash([4 * unit, 3 * unit]);
        context.stroke();
        context.setLineDash([]);
        context.beginPath();
        context.moveTo(prompt.x - 3.5 * unit, prompt.y);
        context.lineTo(prompt.x + 3.5 * unit, prompt.y);
        if (prompt.positive) { context.moveTo(prompt.x, prompt.y - 3.5 * unit); context.lineTo(prompt.x, prompt.y + 3.5 * unit); }
        context.stroke();
      }
      context.restore();
    };

    // Pointing

    const toSource = (event) => {
      const box = canvas.getBoundingClientRect();
      return { x: (event.clientX - box.left - place.x) / place.scale, y: (event.clientY - box.top - place.y) / place.scale };
    };
    const inside = ({ x, y }) => x >= 0 && y >= 0 && x < state.view.clip.width && y < state.view.clip.height;
    const clamp = ({ x, y }) => ({ x: Math.min(Math.max(x, 0), state.view.clip.width), y: Math.min(Math.max(y, 0), state.view.clip.height) });
    const tenth = (value) => Math.round(value * 10) / 10;

    const send = (name, prompt, values) => {
      studio.set({ pending: [...state.pending, prompt] });
      const done = () => studio.set({ pending: state.pending.filter((other) => other !== prompt) });
      studio.change(server, name, { object_id: state.object, frame: prompt.frame, ...values }).then((answer) => {
        if (state.object === null && answer.object) studio.set({ object: answer.object });
        done();
      }, done);
    };

    canvas.addEventListener("pointerdown", (event) => {
      if (!state.view || (event.button !== 0 && event.button !== 2)) return;
      if (state.step !== "select") return;
      const at = toSource(event);
      studio.set({ playing: false });
      drag = { at: clamp(at), off: !inside(at), x: event.clientX, y: event.clientY, positive: event.button === 0 && !event.altKey && !event.ctrlKey, moved: false, box: null, frame: state.frame };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!drag) return;
      if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) >= DRAG && drag.positive) drag.moved = true;
      const to = clamp(toSource(event));
      const from = drag.at;
      drag.box = { x0: Math.min(from.x, to.x), y0: Math.min(from.y, to.y), x1: Math.max(from.x, to.x), y1: Math.max(from.y, to.y) };
      if (drag.moved) redraw();
    });
    const drop = (event) => {
      if (!drag) return;
      const { at, off, moved, box, positive, frame } = drag;
      drag = null;
      if (event.type === "pointercancel") return redraw();
      if (moved && box) {
        const values = Object.fromEntries(Object.entries(box).map(([key, value]) => [key, tenth(value)]));
        if (values.x1 - values.x0 >= 1 && values.y1 - values.y0 >= 1) send("add_box", { kind: "box", frame, ...values }, values);
      } else if (!off) {
        const values = { x: Math.min(tenth(at.x), state.view.clip.width - 0.1), y: Math.min(tenth(at.y), state.view.clip.height - 0.1), positive };
        send("add_point", { kind: "point", frame, ...values }, values);
      }
      redraw();
    };
    canvas.addEventListener("pointerup", drop);
    canvas.addEventListener("pointercancel", drop);
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    stage.addEventListener("wheel", (event) => {
      if (!state.view || event.ctrlKey) return;
      event.preventDefault();
      studio.set({ playing: false });
      studio.goTo(state.frame + Math.sign(event.deltaY || event.deltaX));
    }, { passive: false });
    studio.cancelDrag = () => { if (drag) { drag = null; redraw(); } };

    new ResizeObserver(redraw).observe(stage);
    studio.on("view step frame object pending showMasks compareTry wipe tryId playing", () => {
      if (state.frame !== lastFrame) { direction = state.frame > lastFrame ? 1 : -1; lastFrame = state.frame; }
      ref.empty.hidden = Boolean(state.view);
      stage.dataset.step = state.step;
      ref.masks.hidden = !state.view || state.step === "video" || state.step === "propagate" || Boolean(tryShown());
      ref.masks.setAttribute("aria-pressed", String(state.showMasks));
      redraw();
    });
    ref.masks.addEventListener("click", () => studio.set({ showMasks: !state.showMasks }));
    studio.tryShown = tryShown;
  };
})();
