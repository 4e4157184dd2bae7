// The sheet that lists keys, mouse and fingers.

import { register } from "../state/commands.js";
import { make, studioElement } from "./dom.js";

const FINGERS = "With fingers";
// in an order that fills three columns evenly
const SHEET = {
  "Going about": [
    ["1 to 5", "go to a step"],
    ["Space", "play or pause"],
    ["← →", "one frame back or on"],
    ["Shift ← →", "ten frames"],
    ["Home, End", "first or last frame"],
    ["I, O", "work from this frame on, or up to it"],
    ["Wheel", "scrub, over the picture"],
    ["Ctrl Enter", "the main button of the step"],
    ["/", "write: the caption, or what to find; Esc ends it"],
    ["Tab", "to the next control; Shift Tab back"],
    ["Ctrl Z", "undo"],
    ["Ctrl Shift Z", "redo"],
    ["Drop, Ctrl V", "files: a video, masks, or a picture as a try"],
    ["Esc", "give up what is being drawn"],
    ["?", "this sheet"],
  ],
  [FINGERS]: [
    ["Tap", "this belongs to it; with the minus tool: this does not"],
    ["Hold", "the mask that lifting would give; slide away to leave it"],
    ["Two fingers", "zoom and move"],
    ["Box tool, drag", "a box around it"],
  ],
  "Marking an object": [
    ["Click", "this belongs to it"],
    ["Right or Alt click", "this does not"],
    ["Drag", "a box around it"],
    ["Shift", "held: the mask that a click would give"],
    ["V", "click tool"],
    ["S", "minus tool: a click takes away"],
    ["X", "box tool"],
    ["B", "brush"],
    ["E", "eraser"],
    ["L", "draw a shape"],
    ["[ ]", "smaller or larger brush"],
    ["K", "a pointer for the arrow keys; Enter marks, Shift Enter takes away"],
  ],
  "Objects and tracking": [
    ["A", "add an object"],
    ["↑ ↓", "the object above or below"],
    ["H", "hide or show the object"],
    ["F2", "rename the object"],
    ["T", "track through the clip"],
    ["R", "track from this frame"],
    ["C", "confirm the frame"],
    ["N", "next place to check, Shift N back"],
    ["Delete", "remove the marks on this frame"],
  ],
  "The picture": [
    ["Ctrl Wheel", "zoom where the pointer is"],
    ["+ −", "zoom in or out"],
    ["0", "the whole frame"],
    ["Space drag", "move the picture, or with the middle button"],
    ["M", "show or hide the masks"],
    ["P", "copy the pixel, or the box being drawn, for the command line"],
    ["Shift P", "copy the object's box on this frame"],
  ],
  Tries: [
    ["↑ ↓", "the try above or below"],
    ["← →", "fold, unfold a branch; to what it grew out of and back"],
    ["B", "branch from the try"],
    ["S", "star it"],
    ["F2", "rename it"],
    ["Delete", "delete it"],
  ],
  "The result": [
    ["M", "show where the edit lies"],
    ["L", "play over and over"],
  ],
};

let sheet = null;

const makeSheet = () => {
  const fingers = matchMedia("(pointer: coarse)").matches; // then what they do comes first
  const groups = Object.entries(SHEET).sort(([a], [b]) => (fingers ? (b === FINGERS) - (a === FINGERS) : 0));
  const rows = (list) => list.flatMap(([keys, what]) => [make("dt", {}, make("kbd", {}, keys)), make("dd", {}, what)]);
  const section = ([title, list]) => make("section", {}, make("h3", {}, title), make("dl", {}, ...rows(list)));
  const made = make(
    "dialog",
    { class: "vs-sheet vs-keysheet", "aria-labelledby": "vs-sheet-title" },
    make("h2", { id: "vs-sheet-title" }, "Keys, mouse and fingers"),
    make("div", { class: "vs-sheet-groups" }, ...groups.map(section)),
    make("form", { method: "dialog" }, make("button", { class: "vs-button" }, "Close")),
  );
  made.addEventListener("click", (event) => {
    if (event.target === made) made.close();
  });
  studioElement().append(made);
  return made;
};

export const sheetIsOpen = () => Boolean(sheet && sheet.open);

const showKeys = () => {
  sheet ??= makeSheet();
  if (sheet.open) {
    sheet.close();
    return;
  }
  sheet.showModal();
  sheet.scrollTop = 0; // the button that has the focus is at its end
};

register({ showKeys });
