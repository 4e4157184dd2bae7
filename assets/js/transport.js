"use strict";
// Play, step, and where we are. Without a result on the stage, playing runs through the frames at the clip's rate.
(() => {
  const { state } = studio;

  const clock = (frame, rate) => {
    const hundredths = Math.floor((frame / rate) * 100 + 1e-6);
    const two = (n) => String(n).padStart(2, "0");
    return `${two(Math.floor(hundredths / 6000))}:${two(Math.floor(hundredths / 100) % 60)}.${two(hundredths % 100)}`;
  };

  studio.parts.transport = (ref) => {
    const step = (by) => { studio.set({ playing: false }); studio.goTo(state.frame + by); };
    ref.first.addEventListener("click", () => step(-Infinity));
    ref.last.addEventListener("click", () => step(Infinity));
    ref.back.addEventListener("click", () => step(-1));
    ref.on.addEventListener("click", () => step(1));
    ref.play.addEventListener("click", () => toggle());
    ref.frame.addEventListener("change", () => {
      if (ref.frame.value !== "") { studio.set({ playing: false }); studio.goTo(Number(ref.frame.value)); }
      ref.frame.value = state.frame; // what lies outside the clip stands for its end
    });
    ref.markIn.addEventListener("click", () => studio.markIn());
    ref.markOut.addEventListener("click", () => studio.markOut());
    const toggle = () => { if (state.view) studio.set({ playing: !state.playing }); };
    studio.togglePlay = toggle;

    // The clock runs at the clip's rate; the newest frame that is due and here is shown. When none is here yet, the clock waits for it.
    let clockStart = null;
    let ticking = 0;
    const tick = (now) => {
      if (!state.playing || studio.playerOn()) return;
      const { clip } = state.view;
      const beat = 1000 / clip.rate;
      if (!clockStart) {
        if (state.frame >= clip.stop - 1 || state.frame < clip.start) studio.set({ frame: clip.start });
        clockStart = { now, frame: state.frame };
      }
      const due = Math.min(clip.stop - 1, clockStart.frame + Math.floor((now - clockStart.now) / beat));
      let frame = due;
      while (frame > state.frame && !studio.frameReady(frame)) frame -= 1;
      if (frame < due) clockStart = { now: now - beat, frame };
      if (frame >= clip.stop - 1) studio.set({ frame: clip.stop - 1, playing: false });
      else {
        studio.set({ frame });
        ticking = requestAnimationFrame(tick);
      }
    };

    studio.on("view frame playing step", (_, keys) => {
      const clip = state.view && state.view.clip;
      for (const control of Object.values(ref)) if ("disabled" in control) control.disabled = !clip;
      ref.play.querySelector("svg")?.remove();
      ref.play.insertAdjacentHTML("afterbegin", studio.icons[state.playing ? "pause" : "play"]);
      ref.play.setAttribute("aria-label", state.playing ? "Pause" : "Play");
      if (!clip) return;
      if (document.activeElement !== ref.frame || keys.has("frame")) ref.frame.value = state.frame;
      ref.frame.max = clip.frames - 1;
      ref.total.textContent = `of ${clip.frames - 1}`;
      ref.time.textContent = clock(state.frame, clip.rate);
      if (keys.has("playing") && state.playing && !studio.playerOn()) { clockStart = null; cancelAnimationFrame(ticking); ticking = requestAnimationFrame(tick); }
    });
  };
})();
