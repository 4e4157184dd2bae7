// Frames and overlays as bitmaps: fetched once, kept within a budget of pixels, the next ones
// fetched before they are needed.

import { showMessage } from "../state/messages.js";

const BUDGET = 80e6; // pixels kept, about 320 MB
const AT_ONCE = 3;

const kept = new Map(); // the one that was used last comes last
const running = new Map();
let waiting = [];
let heldPixels = 0;

const keepPicture = (url, bitmap) => {
  kept.set(url, bitmap);
  heldPixels += bitmap.width * bitmap.height;
  for (const [old, picture] of kept) {
    if (heldPixels <= BUDGET || old === url) break;
    kept.delete(old);
    heldPixels -= picture.width * picture.height;
    picture.close();
  }
};

/** The picture if it is here, else null. */
export const get = (url) => {
  const bitmap = kept.get(url);
  if (!bitmap) return null;
  kept.delete(url);
  kept.set(url, bitmap);
  return bitmap;
};

// Why frames don't come is said once: the video may have been moved, or its disk be gone.
const said = new Set();
const refuse = async (url, answer) => {
  const why = await answer.text();
  const matters = answer.status >= 500 || /\/(frame|source)\/\d/.test(url);
  if (matters && !said.has(why)) {
    showMessage(why, "error", { about: "clip", report: answer.headers.get("X-Vivid-Report") });
  }
  said.add(why);
  throw new Error(why);
};

const fetchPicture = async (url, mine) => {
  const answer = await fetch(url, { signal: mine.stop.signal });
  if (!answer.ok) return refuse(url, answer);
  const bitmap = await createImageBitmap(await answer.blob());
  if (running.get(url) !== mine) {
    bitmap.close();
    throw new Error("given up");
  }
  keepPicture(url, bitmap);
  return bitmap;
};

/**
 * The picture, fetched unless it is here. One that is `passing` may be given up on the way, see
 * `giveUp`.
 */
export const load = (url, passing = false) => {
  const bitmap = get(url);
  if (bitmap) return Promise.resolve(bitmap);
  const under = running.get(url);
  if (under) {
    under.passing &&= passing;
    return under.task;
  }
  const mine = { stop: new AbortController(), passing };
  mine.task = fetchPicture(url, mine).finally(() => {
    if (running.get(url) === mine) running.delete(url);
    pump();
  });
  running.set(url, mine);
  return mine.task;
};

/**
 * Give up passing pictures but those that are `wanted`. The program decodes one frame after the
 * other: what nobody waits for any more would come first.
 */
export const giveUp = (wanted) => {
  waiting = [];
  for (const [url, { passing, stop }] of running) {
    if (!passing || wanted.includes(url)) continue;
    running.delete(url);
    stop.abort();
  }
};

const pump = () => {
  while (running.size < AT_ONCE && waiting.length) {
    const url = waiting.shift();
    if (!kept.has(url) && !running.has(url)) load(url, true).catch(() => {});
  }
};

/** Fetch pictures when there is time. What was wanted before and has not started is forgotten. */
export const prefetch = (urls) => {
  waiting = urls.filter((url) => !kept.has(url));
  pump();
};
