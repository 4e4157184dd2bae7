// Play, step, and where we are. Without a result on the stage, playing runs through the frames at
// the clip's rate.

import { register } from "../state/commands.js";
import { clockText, frameDue } from "../state/playback.js";
import { goTo } from "../state/project.js";
import { resultPlays } from "../state/result.js";
import { on, set, state } from "../state/store.js";
import { icons } from "../widgets/icons.js";
import { frameReady } from "./frames.js";
import { mountSpot } from "./spot.js";
import { markIn, markOut } from "./trim.js";

export const mountTransport = (ref) => {
  const step = (by) => {
    set({ playing: false });
    goTo(state.frame + by);
  };
  const toggle = () => {
    if (state.view) set({ playing: !state.playing });
  };
  register({ togglePlay: toggle });
  ref.first.addEventListener("click", () => step(-Infinity));
  ref.last.addEventListener("click", () => step(Infinity));
  ref.back.addEventListener("click", () => step(-1));
  ref.on.addEventListener("click", () => step(1));
  ref.play.addEventListener("click", toggle);
  ref.frame.addEventListener("change", () => {
    if (ref.frame.value !== "") {
      set({ playing: false });
      goTo(Number(ref.frame.value));
    }
    ref.frame.value = state.frame; // what lies outside the clip stands for its end
  });
  mountSpot(ref.spot);
  ref.markIn.addEventListener("click", markIn);
  ref.markOut.addEventListener("click", markOut);

  // The newest frame that is due and here is shown. When none is here yet, the clock waits for it.
  let clock = null; // { now, frame }: when it showed which frame
  let ticking = 0;
  const tick = (now) => {
    if (!state.playing || resultPlays()) return;
    const { clip } = state.view;
    if (!clock) {
      if (state.frame >= clip.stop - 1 || state.frame < clip.start) set({ frame: clip.start });
      clock = { now, frame: state.frame };
    }
    const { due, frame } = frameDue(clock.frame, state.frame, now - clock.now, clip, frameReady);
    if (frame < due) clock = { now: now - 1000 / clip.rate, frame };
    if (frame >= clip.stop - 1) {
      set({ frame: clip.stop - 1, playing: false });
      return;
    }
    set({ frame });
    ticking = requestAnimationFrame(tick);
  };

  on("view frame playing step", (keys) => {
    const clip = state.view && state.view.clip;
    for (const control of Object.values(ref)) if ("disabled" in control) control.disabled = !clip;
    ref.play.querySelector("svg")?.remove();
    ref.play.insertAdjacentHTML("afterbegin", icons[state.playing ? "pause" : "play"]);
    ref.play.setAttribute("aria-label", state.playing ? "Pause" : "Play");
    if (!clip) return;
    if (document.activeElement !== ref.frame || keys.has("frame")) ref.frame.value = state.frame;
    ref.frame.max = clip.frames - 1;
    ref.total.textContent = `of ${clip.frames - 1}`;
    ref.time.textContent = clockText(state.frame, clip.rate);
    if (!keys.has("playing") || !state.playing || resultPlays()) return;
    clock = null;
    cancelAnimationFrame(ticking);
    ticking = requestAnimationFrame(tick);
  });
};
