// The six forms of a region on the playhead's frame. They come as one picture, which is divided
// here. One is on its way at a time, and each that comes is shown, though the playhead may be
// further on; what is there stays until then.

import { trackingMark } from "../state/jobs.js";
import { projectUrl } from "../state/project.js";
import { state } from "../state/store.js";
import { clamp } from "../state/geometry.js";
import { get, load } from "../stage/pictures.js";

/**
 * Mount the previews in `forms`; returns `draw(who)`, `who` being an object's id or null for all.
 */
export const mountFormPreviews = (forms) => {
  const canvases = [...forms.querySelectorAll("canvas")];
  let who = null;
  let asked = false;

  const show = (sheet, of) => {
    const [width, height] = [sheet.width / canvases.length, sheet.height];
    for (const canvas of canvases) {
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      const left = Number(canvas.dataset.place) * width;
      canvas.getContext("2d").drawImage(sheet, left, 0, width, height, 0, 0, width, height);
    }
    Object.assign(forms.dataset, of);
  };

  const draw = () => {
    if (state.step !== "adjust" || !state.view || asked || (state.playing && forms.dataset.frame)) return;
    const { id, region_rev: rev } = state.view;
    const ratio = Math.min(3, devicePixelRatio || 1);
    const width = clamp(Math.ceil((canvases[0].clientWidth * ratio) / 24) * 24, 48, 480);
    const query = `rev=${rev}${trackingMark()}&w=${width}${who === null ? "" : `&object_id=${who}`}`;
    const url = `${projectUrl(`forms/${state.frame}.jpg`)}?${query}`;
    const of = { frame: state.frame, rev, who: who ?? "all" };
    const sheet = get(url);
    if (sheet) {
      show(sheet, of);
      return;
    }
    asked = true;
    const take = (picture) => {
      asked = false;
      if (picture && state.view.id === id) show(picture, of);
      // what can't be had is not asked for again and again
      if (picture || state.frame !== of.frame || state.view.region_rev !== rev) draw();
    };
    load(url).then(take, () => take(null));
  };
  new ResizeObserver(draw).observe(forms);

  return (object) => {
    who = object;
    draw();
  };
};
