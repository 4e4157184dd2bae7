// Before and after: the choice at the top of the stage, and the divider of the wipe.

import { capital } from "../state/format.js";
import { clamp, middleOfRegion } from "../state/geometry.js";
import { projectUrl } from "../state/project.js";
import { besideResults, compared, compareMode, playedResult } from "../state/result.js";
import { on, set, state } from "../state/store.js";
import { comparedTry, shownTry, tryTitle } from "../state/tries.js";
import { make, rootFontSize } from "../widgets/dom.js";
import { load } from "./pictures.js";
import { place } from "./viewport.js";

const WIPE = ["wipe", "Wipe", "Drag the divider over the picture, or move it with the arrow keys"];
const CHOICES = {
  keyframe: [["before", "Before", "The frame as it is"], WIPE, ["after", "After", "The frame as this try shows it"]],
  pair: [["before", "Other", "The try that this one is compared with"], WIPE, ["after", "Chosen", "The chosen try"]],
  result: [
    ["before", "Before", "The clip before this edit"],
    WIPE,
    ["side", "Side by side", "Before and result beside each other"],
    ["after", "Result", "The edited clip"],
  ],
};
CHOICES.results = [
  ["before", "Other", "The result that this one is compared with"],
  WIPE,
  ["side", "Side by side", "Both results beside each other"],
  ["after", "Chosen", "The chosen result"],
];
CHOICES.several = [
  ["side", "Side by side", "All results that are ticked, and the chosen one"],
  ["after", "Chosen", "The chosen result"],
];
const WIPE_KEYS = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 };

// The middle of the region of a frame, 0 to 1 across; null where there is none.
const regionMiddle = async (frame) => {
  const { objects } = shownTry() || { objects: [] };
  const only = objects.length === 1 ? `&only=${objects[0]}` : "";
  const query = `kind=region&rev=${state.view.region_rev}${only}&w=240`;
  const overlay = await load(`${projectUrl(`overlay/${frame}.png`)}?${query}`);
  const { width, height } = overlay;
  const context = make("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
  context.drawImage(overlay, 0, 0);
  return middleOfRegion(context.getImageData(0, 0, width, height).data, width);
};

const OF_RESULTS = ["result", "results", "several"];

const tagWords = (what) => {
  if (what === "results") return [besideResults()[0], playedResult()].map(({ title }) => capital(title));
  if (what === "pair") return [tryTitle(comparedTry()), tryTitle(shownTry())];
  return what === "keyframe" ? ["Frame", "Try"] : ["Before", "After"];
};

const PHONE = "(max-width: 36rem) and (max-aspect-ratio: 1/1)"; // as in phone.css

export const mountCompare = ({ compare, wipe, stage }) => {
  if (matchMedia(PHONE).matches) set({ compareResult: "wipe" }); // beside each other both would be small
  const tags = [...wipe.querySelectorAll(".vs-wipe-tag")];
  let shown = null;
  let centred = "";

  const choice = (what, [value, name, title]) => {
    const choose = () => set({ [OF_RESULTS.includes(what) ? "compareResult" : "compareTry"]: value });
    const input = make("input", { type: "radio", name: "vs-compare", value, onchange: choose });
    return make("label", { title }, input, make("span", {}, name));
  };
  const drawChoices = () => {
    const what = compared();
    compare.hidden = !what;
    if (!what) return;
    if (what !== shown) {
      shown = what;
      compare.replaceChildren(...CHOICES[what].map((one) => choice(what, one)));
    }
    for (const input of compare.querySelectorAll("input")) input.checked = input.value === compareMode();
  };

  const drawWipe = () => {
    const what = compared();
    wipe.hidden = !what || compareMode() !== "wipe";
    if (wipe.hidden || !place) return;
    const { x, y, scale } = place;
    const { width, height } = state.view.clip;
    const left = x + state.wipe * width * scale;
    Object.assign(wipe.style, { left: `${left}px`, top: `${y}px`, height: `${height * scale}px` });
    const words = tagWords(what);
    const rooms = [left, stage.clientWidth - left];
    tags.forEach((tag, i) => {
      tag.textContent = words[i];
      // half a word is none
      tag.style.visibility = tag.offsetWidth + 0.6 * rootFontSize() > rooms[i] ? "hidden" : "";
    });
    wipe.setAttribute("aria-valuenow", String(Math.round(state.wipe * 100)));
  };

  const move = (clientX) => {
    const { left } = stage.getBoundingClientRect();
    set({ wipe: clamp((clientX - left - place.x) / (state.view.clip.width * place.scale), 0, 1) });
  };
  wipe.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    wipe.focus();
    wipe.setPointerCapture(event.pointerId);
  });
  wipe.addEventListener("pointermove", (event) => {
    if (wipe.hasPointerCapture(event.pointerId)) move(event.clientX);
  });
  wipe.addEventListener("keydown", (event) => {
    const by = WIPE_KEYS[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    set({ wipe: clamp(state.wipe + by, 0, 1) });
  });
  new ResizeObserver(() => requestAnimationFrame(drawWipe)).observe(stage);
  on("view step frame tryId againstId compareTry compareResult besideIds wipe viewport", () => {
    drawChoices();
    requestAnimationFrame(drawWipe);
  });

  // The divider starts where there is something to compare.
  on("view step tryId frame", () => {
    const what = compared();
    const key = what && (OF_RESULTS.includes(what) ? playedResult().id : state.tryId);
    if (!key || key === centred) return;
    centred = key;
    const take = (middle) => {
      if (middle !== null && key === centred) set({ wipe: middle });
    };
    regionMiddle(state.frame).then(take, () => {});
  });
};
