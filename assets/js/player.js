"use strict";
// Before and after as two videos that run as one. The result leads; the other follows it within half a frame. Frames are found by the
// clip's own time stamps where its rate varies, so that the frame that is shown is the frame that is said.
(() => {
  const { state } = studio;
  studio.icons.loop = '<svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"><path d="M17 4l3 3-3 3"/><path d="M4 12V10a3 3 0 0 1 3-3h13"/><path d="M7 20l-3-3 3-3"/><path d="M20 12v2a3 3 0 0 1-3 3H4"/></svg>';

  studio.parts.player = (ref) => {
    const { player, source, result, still, before, after, mask, loop, maskBefore, maskAfter } = ref;
    let loaded = "";
    let playable = true;
    let stamps = null; // seconds of every frame of the clip; null while its rate is constant
    let stampsOf = "";

    const shown = () => state.view && state.view.result;
    const on = () => Boolean(state.step === "propagate" && shown() && shown().done);
    const first = () => shown().span[0];
    const last = () => shown().span[1] - 1;

    // Time

    const at = (frame) => (stamps ? stamps[Math.min(frame, stamps.length - 1)] + (frame >= stamps.length ? 1 / state.view.clip.rate : 0) : frame / state.view.clip.rate);
    const middle = (frame) => (at(frame) + at(frame + 1)) / 2; // a player rounds: inside the frame, not on its edge
    const resultTime = (frame) => middle(frame) - at(first());
    const frameAt = (time) => {
      const wanted = time + at(first()) + 1e-4;
      if (!stamps) return Math.min(last(), Math.floor(wanted * state.view.clip.rate + 1e-3));
      let [low, high] = [first(), last()];
      while (low < high) { const half = (low + high + 1) >> 1; if (stamps[half] <= wanted) low = half; else high = half - 1; }
      return low;
    };
    const readStamps = async () => {
      const { id, clip } = state.view;
      if (stampsOf === id) return;
      stampsOf = id;
      stamps = null;
      if (!clip.variable) return;
      const answer = await fetch(studio.address("times.json")).catch(() => null);
      if (answer && answer.ok && stampsOf === id) { stamps = await answer.json(); if (on()) seek(); }
    };

    // Pictures

    const load = () => {
      const key = `${state.view.id}/${shown().id}`;
      if (key === loaded) return;
      loaded = key;
      playable = !shown().base; // what it was before is the source only where nothing was accepted below
      still.hidden = playable;
      source.hidden = !playable;
      if (playable) source.src = studio.address("source");
      else source.removeAttribute("src");
      result.src = studio.address(`result/${shown().id}.mp4`);
    };
    const stillUrl = (frame) => (shown().base ? studio.address(`below/${shown().id}/${frame}.jpg`) : studio.address(`source/${frame}.jpg`));
    const drawMask = () => {
      for (const picture of [maskBefore, maskAfter]) {
        picture.hidden = !state.showRegion;
        if (state.showRegion) picture.src = studio.address(`region/${shown().id}/${Math.max(first(), Math.min(last(), state.frame))}.png`);
      }
    };
    // a source that this browser can't decode (10 bit, an odd codec): its frames one by one instead
    source.addEventListener("error", () => { if (!source.getAttribute("src")) return; playable = false; source.hidden = true; still.hidden = false; if (on()) seek(); });
    result.addEventListener("error", () => { if (on() && result.src) studio.toast("The result can't be played in this browser; it can still be downloaded.", "error", { about: "player" }); });

    const seek = () => {
      const frame = Math.max(first(), Math.min(last(), state.frame));
      if (result.readyState && result.paused) result.currentTime = resultTime(frame);
      if (playable && source.readyState && result.paused) source.currentTime = middle(frame);
      if (!playable) still.src = stillUrl(frame);
      drawMask();
    };
    for (const video of [source, result]) video.addEventListener("loadeddata", () => { if (on()) seek(); });

    // Playing. The browser says which frame it presents; where it doesn't, the clock has to do.
    const follow = (_, presented) => {
      if (result.paused || !on()) return;
      const time = presented ? presented.mediaTime : result.currentTime;
      const frame = frameAt(time);
      if (frame !== state.frame) studio.set({ frame });
      if (playable) {
        const wanted = result.currentTime + at(first());
        if (Math.abs(source.currentTime - wanted) > 0.5 / state.view.clip.rate && !source.seeking) source.currentTime = wanted;
      } else still.src = stillUrl(frame);
      drawMask();
      next();
    };
    const next = () => (result.requestVideoFrameCallback ? result.requestVideoFrameCallback(follow) : requestAnimationFrame((now) => follow(now, null)));

    const play = () => {
      if (frameAt(result.currentTime) >= last()) result.currentTime = 0;
      if (playable) { source.currentTime = result.currentTime + at(first()); source.play().catch(() => {}); }
      result.play().then(next, () => studio.set({ playing: false }));
    };
    result.addEventListener("ended", () => {
      if (!state.loop) { studio.set({ playing: false, frame: last() }); return; }
      result.currentTime = 0;
      play();
    });

    loop.addEventListener("click", () => studio.set({ loop: !state.loop }));
    mask.addEventListener("click", () => studio.set({ showRegion: !state.showRegion }));
    window.addEventListener("keydown", (event) => {
      if (!on() || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
      if (event.key === "l") studio.set({ loop: !state.loop });
      if (event.key === "m") studio.set({ showRegion: !state.showRegion });
    });

    // half of the stage, in the shape of the video
    const half = () => {
      const { width, height } = state.view.clip;
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
      const scale = Math.min((player.clientWidth - 2.8 * rem) / 2 / width, (player.clientHeight - 4.4 * rem) / height);
      return { left: "", top: "", width: `${width * scale}px`, height: `${height * scale}px` };
    };
    const layout = () => {
      if (!on()) return;
      const mode = studio.compareMode ? studio.compareMode() : "wipe";
      player.dataset.mode = mode;
      const place = studio.place;
      if (!place) return;
      const { width, height } = state.view.clip;
      const pixels = { left: `${place.x}px`, top: `${place.y}px`, width: `${width * place.scale}px`, height: `${height * place.scale}px` };
      for (const pane of [before, after]) Object.assign(pane.style, mode === "side" ? half() : pixels);
      after.style.clipPath = mode === "wipe" ? `inset(0 0 0 ${state.wipe * 100}%)` : "";
    };

    studio.on("view step compareResult wipe frame playing loop showRegion", (_, keys) => {
      player.hidden = !on();
      if (!on()) { result.pause(); source.pause(); return; }
      readStamps();
      load();
      loop.setAttribute("aria-pressed", String(Boolean(state.loop)));
      mask.setAttribute("aria-pressed", String(Boolean(state.showRegion)));
      if (keys.has("playing")) { if (state.playing) play(); else { result.pause(); source.pause(); seek(); } }
      else if (result.paused) seek();
      requestAnimationFrame(layout);
    });
    new ResizeObserver(() => { if (on()) requestAnimationFrame(layout); }).observe(player.parentElement);
    studio.playerOn = on;
  };

  // Until the result is whole, the stage shows its frames as their windows come.
  studio.unfinished = () => {
    const result = state.step === "propagate" && state.view && state.view.result;
    if (!result || result.done) return null;
    return { path: (frame) => `result/${result.id}/${frame}.jpg`, mark: `n=${result.windows.filter((window) => window[2]).length}` };
  };
})();
