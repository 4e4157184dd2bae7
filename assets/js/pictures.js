"use strict";
// Frames and overlays as bitmaps: fetched once, kept within a budget of pixels, the frames ahead fetched before they are needed.
(() => {
  const BUDGET = 80e6; // pixels kept, about 320 MB
  const AT_ONCE = 3;
  const kept = new Map();
  const running = new Map();
  let waiting = [];
  let total = 0;

  const keep = (url, bitmap) => {
    kept.set(url, bitmap);
    total += bitmap.width * bitmap.height;
    for (const [old, picture] of kept) {
      if (total <= BUDGET || old === url) break;
      kept.delete(old);
      total -= picture.width * picture.height;
      picture.close();
    }
  };

  const get = (url) => {
    const bitmap = kept.get(url);
    if (bitmap) { kept.delete(url); kept.set(url, bitmap); }
    return bitmap || null;
  };

  // Why frames don't come is said once: the video may have been moved, or its disk be gone.
  const said = new Set();
  const refuse = async (url, answer) => {
    const why = await answer.text();
    if (!said.has(why) && (answer.status >= 500 || /\/(frame|source)\/\d/.test(url))) studio.toast(why, "error", { about: "clip", report: answer.headers.get("X-Vivid-Report") });
    said.add(why);
    throw new Error(why);
  };

  // What is `passing` may be given up on the way, see below.
  const load = (url, passing = false) => {
    const there = get(url);
    if (there) return Promise.resolve(there);
    const under = running.get(url);
    if (under) { under.passing &&= passing; return under.work; }
    const stop = new AbortController();
    const mine = { stop, passing };
    mine.work = fetch(url, { signal: stop.signal }).then(async (answer) => {
      if (!answer.ok) return refuse(url, answer);
      const bitmap = await createImageBitmap(await answer.blob());
      if (running.get(url) !== mine) { bitmap.close(); throw new Error("given up"); }
      keep(url, bitmap);
      return bitmap;
    }).finally(() => { if (running.get(url) === mine) running.delete(url); pump(); });
    running.set(url, mine);
    return mine.work;
  };

  // The program decodes one frame after the other: what nobody waits for any more, on the way to it or ahead of it, would come first.
  const giveUp = (wanted) => {
    waiting = [];
    for (const [url, { passing, stop }] of running) if (passing && !wanted.includes(url)) { running.delete(url); stop.abort(); }
  };

  const pump = () => {
    while (running.size < AT_ONCE && waiting.length) {
      const url = waiting.shift();
      if (!kept.has(url) && !running.has(url)) load(url, true).catch(() => {});
    }
  };

  // What was wanted before and has not started is forgotten: only what is ahead of the playhead now counts.
  const prefetch = (urls) => { waiting = urls.filter((url) => !kept.has(url)); pump(); };

  studio.pictures = { get, load, prefetch, giveUp };
})();
