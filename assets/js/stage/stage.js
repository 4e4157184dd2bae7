// The stage: the frame, the masks over it, the prompts over those, all in source pixels whatever
// the scaling.

import { ask, servers } from "../state/requests.js";
import { on, set, state } from "../state/store.js";
import { projectUrl } from "../state/project.js";
import { acceptedHere } from "../state/result.js";
import { comparedTry, shownTry } from "../state/tries.js";
import { mountClickDoubt } from "./click_doubt.js";
import { mountCompare } from "./compare.js";
import {
  chase,
  fetchNext,
  frameToDraw,
  isFlying,
  notePlayhead,
  overlayToDraw,
  overlayUrl,
  want,
  whenPicturesCome,
} from "./frames.js";
import { get } from "./pictures.js";
import { drawLaidPicture } from "./laid_picture.js";
import { mountPointer } from "./pointer.js";
import { drawPrompt } from "./prompts.js";
import { layOut, place } from "./viewport.js";

const SQUARES = 5; // device pixels a source pixel: from here on pixels are shown as squares

const tryUrl = (edit) => projectUrl(`file/${edit.image}`);

export const mountStage = (ref, server) => {
  const { canvas, stage } = ref;
  const context = canvas.getContext("2d");
  let asked = false;
  let readySaid = false;

  const redraw = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
  whenPicturesCome(redraw);
  const pointer = mountPointer(ref, server, redraw);
  const doubt = mountClickDoubt(redraw);

  const measure = () => {
    const box = stage.getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    const width = Math.max(1, Math.round(box.width * ratio));
    const height = Math.max(1, Math.round(box.height * ratio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    layOut(stage);
  };

  const draw = () => {
    measure();
    const ratio = devicePixelRatio || 1;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!state.view) return;
    const { clip } = state.view;
    chase();
    const shown = frameToDraw();
    if (!shown) return;
    const scale = ratio * place.scale;
    context.setTransform(scale, 0, 0, scale, ratio * place.x, ratio * place.y);
    context.imageSmoothingQuality = isFlying() || state.playing ? "low" : "high";
    context.imageSmoothingEnabled = scale < SQUARES;
    context.drawImage(shown.bitmap, 0, 0, clip.width, clip.height);
    context.imageSmoothingEnabled = true;
    drawTries(clip, shown.frame);
    drawMasks(clip, shown.frame);
    drawLaidPicture(context);
    if (state.step === "select" && shown.frame === state.frame) drawPrompts();
    canvas.dataset.frame = String(shown.frame);
    canvas.dataset.project = shown.id;
    if (!shown.fresh) return;
    sayReady();
    const overlay = overlayUrl(state.frame);
    // what is looked at comes first
    if (!isFlying() && !state.adjusting && (!overlay || get(overlay))) fetchNext();
  };
  const sayReady = () => {
    if (readySaid) return;
    readySaid = true;
    ask(servers.video, "page_ready").catch(() => {});
  };

  // `frame` is the one that is drawn: another than the playhead's while that is still on its way.
  const drawTries = (clip, frame) => {
    const edit = frame === state.frame ? shownTry() : null;
    const after = edit ? want(tryUrl(edit)) : null;
    const other = edit && state.compareTry !== "after" && comparedTry();
    const before = other ? want(tryUrl(other)) : null;
    if (before) context.drawImage(before, 0, 0, clip.width, clip.height);
    canvas.dataset.other = before ? other.id : "";
    const accepted = frame === state.frame && acceptedHere();
    const keyframe = accepted && want(tryUrl(accepted));
    canvas.dataset.accepted = keyframe ? accepted.id : "";
    if (keyframe) context.drawImage(keyframe, 0, 0, clip.width, clip.height);
    if (!after || state.compareTry === "before") return;
    const from = state.compareTry === "wipe" ? state.wipe * clip.width : 0;
    context.save();
    context.beginPath();
    context.rect(from, 0, clip.width - from, clip.height);
    context.clip();
    context.drawImage(after, 0, 0, clip.width, clip.height);
    context.restore();
  };

  const drawMasks = (clip, frame) => {
    const atPlayhead = frame === state.frame;
    const overlay = state.laying || (atPlayhead && shownTry()) ? null : overlayToDraw(frame);
    const preview = atPlayhead ? pointer.preview() : null;
    const picture = preview || (overlay && overlay.bitmap);
    if (picture) {
      context.imageSmoothingEnabled = picture.width < clip.width;
      context.drawImage(picture, 0, 0, clip.width, clip.height);
      context.imageSmoothingEnabled = true;
    }
    const unsure = atPlayhead && !preview && state.showMasks ? doubt() : null;
    if (unsure) context.drawImage(unsure, 0, 0, clip.width, clip.height);
    canvas.dataset.unsure = String(Boolean(unsure));
    canvas.dataset.hovered = String(Boolean(preview));
    canvas.dataset.overlay = overlay ? overlay.url : "";
  };

  const drawPrompts = () => {
    for (const object of state.view.objects) {
      if (object.hidden) continue;
      const look = { colour: object.colour, alpha: object.id === state.object ? 1 : 0.55 };
      for (const prompt of object.prompts) {
        if (prompt.frame === state.frame) drawPrompt(context, place.scale, prompt, look);
      }
    }
    for (const prompt of state.pending) {
      if (prompt.frame === state.frame) drawPrompt(context, place.scale, prompt, { alpha: 0.9, pending: true });
    }
    pointer.draw(context);
  };

  new ResizeObserver(redraw).observe(stage);
  const keys = "view step frame object pending showMasks compareTry wipe tryId againstId playing viewport tool brush";
  on(`${keys} cursor forObject laying dark adjusting`, () => {
    notePlayhead();
    ref.empty.hidden = Boolean(state.view);
    stage.dataset.step = state.step;
    stage.dataset.tool = state.tool;
    const bare = state.step === "video" || state.step === "propagate";
    const maskless = bare || Boolean(shownTry() || state.laying);
    ref.masks.hidden = !state.view || maskless;
    ref.masks.setAttribute("aria-pressed", String(state.showMasks));
    redraw();
  });
  ref.masks.addEventListener("click", () => set({ showMasks: !state.showMasks }));
  mountCompare(ref);
};
