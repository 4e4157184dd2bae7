"use strict";
// Play, step, and where we are. Without a result on the stage, playing runs through the frames at the clip's rate, dropping what is late.
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
    ref.frame.addEventListener("change", () => { if (ref.frame.value !== "") { studio.set({ playing: false }); studio.goTo(Number(ref.frame.value)); } });
    const toggle = () => { if (state.view) studio.set({ playing: !state.playing }); };
    studio.togglePlay = toggle;

    let began = null;
    const tick = (now) => {
      if (!state.playing || studio.playerOn()) return;
      const { clip } = state.view;
      if (!began) began = { now, frame: state.frame >= clip.stop - 1 ? clip.start : state.frame };
      const due = began.frame + Math.floor(((now - began.now) / 1000) * clip.rate);
      if (due >= clip.stop) studio.set({ frame: clip.stop - 1, playing: false });
      else {
        if (due !== state.frame && !studio.frameReady(due) && due - state.frame < 6) began.now += 8; // a slow moment: fall back a little, not apart
        studio.set({ frame: due });
        requestAnimationFrame(tick);
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
      if (keys.has("playing") && state.playing && !studio.playerOn()) { began = null; requestAnimationFrame(tick); }
    });
  };
})();
