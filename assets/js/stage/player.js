// Before and after, or several results, as videos that run as one. The chosen result leads; the
// others follow it within half a frame. Frames are found by the clip's own time stamps where its
// rate varies, so that the frame that is shown is the frame that is said.

import { capital } from "../state/format.js";
import { clamp } from "../state/geometry.js";
import { showMessage } from "../state/messages.js";
import { frameAtTime, middleTime, timeOf } from "../state/playback.js";
import { projectUrl } from "../state/project.js";
import { besideResults, compareMode, playedResult, resultPlays } from "../state/result.js";
import { on, set, state } from "../state/store.js";
import { make, rootFontSize } from "../widgets/dom.js";
import { place } from "./viewport.js";

export const mountPlayer = (ref) => {
  const {
    player,
    source,
    result,
    still,
    before,
    after,
    mask,
    mixed,
    loop,
    maskBefore,
    maskAfter,
    caption,
    captionBefore,
  } = ref;
  let more = []; // panes of a second and a third result beside the chosen one: { id, pane, video, mask }
  let loaded = "";
  let playable = true; // this browser can decode the source
  let stamps = null; // seconds of every frame of the clip; null while its rate is constant
  let stampsOf = "";

  const shown = () => playedResult();
  const first = () => shown().span[0];
  const last = () => shown().span[1] - 1;
  const beside = () => besideResults();
  const followers = () => [...(playable ? [source] : []), ...more.map(({ video }) => video)];
  const frameShown = () => clamp(state.frame, first(), last());

  // Time

  const rate = () => state.view.clip.rate;
  const middle = (frame) => middleTime(frame, rate(), stamps);
  const start = () => timeOf(first(), rate(), stamps); // of the result's beginning in the source
  const offset = (video) => (video === source && !beside().length ? start() : 0);
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

  const resultUrl = ({ id }) => projectUrl(`result/${id}.mp4`);
  const load = () => {
    const [other, ...others] = beside();
    const key = [state.view.id, shown().id, ...beside().map(({ id }) => id)].join("/");
    if (key === loaded) return;
    loaded = key;
    // with accepted edits below, or deinterlaced, what was before is not the source
    playable = Boolean(other) || (!shown().base && !state.view.clip.deinterlaced);
    still.hidden = playable;
    source.hidden = !playable;
    if (playable) source.src = other ? resultUrl(other) : projectUrl("source");
    else source.removeAttribute("src");
    const leading = new URL(resultUrl(shown()), location.href).href;
    if (result.src !== leading) result.src = leading;
    for (const { pane } of more) pane.remove();
    more = others.map(addPane);
  };
  const addPane = (one) => {
    const video = make("video", { playsinline: true, preload: "auto", "aria-label": capital(one.title) });
    video.muted = true; // the attribute counts for markup only
    const overlay = make("img", { class: "vs-player-mask", alt: "", hidden: true });
    const words = make("figcaption", {}, capital(one.title));
    const pane = make("figure", { class: "vs-player-pane vs-player-more" }, video, overlay, words);
    whenLoaded(video);
    video.src = resultUrl(one);
    after.after(pane);
    return { id: one.id, pane, video, mask: overlay };
  };
  const mark = () => (state.view.clip.deinterlaced ? "?whole=1" : "");
  const stillUrl = (frame) => projectUrl(`${shown().base ? `below/${shown().id}` : "source"}/${frame}.jpg${mark()}`);
  // what another opacity or blend would make of the frame
  const drawMixed = () => {
    mixed.hidden = !state.mixing || state.playing || state.view.result.id !== shown().id;
    if (mixed.hidden) return;
    const { opacity, blend } = state.mixing;
    mixed.src = projectUrl(`result/${shown().id}/${frameShown()}.jpg?opacity=${opacity}&blend=${blend}`);
  };
  const drawMask = () => {
    const [other] = beside();
    const pictures = [
      [maskBefore, (other || shown()).id],
      [maskAfter, shown().id],
      ...more.map((one) => [one.mask, one.id]),
    ];
    for (const [picture, id] of pictures) {
      picture.hidden = !state.showRegion;
      if (state.showRegion) picture.src = projectUrl(`region/${id}/${frameShown()}.png`);
    }
  };
  // a source that this browser can't decode (10 bit, an odd codec): its frames one by one instead
  source.addEventListener("error", () => {
    if (!source.getAttribute("src") || beside().length) return;
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
    const time = middle(frame) - start();
    if (result.paused) {
      for (const video of [result, ...followers()]) if (video.readyState) video.currentTime = time + offset(video);
    }
    if (!playable) still.src = stillUrl(frame);
    drawMask();
  };
  const whenLoaded = (video) =>
    video.addEventListener("loadeddata", () => {
      if (!resultPlays()) return;
      seek();
      if (video === result && state.playing)
        play(); // the final takes the draft's place
      else if (!result.paused) video.play().catch(() => {}); // chosen while the others run
    });
  for (const video of [source, result]) whenLoaded(video);

  // Playing. The browser says which frame it presents; where it doesn't, the clock has to do.
  const follow = (_, presented) => {
    if (result.paused || !resultPlays()) return;
    const frame = frameAt(presented ? presented.mediaTime : result.currentTime);
    if (frame !== state.frame) set({ frame });
    for (const video of followers()) {
      const wanted = result.currentTime + offset(video);
      const late = Math.abs(video.currentTime - wanted) > 0.5 / rate();
      if (late && !video.seeking) video.currentTime = wanted;
    }
    if (!playable) still.src = stillUrl(frame);
    drawMask();
    next();
  };
  const next = () => {
    if (result.requestVideoFrameCallback) result.requestVideoFrameCallback(follow);
    else requestAnimationFrame((now) => follow(now, null));
  };
  const play = () => {
    if (frameAt(result.currentTime) >= last()) result.currentTime = 0;
    for (const video of followers()) {
      video.currentTime = result.currentTime + offset(video);
      video.play().catch(() => {});
    }
    result.play().then(next, () => set({ playing: false }));
  };
  const pause = () => {
    for (const video of [result, source, ...more.map((one) => one.video)]) video.pause();
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

  // a half of the stage, or a quarter, in the shape of the video
  const share = () => {
    const { width, height } = state.view.clip;
    const rem = rootFontSize();
    const free = player.clientHeight - 4.4 * rem;
    const room = { width: (player.clientWidth - 2.8 * rem) / 2, height: more.length ? (free - 0.8 * rem) / 2 : free };
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
    const box = mode === "side" ? share() : whole();
    for (const pane of [before, after, ...more.map((one) => one.pane)]) Object.assign(pane.style, box);
    after.style.clipPath = mode === "wipe" ? `inset(0 0 0 ${state.wipe * 100}%)` : "";
  };

  on("view step frame playing mixing", () => {
    if (resultPlays()) drawMixed();
  });
  on("view step compareResult besideIds wipe frame playing loop showRegion", (keys) => {
    player.hidden = !resultPlays();
    if (player.hidden) {
      pause();
      return;
    }
    readStamps();
    load();
    const [other] = beside();
    captionBefore.textContent = other ? capital(other.title) : "Before";
    caption.textContent = other ? capital(shown().title) : shown().draft ? "Quick look" : "Result";
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
