// Which frame and overlay the stage asks for, how sharp, and what stands in for them until they
// come.

import { activeJob, trackingMark } from "../state/jobs.js";
import { showMessage } from "../state/messages.js";
import { frameToShow } from "../state/playback.js";
import { projectUrl } from "../state/project.js";
import { unfinishedResult } from "../state/result.js";
import { state } from "../state/store.js";
import { shownTry } from "../state/tries.js";
import { get, giveUp, load, prefetch } from "./pictures.js";
import { place } from "./viewport.js";

const WIDTHS = [480, 640, 960, 1280, 1920, 2560, 3840];
const DRAFT = 960; // pixels: the width of frames that fly by; the one that stays comes sharp
const PLAYED = 1280;
const REST = 60; // milliseconds after which the playhead rests: only that frame is asked for then
const STILL = 180; // after which it counts as looked at
const COARSE = 12; // frames passed by one move: from here on a frame near the pointer will do
const ON_THE_WAY = 2;
const NEXT = { playing: 24, still: 8 }; // frames that are fetched before they are needed

let redraw = () => {}; // what to call when a picture comes
let direction = 1;
let lastFrame = 0;
let moved = -Infinity; // when the frame changed last
let flying = false; // frames change faster than anyone looks at one
let stride = 0; // frames that were passed by the last move
let rest = 0;
let still = 0;
let entries = []; // frames that come at once; any other is decoded from the one of these before it
let entriesOf = null;
let last = null; // the frame drawn last, kept until the next one is here: { id, frame, url }
let lastOverlay = null; // { frame, path, kind, url }

/** Call `react` whenever a picture that was asked for is here. */
export const whenPicturesCome = (react) => {
  redraw = react;
};

export const isFlying = () => flying;

// Addresses

const width = () => {
  const { clip } = state.view;
  const most = state.playing ? PLAYED : flying ? DRAFT : Infinity;
  const need = Math.min(most, clip.width * (place ? place.scale : 1) * devicePixelRatio);
  const enough = WIDTHS.find((one) => one >= need);
  return enough && enough < clip.width ? `w=${enough}` : "";
};

const frameUrl = (frame) => {
  const running = unfinishedResult(); // a result that is being made: what there is of it
  const base = running ? running.query : state.view.base ? `base=${state.view.base}` : "";
  const whole = state.view.clip.deinterlaced ? "whole=1" : ""; // another picture under another address
  const query = [width(), base, whole].filter(Boolean).join("&");
  return `${projectUrl(running ? running.path(frame) : `frame/${frame}.jpg`)}${query ? `?${query}` : ""}`;
};

const overlayKind = () => (state.step === "adjust" || state.step === "keyframe" ? "region" : "objects");

/** Address of the masks over a frame; null where none are shown. */
export const overlayUrl = (frame) => {
  const { view } = state;
  if (!state.showMasks || !view.objects.some((object) => object.marked)) return null;
  if (state.step === "video" || state.step === "propagate") return null;
  const kind = overlayKind();
  const revision = `${kind === "region" ? view.region_rev : view.masks_rev}${trackingMark()}`;
  const only = state.step === "keyframe" && state.forObject !== null ? `&only=${state.forObject}` : "";
  return `${projectUrl(`overlay/${frame}.png`)}?kind=${kind}&rev=${revision}${only}${width() ? `&${width()}` : ""}`;
};

const pathOf = (url) => url.split("?")[0];

/** A picture if it is here; else it is fetched, and null. */
export const want = (url) => {
  const bitmap = get(url);
  if (!bitmap) load(url).then(redraw, () => {});
  return bitmap;
};

// Whether frames are here

/** Whether a frame can be shown with its masks at once. */
export const frameReady = (frame) => {
  const overlay = overlayAhead(frame);
  return Boolean(get(frameUrl(frame)) && (!overlay || get(overlay)));
};

// masks change while a job works on them: those of other frames are not asked for then
const overlayAhead = (frame) => (state.step === "select" && activeJob() ? null : overlayUrl(frame));

/**
 * Whether the playhead's frame is seen: a click while another stands in for it would be meant for
 * that one.
 */
export const frameInSight = () => {
  const here = get(frameUrl(state.frame)) || (last && last.id === state.view.id && last.frame === state.frame);
  if (!here) showMessage(`Frame ${state.frame} is still on its way: mark it when it is here.`, "info", { stays: true });
  return Boolean(here);
};

/**
 * The frame to draw: { id, frame, bitmap, fresh }, `fresh` if it is the playhead's; null when there
 * is none.
 */
export const frameToDraw = () => {
  const url = frameUrl(state.frame);
  const fresh = Boolean(get(url));
  if (fresh) last = { id: state.view.id, frame: state.frame, url };
  if (!last || last.id !== state.view.id) return null;
  const bitmap = get(last.url);
  return bitmap ? { id: last.id, frame: last.frame, bitmap, fresh } : null;
};

/**
 * The masks to draw over a frame: { bitmap, url }; the ones before stay until new ones are here.
 * Null: none.
 */
export const overlayToDraw = (frame) => {
  const url = overlayUrl(frame);
  if (!url) return null;
  const bitmap = get(url);
  if (bitmap) lastOverlay = { frame, path: pathOf(url), kind: overlayKind(), url };
  const same = lastOverlay && lastOverlay.frame === frame && lastOverlay.path === pathOf(url);
  if (!same || lastOverlay.kind !== overlayKind()) return null;
  const shown = bitmap || get(lastOverlay.url);
  return shown && { bitmap: shown, url: lastOverlay.url };
};

// Fetching. Who drags the playhead passes frames faster than they come: two are on the way at any
// time, those that were passed meanwhile are never asked for, and each that arrives is shown
// although the playhead is further on, unless a nearer one is there already.

const coming = new Map();

const remember = (frame, url, overlay) => {
  last = { id: state.view.id, frame, url };
  if (overlay && get(overlay)) lastOverlay = { frame, path: pathOf(overlay), kind: overlayKind(), url: overlay };
};

/** Ask for what the stage should show now. */
export const chase = () => {
  const { id, clip } = state.view;
  const coarse = flying && stride >= COARSE;
  const frame = coarse ? frameToShow(entries, state.frame, stride, clip.frames) : state.frame;
  const [url, overlay] = [frameUrl(frame), shownTry() ? null : overlayUrl(frame)];
  if (get(url) && (!overlay || get(overlay))) {
    if (frame !== state.frame) remember(frame, url, overlay);
    return;
  }
  const key = `${url} ${overlay}`;
  // entry points overtake the others
  const most = frame === state.frame ? ON_THE_WAY : 2 * ON_THE_WAY;
  if (coming.has(key) || coming.size >= most) return;
  coming.set(key, frame);
  const parts = [load(url, true), ...(overlay ? [load(overlay, true)] : [])];
  Promise.allSettled(parts).then((answers) => {
    coming.delete(key);
    const nearer = !last || last.id !== id || Math.abs(frame - state.frame) <= Math.abs(last.frame - state.frame);
    if (get(url) && state.view && state.view.id === id && nearer) remember(frame, url, overlay);
    // what can't be had is not asked for again and again
    if (state.frame !== frame || answers.every((answer) => answer.status === "fulfilled")) redraw();
  });
};

/** Fetch the frames that come next. */
export const fetchNext = () => {
  const urls = [];
  const { frames } = state.view.clip;
  const reach = state.playing ? NEXT.playing : NEXT.still;
  for (let i = 1; i <= reach; i++) {
    const frame = state.frame + direction * i;
    if (frame < 0 || frame >= frames) break;
    urls.push(frameUrl(frame));
    const overlay = overlayAhead(frame);
    if (overlay) urls.push(overlay);
  }
  prefetch(urls);
};

/** Note that the playhead moved, if it did, and how fast. */
export const notePlayhead = () => {
  if (state.view && state.view.id !== entriesOf) loadEntries();
  if (state.frame === lastFrame) return;
  stride = Math.abs(state.frame - lastFrame);
  direction = state.frame > lastFrame ? 1 : -1;
  lastFrame = state.frame;
  const now = performance.now();
  flying = now - moved < STILL && !state.playing;
  moved = now;
  clearTimeout(rest);
  clearTimeout(still);
  if (!flying && stride >= COARSE) arrive();
  if (!flying) return;
  prefetch([]); // what comes after the frame where it rested
  rest = setTimeout(arrive, REST);
  still = setTimeout(() => {
    flying = false;
    redraw();
  }, STILL);
};

const arrive = () => {
  stride = 0;
  giveUp([frameUrl(state.frame), overlayUrl(state.frame)]);
  redraw();
};

const loadEntries = async () => {
  const { id } = state.view;
  entriesOf = id;
  entries = [];
  const answer = await fetch(projectUrl("entries.json")).catch(() => null);
  if (answer && answer.ok && entriesOf === id) entries = await answer.json();
};
