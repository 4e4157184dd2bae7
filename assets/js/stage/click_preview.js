// The mask that a click would give, shown before it is made. One question is out at a time; the
// newest place is asked next.

import { isInside, promptPoint, toSource } from "../state/geometry.js";
import { projectUrl } from "../state/project.js";
import { isClick } from "../state/selection.js";
import { on, state } from "../state/store.js";
import { place } from "./viewport.js";

const addressAt = (spot) => {
  if (!spot || !state.view || state.step !== "select" || !isClick(state.tool) || !place || state.playing) return null;
  const { clip } = state.view;
  const at = toSource(place, spot);
  if (!isInside(clip, at)) return null;
  const { x, y } = promptPoint(clip, at);
  const query = new URLSearchParams({ x, y, positive: String(spot.positive) });
  if (state.object !== null) query.set("object_id", String(state.object));
  query.set("w", String(Math.round(clip.width * Math.min(1, place.scale * devicePixelRatio))));
  return `${projectUrl(`preview/${state.frame}.png`)}?${query}`;
};

/**
 * `spot()` is where a click would be made, { x, y, positive } in CSS pixels of the stage, or
 * something false.
 */
export const clickPreview = (spot, redraw) => {
  let shown = null; // { key, bitmap, frame }
  let asking = null; // the preview that is under way: { key, stop }

  const forget = () => {
    if (asking) {
      asking.stop.abort();
      asking = null;
    }
    if (!shown) return;
    shown.bitmap.close();
    shown = null;
    redraw();
  };

  const take = (mine, bitmap) => {
    if (asking !== mine) {
      if (bitmap) bitmap.close();
      return;
    }
    if (shown) shown.bitmap.close();
    shown = bitmap ? { key: mine.key, bitmap, frame: state.frame } : null;
    redraw();
  };

  const ask = async () => {
    const key = addressAt(spot());
    if (!key) {
      forget();
      return;
    }
    if (asking || (shown && shown.key === key)) return;
    const mine = { key, stop: new AbortController() };
    asking = mine;
    try {
      const answer = await fetch(key, { signal: mine.stop.signal });
      take(mine, answer.ok ? await createImageBitmap(await answer.blob()) : null);
    } catch {
      // stopped, or the program is gone: the next click says so
    }
    if (asking !== mine) return;
    asking = null;
    if (addressAt(spot()) !== key) ask();
  };

  on("frame object step tool view", () => {
    if (!shown && !asking) return;
    forget();
    ask();
  });

  return { ask, forget, bitmap: () => (shown && shown.frame === state.frame ? shown.bitmap : null) };
};
