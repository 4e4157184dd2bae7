"use strict";
// The stage: the frame, the masks over it, the prompts over those, all in source pixels whatever the scaling.
(() => {
  const { state } = studio;
  const WIDTHS = [480, 640, 960, 1280, 1920, 2560, 3840];
  const DRAFT = 960; // pixels: as wide as a frame is asked for while frames fly by; the one that stays comes sharp
  const PLAYED = 1280;
  const REST = 60; // milliseconds on one frame after which the playhead is there to stay: that very frame is asked for, and nothing else
  const STILL = 180; // after which it counts as looked at
  const COARSE = 12; // frames passed by one move: from here on no one asks for the very frame under the pointer
  const NEAR = 0.01; // of the clip: so far a frame may stand in for another while they fly by
  const SQUARES = 5; // device pixels a source pixel: from here on pixels are shown as the squares they are
  const AHEAD = 24;

  studio.parts.canvas = (ref, server) => {
    const { canvas, stage } = ref;
    const context = canvas.getContext("2d");
    let place = { x: 0, y: 0, scale: 1 }; // of the frame inside the canvas, in CSS pixels
    let asked = false;
    let direction = 1;
    let lastFrame = 0;
    let moved = -Infinity; // when the frame changed last
    let flying = false; // frames change faster than anyone looks at one
    let stride = 0; // frames that were passed by the last move
    let entries = []; // frames that come at once; any other is decoded from the one of these before it
    let entriesOf = null;
    let rest = 0;
    let settle = 0;
    let last = null; // the last frame drawn, kept on the screen until the next one is here
    let lastOverlay = null;
    let readySaid = false;

    // Pictures

    const width = () => {
      const { clip } = state.view;
      const most = state.playing ? PLAYED : flying ? DRAFT : Infinity;
      const need = Math.min(most, clip.width * place.scale * devicePixelRatio);
      const enough = WIDTHS.find((w) => w >= need);
      return enough && enough < clip.width ? `w=${enough}` : "";
    };
    const frameUrl = (frame) => {
      const running = studio.unfinished(); // a result that is being made: what there is of it
      const query = [width(), running ? running.mark : state.view.base ? `base=${state.view.base}` : ""].filter(Boolean).join("&");
      return `${studio.address(running ? running.path(frame) : `frame/${frame}.jpg`)}${query ? `?${query}` : ""}`;
    };
    const overlayKind = () => (state.step === "adjust" || state.step === "keyframe" ? "region" : "objects");
    const overlayUrl = (frame) => {
      const { view } = state;
      if (!state.showMasks || !view.objects.some((o) => o.marked)) return null;
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
    // the try that the chosen one is compared with, instead of with the frame
    const otherShown = () => {
      const edit = tryShown();
      const other = edit && state.againstId !== edit.id ? state.view.edits.find((e) => e.id === state.againstId) : null;
      return other && other.frame === state.frame ? other : null;
    };
    const editUrl = (edit) => studio.address(`file/${edit.image}`);

    const want = (url) => {
      if (!url) return null;
      const bitmap = studio.pictures.get(url);
      if (!bitmap) studio.pictures.load(url).then(redraw, () => {});
      return bitmap;
    };
    // The frame and what lies over it, fetched together. Whoever drags the playhead passes frames faster than they come: two are on the way
    // at any time, those that were passed meanwhile are never asked for, and each that arrives is shown although the playhead is further on,
    // unless a nearer one is there already.
    const ON_THE_WAY = 2;
    const coming = new Map();
    // Whoever flies through a long clip, dozens of frames a move, sees those near the playhead that come at once, until it rests.
    const aim = () => {
      const { frame } = state;
      if (!flying || stride < COARSE || !entries.length) return frame;
      const next = entries.findIndex((entry) => entry >= frame);
      const [above, below] = [entries[next] ?? Infinity, entries[(next < 0 ? entries.length : next) - 1] ?? -Infinity];
      const nearest = above - frame < frame - below ? above : below;
      return Math.abs(nearest - frame) <= Math.max(2 * stride, state.view.clip.frames * NEAR) ? nearest : frame;
    };
    const loadEntries = async () => {
      const { id } = state.view;
      entriesOf = id;
      entries = [];
      const answer = await fetch(studio.address("entries.json")).catch(() => null);
      if (answer && answer.ok && entriesOf === id) entries = await answer.json();
    };
    const take = (frame, url, overlay) => {
      last = { id: state.view.id, frame, bitmap: studio.pictures.get(url), url };
      if (overlay && studio.pictures.get(overlay)) lastOverlay = { frame, path: overlay.split("?")[0], kind: overlayKind(), url: overlay };
    };
    const chase = () => {
      const { view } = state;
      const frame = aim();
      const [url, overlay] = [frameUrl(frame), tryShown() ? null : overlayUrl(frame)];
      if (studio.pictures.get(url) && (!overlay || studio.pictures.get(overlay))) {
        if (frame !== state.frame) take(frame, url, overlay);
        return;
      }
      const key = `${url} ${overlay}`;
      if (coming.has(key) || coming.size >= (frame === state.frame ? ON_THE_WAY : 2 * ON_THE_WAY)) return; // these overtake the others
      coming.set(key, frame);
      Promise.allSettled([studio.pictures.load(url, true), ...(overlay ? [studio.pictures.load(overlay, true)] : [])]).then((answers) => {
        coming.delete(key);
        const bitmap = studio.pictures.get(url);
        const nearer = !last || last.id !== view.id || Math.abs(frame - state.frame) <= Math.abs(last.frame - state.frame);
        if (bitmap && state.view && state.view.id === view.id && nearer) take(frame, url, overlay);
        if (state.frame !== frame || answers.every((answer) => answer.status === "fulfilled")) redraw(); // what can't be had is not asked for again and again
      });
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
    studio.frameReady = (frame) => {
      const overlay = state.step === "select" && studio.activeJob() ? null : overlayUrl(frame);
      return Boolean(studio.pictures.get(frameUrl(frame)) && (!overlay || studio.pictures.get(overlay)));
    };

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
      place = studio.lens.place(box);
      studio.place = place;
    };

    const draw = () => {
      measure();
      const ratio = devicePixelRatio || 1;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (!state.view) return;
      const { clip } = state.view;
      chase();
      const fresh = studio.pictures.get(frameUrl(state.frame));
      if (fresh) last = { id: state.view.id, frame: state.frame, bitmap: fresh, url: frameUrl(state.frame) };
      if (!last || last.id !== state.view.id) return;
      const bitmap = studio.pictures.get(last.url);
      if (!bitmap) return;
      context.setTransform(ratio * place.scale, 0, 0, ratio * place.scale, ratio * place.x, ratio * place.y);
      context.imageSmoothingQuality = flying || state.playing ? "low" : "high";
      context.imageSmoothingEnabled = place.scale * ratio < SQUARES;
      context.drawImage(bitmap, 0, 0, clip.width, clip.height);
      context.imageSmoothingEnabled = true;
      drawOver(clip, last.frame);
      canvas.dataset.frame = String(last.frame);
      canvas.dataset.project = last.id;
      if (fresh && !readySaid) {
        readySaid = true;
        studio.ask(studio.servers.video, "page_ready").catch(() => {});
      }
      const overlay = overlayUrl(state.frame);
      if (!flying && !studio.adjusting && fresh && (!overlay || studio.pictures.get(overlay))) prefetch(); // what is looked at comes first
    };

    // `frame` is the one that is drawn: another than the playhead's while that is still on its way.
    const drawOver = (clip, frame) => {
      const edit = frame === state.frame ? tryShown() : null;
      const after = edit ? want(editUrl(edit)) : null;
      const comparing = Boolean(after) && state.compareTry !== "before";
      const other = edit && state.compareTry !== "after" && otherShown();
      const before = other ? want(editUrl(other)) : null;
      if (before) context.drawImage(before, 0, 0, clip.width, clip.height);
      canvas.dataset.other = before ? other.id : "";
      if (comparing) {
        const from = state.compareTry === "wipe" ? state.wipe * clip.width : 0;
        context.save();
        context.beginPath();
        context.rect(from, 0, clip.width - from, clip.height);
        context.clip();
        context.drawImage(after, 0, 0, clip.width, clip.height);
        context.restore();
      }
      const url = edit ? null : overlayUrl(frame);
      let overlay = url && studio.pictures.get(url);
      const same = lastOverlay && url && lastOverlay.frame === frame && lastOverlay.path === url.split("?")[0] && lastOverlay.kind === overlayKind();
      const shown = frame === state.frame && studio.hovered && studio.hovered();
      if (overlay) lastOverlay = { frame, path: url.split("?")[0], kind: overlayKind(), url };
      else if (same) overlay = studio.pictures.get(lastOverlay.url); // the mask before, until the new one is here: no flicker
      if (shown || overlay) {
        const picture = shown || overlay;
        context.imageSmoothingEnabled = picture.width < clip.width;
        context.drawImage(picture, 0, 0, clip.width, clip.height);
        context.imageSmoothingEnabled = true;
      }
      canvas.dataset.hovered = String(Boolean(shown));
      canvas.dataset.overlay = overlay ? lastOverlay.url : "";
      if (state.step === "select" && frame === state.frame) drawPrompts();
    };

    const drawPrompts = () => {
      for (const object of state.view.objects) {
        if (object.hidden) continue;
        for (const prompt of object.prompts) if (prompt.frame === state.frame) drawPrompt(prompt, object, object.id === state.object ? 1 : 0.55);
      }
      for (const prompt of state.pending) if (prompt.frame === state.frame) drawPrompt(prompt, null, 0.9, true);
      studio.drawPointer(context, place, drawPrompt);
    };

    const drawPrompt = (prompt, object, alpha, pending = false) => {
      const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 14 / place.scale; // a CSS pixel, grown with the page
      if (prompt.kind === "mask") return; // it is what the overlay shows
      context.save();
      context.globalAlpha = alpha;
      if (prompt.kind === "stroke") studio.drawStroke(context, prompt);
      else if (prompt.kind === "box") {
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

    const move = () => {
      stride = Math.abs(state.frame - lastFrame);
      direction = state.frame > lastFrame ? 1 : -1;
      lastFrame = state.frame;
      const now = performance.now();
      flying = now - moved < STILL && !state.playing;
      moved = now;
      clearTimeout(rest);
      clearTimeout(settle);
      if (!flying && stride >= COARSE) arrive();
      if (!flying) return;
      studio.pictures.prefetch([]); // what lay ahead of where it rested
      rest = setTimeout(arrive, REST);
      settle = setTimeout(() => { flying = false; redraw(); }, STILL);
    };
    const arrive = () => {
      stride = 0;
      studio.pictures.giveUp([frameUrl(state.frame), overlayUrl(state.frame)]);
      redraw();
    };

    // Whether the playhead's frame can be seen: a mark that is made while another stands in for it would be meant for that one.
    studio.inSight = () => {
      const there = studio.pictures.get(frameUrl(state.frame)) || (last && last.id === state.view.id && last.frame === state.frame);
      if (!there) studio.toast(`Frame ${state.frame} is still on its way: mark it when it is here.`);
      return Boolean(there);
    };

    studio.tryShown = tryShown;
    studio.otherShown = otherShown;
    studio.point(ref, server, redraw);
    new ResizeObserver(redraw).observe(stage);
    studio.on("view step frame object pending showMasks compareTry wipe tryId againstId playing lens tool brush cursor", () => {
      if (state.frame !== lastFrame) move();
      if (state.view && state.view.id !== entriesOf) loadEntries();
      ref.empty.hidden = Boolean(state.view);
      stage.dataset.step = state.step;
      stage.dataset.tool = state.tool;
      ref.masks.hidden = !state.view || state.step === "video" || state.step === "propagate" || Boolean(tryShown());
      ref.masks.setAttribute("aria-pressed", String(state.showMasks));
      redraw();
    });
    ref.masks.addEventListener("click", () => studio.set({ showMasks: !state.showMasks }));
  };
})();
