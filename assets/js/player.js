"use strict";
// Original and result as two videos that run as one. The result leads; the original follows it within half a frame.
(() => {
  const { state } = studio;

  studio.parts.player = (ref) => {
    const { player, source, result, still, before, after } = ref;
    let loaded = "";
    let playable = true;

    const on = () => Boolean(state.view && state.step === "propagate" && state.view.result && state.view.result.done);
    const rate = () => state.view.clip.rate;
    const resultTime = (frame) => (frame - state.view.clip.start + 0.5) / rate();
    const sourceTime = (frame) => (frame + 0.5) / rate();
    const frameAt = (time) => state.view.clip.start + Math.floor(time * rate() + 1e-3);

    const load = () => {
      const key = `${state.view.id}/${state.view.result.id}`;
      if (key === loaded) return;
      loaded = key;
      playable = true;
      still.hidden = true;
      source.hidden = false;
      source.src = studio.address("source");
      result.src = studio.address(`result/${state.view.result.id}.mp4`);
    };
    // a source that this browser can't decode (10 bit, an odd codec): its frames one by one instead
    source.addEventListener("error", () => { playable = false; source.hidden = true; still.hidden = false; seek(); });
    result.addEventListener("error", () => { if (on() && result.src) studio.toast("The result can't be played in this browser; it can still be downloaded.", "error"); });

    const seek = () => {
      const at = Math.max(state.view.clip.start, Math.min(state.view.clip.stop - 1, state.frame));
      if (result.readyState && result.paused) result.currentTime = resultTime(at);
      if (playable && source.readyState && result.paused) source.currentTime = sourceTime(at);
      if (!playable) still.src = studio.address(`frame/${at}.jpg`);
    };
    for (const video of [source, result]) video.addEventListener("loadeddata", () => { if (on()) seek(); });

    const follow = () => {
      if (result.paused || !on()) return;
      const frame = Math.min(frameAt(result.currentTime), state.view.clip.stop - 1);
      if (frame !== state.frame) studio.set({ frame });
      if (playable) {
        const off = source.currentTime - sourceTime(0) - (result.currentTime - resultTime(state.view.clip.start)) - state.view.clip.start / rate();
        if (Math.abs(off) > 0.5 / rate() && !source.seeking) source.currentTime = result.currentTime + state.view.clip.start / rate();
      } else still.src = studio.address(`frame/${frame}.jpg`);
      requestAnimationFrame(follow);
    };

    const play = () => {
      if (frameAt(result.currentTime) >= state.view.clip.stop - 1) { result.currentTime = 0; }
      if (playable) { source.currentTime = result.currentTime + state.view.clip.start / rate(); source.play().catch(() => {}); }
      result.play().then(follow, () => studio.set({ playing: false }));
    };
    result.addEventListener("ended", () => studio.set({ playing: false }));

    // half of the stage, in the shape of the video
    const half = () => {
      const { width, height } = state.view.clip;
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
      const scale = Math.min((player.clientWidth - 2.8 * rem) / 2 / width, (player.clientHeight - 4.4 * rem) / height);
      return { left: "", top: "", width: `${width * scale}px`, height: `${height * scale}px` };
    };
    const layout = () => {
      const mode = studio.compareMode ? studio.compareMode() : "wipe";
      player.dataset.mode = mode;
      const place = studio.place;
      if (!place) return;
      const { width, height } = state.view.clip;
      const pixels = { left: `${place.x}px`, top: `${place.y}px`, width: `${width * place.scale}px`, height: `${height * place.scale}px` };
      for (const pane of [before, after]) Object.assign(pane.style, mode === "side" ? half() : pixels);
      after.style.clipPath = mode === "wipe" ? `inset(0 0 0 ${state.wipe * 100}%)` : "";
    };

    studio.on("view step compareResult wipe frame playing", (_, keys) => {
      player.hidden = !on();
      if (!on()) { result.pause(); source.pause(); return; }
      load();
      if (keys.has("playing")) { if (state.playing) play(); else { result.pause(); source.pause(); seek(); } }
      else if (result.paused) seek();
      requestAnimationFrame(layout);
    });
    new ResizeObserver(() => { if (on()) requestAnimationFrame(layout); }).observe(player.parentElement);
    studio.playerOn = on;
  };
})();
