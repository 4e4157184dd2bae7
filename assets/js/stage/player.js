// Before and after as two videos that run as one. The result leads; the other follows it within
// half a frame. Frames are found by the clip's own time stamps where its rate varies, so that the
// frame that is shown is the frame that is said.

import { clamp } from "../state/geometry.js";
import { showMessage } from "../state/messages.js";
import { frameAtTime, middleTime, timeOf } from "../state/playback.js";
import { projectUrl } from "../state/project.js";
import { compareMode, playedResult, resultPlays } from "../state/result.js";
import { on, set, state } from "../state/store.js";
import { rootFontSize } from "../widgets/dom.js";
import { place } from "./viewport.js";

export const mountPlayer = (ref) => {
  const { player, source, result, still, before, after, mask, loop, maskBefore, maskAfter, caption } = ref;
  let loaded = "";
  let playable = true; // this browser can decode the source
  let stamps = null; // seconds of every frame of the clip; null while its rate is constant
  let stampsOf = "";

  const shown = () => playedResult();
  const first = () => shown().span[0];
  const last = () => shown().span[1] - 1;
  const frameShown = () => clamp(state.frame, first(), last());

  // Time

  const rate = () => state.view.clip.rate;
  const middle = (frame) => middleTime(frame, rate(), stamps);
  const offset = () => timeOf(first(), rate(), stamps); // of the result's beginning in the source
  const frameAt = (time) => frameAtTime(time, first(), last(), rate(), stamps);
  const readStamps = async () => {
    const { id, clip } = state.view;
    if (stampsOf === id) return;
    stampsOf = id;
    stamps = null;
    if (!clip.variable) return;
    const answer = await fetch(projectUrl("times.json")).catch(() => null);
    if (!answer || !answer.ok || stampsOf !== id) return;
    stamps = await answer.json();
    if (resultPlays()) seek();
  };

  // Pictures

  const load = () => {
    const key = `${state.view.id}/${shown().id}`;
    if (key === loaded) return;
    loaded = key;
    // with accepted edits below, or deinterlaced, what was before is not the source
    playable = !shown().base && !state.view.clip.deinterlaced;
    still.hidden = playable;
    source.hidden = !playable;
    if (playable) source.src = projectUrl("source");
    else source.removeAttribute("src");
    result.src = projectUrl(`result/${shown().id}.mp4`);
  };
  const mark = () => (state.view.clip.deinterlaced ? "?whole=1" : "");
  const stillUrl = (frame) => projectUrl(`${shown().base ? `below/${shown().id}` : "source"}/${frame}.jpg${mark()}`);
  const drawMask = () => {
    for (const picture of [maskBefore, maskAfter]) {
      picture.hidden = !state.showRegion;
      if (state.showRegion) picture.src = projectUrl(`region/${shown().id}/${frameShown()}.png`);
    }
  };
  // a source that this browser can't decode (10 bit, an odd codec): its frames one by one instead
  source.addEventListener("error", () => {
    if (!source.getAttribute("src")) return;
    playable = false;
    source.hidden = true;
    still.hidden = false;
    if (resultPlays()) seek();
  });
  result.addEventListener("error", () => {
    if (!resultPlays() || !result.src) return;
    const words = "The result can't be played in this browser; it can still be downloaded.";
    showMessage(words, "error", { about: "player" });
  });

  const seek = () => {
    const frame = frameShown();
    if (result.readyState && result.paused) result.currentTime = middle(frame) - offset();
    if (playable && source.readyState && result.paused) source.currentTime = middle(frame);
    if (!playable) still.src = stillUrl(frame);
    drawMask();
  };
  for (const video of [source, result]) {
    video.addEventListener("loadeddata", () => {
      if (!resultPlays()) return;
      seek();
      if (video === result && state.playing) play(); // the final takes the draft's place
    });
  }

  // Playing. The browser says which frame it presents; where it doesn't, the clock has to do.
  const follow = (_, presented) => {
    if (result.paused || !resultPlays()) return;
    const frame = frameAt(presented ? presented.mediaTime : result.currentTime);
    if (frame !== state.frame) set({ frame });
    if (playable) {
      const wanted = result.currentTime + offset();
      const late = Math.abs(source.currentTime - wanted) > 0.5 / rate();
      if (late && !source.seeking) source.currentTime = wanted;
    } else still.src = stillUrl(frame);
    drawMask();
    next();
  };
  const next = () => {
    if (result.requestVideoFrameCallback) result.requestVideoFrameCallback(follow);
    else requestAnimationFrame((now) => follow(now, null));
  };
  const play = () => {
    if (frameAt(result.currentTime) >= last()) result.currentTime = 0;
    if (playable) {
      source.currentTime = result.currentTime + offset();
      source.play().catch(() => {});
    }
    result.play().then(next, () => set({ playing: false }));
  };
  const pause = () => {
    result.pause();
    source.pause();
  };
  result.addEventListener("ended", () => {
    if (!state.loop) {
      set({ playing: false, frame: last() });
      return;
    }
    result.currentTime = 0;
    play();
  });

  // Buttons and keys

  const toggleLoop = () => set({ loop: !state.loop });
  const toggleRegion = () => set({ showRegion: !state.showRegion });
  loop.addEventListener("click", toggleLoop);
  mask.addEventListener("click", toggleRegion);
  window.addEventListener("keydown", (event) => {
    if (!resultPlays() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, dialog")) return;
    if (event.key === "l") toggleLoop();
    if (event.key === "m") toggleRegion();
  });

  // Where the two lie

  // half of the stage, in the shape of the video
  const half = () => {
    const { width, height } = state.view.clip;
    const rem = rootFontSize();
    const room = { width: (player.clientWidth - 2.8 * rem) / 2, height: player.clientHeight - 4.4 * rem };
    const scale = Math.min(room.width / width, room.height / height);
    return { left: "", top: "", width: `${width * scale}px`, height: `${height * scale}px` };
  };
  const whole = () => {
    const { width, height } = state.view.clip;
    const size = { width: `${width * place.scale}px`, height: `${height * place.scale}px` };
    return { left: `${place.x}px`, top: `${place.y}px`, ...size };
  };
  const layout = () => {
    if (!resultPlays()) return;
    const mode = compareMode();
    player.dataset.mode = mode;
    if (!place) return;
    const box = mode === "side" ? half() : whole();
    for (const pane of [before, after]) Object.assign(pane.style, box);
    after.style.clipPath = mode === "wipe" ? `inset(0 0 0 ${state.wipe * 100}%)` : "";
  };

  on("view step compareResult wipe frame playing loop showRegion", (keys) => {
    player.hidden = !resultPlays();
    if (player.hidden) {
      pause();
      return;
    }
    readStamps();
    load();
    caption.textContent = shown().draft ? "Draft" : "Result";
    loop.setAttribute("aria-pressed", String(state.loop));
    mask.setAttribute("aria-pressed", String(state.showRegion));
    if (!keys.has("playing")) {
      if (result.paused) seek();
    } else if (state.playing) play();
    else {
      pause();
      seek();
    }
    requestAnimationFrame(layout);
  });
  const resized = new ResizeObserver(() => {
    if (resultPlays()) requestAnimationFrame(layout);
  });
  resized.observe(player.parentElement);
};
