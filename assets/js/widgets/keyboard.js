// Keys: which one does what, in which step.

import { run } from "../state/commands.js";
import { goTo, openStep, STEPS } from "../state/project.js";
import { resultPlays } from "../state/result.js";
import { neighbour } from "../state/selection.js";
import { set, state } from "../state/store.js";
import { focusText } from "./dom.js";
import { sheetIsOpen } from "./key_sheet.js";

const TOOLS = { v: "mark", s: "unmark", x: "box", b: "brush", e: "eraser", l: "shape" };
const NUMBERS = "#studio input[type=number], #studio .vs-slider input[type=text]";
const CONTROLS = ["button", "a", "summary", "input[type=radio]", "input[type=range]"];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// A field that was hidden keeps the keyboard until the browser lays the page out again.
const isTyping = (target) =>
  target.closest("input:not([type=radio]):not([type=range]), textarea, select")?.checkVisibility();
const isUsable = (node) => node.offsetParent !== null && !node.disabled;
const usable = (selector) => [...document.querySelectorAll(`#studio-${state.step} ${selector}`)].find(isUsable);

const pressMainButton = () => usable(".vs-primary")?.click();

const write = () => {
  const field = usable(":is(input[type=text], textarea)");
  if (field) focusText(field);
};

const step = (by) => {
  set({ playing: false });
  goTo(state.frame + by);
};

// Keys that work in every step.
const GLOBAL = {
  home: () => goTo(0),
  end: () => goTo(Infinity),
  "?": () => run("showKeys"),
  "/": () => write(),
  escape: () => run("cancelDrag"),
  "+": () => run("zoom", 1.5),
  "=": () => run("zoom", 1.5),
  "-": () => run("zoom", 1 / 1.5),
  _: () => run("zoom", 1 / 1.5),
  0: () => run("fit"),
  i: () => run("markIn"),
  o: () => run("markOut"),
  p: (event) => run(event.shiftKey ? "copyBox" : "copySpot"),
};

const withCommandKey = (event, key) => {
  if (key === "z") {
    event.preventDefault();
    run(event.shiftKey ? "redo" : "undo");
  } else if (key === "y") {
    event.preventDefault();
    run("redo");
  }
};

// With the pointer that K brings, arrows move it and Enter is its button. Returns whether the key
// was meant for it.
const moveCursor = (event) => {
  const by = event.shiftKey ? 40 : 8;
  const arrow = ARROWS[event.key];
  if (arrow) run("moveCursor", arrow[0] * by, arrow[1] * by);
  else if (event.key === "Enter" && !event.target.closest("button, a, summary")) run("useCursor", !event.shiftKey);
  else if (event.key === "Escape") run("toggleCursor");
  else return false;
  return true;
};

const selectNeighbour = (by) => {
  const ids = state.view.objects.map((object) => object.id);
  set({ object: neighbour(ids, state.object, by) });
};

// The Select step has keys of its own.
const press = (selector) => {
  const button = document.querySelector(`#studio-select ${selector}`);
  if (button && !button.disabled) button.click();
  return Boolean(button);
};
const SELECT = {
  "[": () => run("resizeBrush", 0.8),
  "]": () => run("resizeBrush", 1.25),
  a: () => run("addObject"),
  c: () => run("confirmFrame"),
  n: (event) => run("goToCheck", event.shiftKey ? -1 : 1),
  r: () => run("trackFromHere"),
  t: () => press("[data-ref=secondary]:enabled") || press("[data-ref=primary]"),
  k: () => run("toggleCursor"),
  h: () => press("[data-current=true] [data-icon^=eye]"),
  f2: () => press("[data-icon=pen]"),
  delete: () => press("[data-ref=clearFrame]"),
  arrowup: () => selectNeighbour(-1),
  arrowdown: () => selectNeighbour(1),
};
const inSelect = (event, key) => {
  if (TOOLS[key]) set({ tool: TOOLS[key] });
  else if (SELECT[key] && !(key.startsWith("arrow") && event.target.closest("input"))) {
    event.preventDefault();
    SELECT[key](event);
  }
};

const withoutModifiers = (event, key) => {
  const range = event.target.closest("input[type=range], input[type=radio]");
  if (state.cursor && state.step === "select" && !range && moveCursor(event)) {
    event.preventDefault();
    return;
  }
  if (state.tool === "shape" && run("shapeKey", event, key)) {
    event.preventDefault();
    return;
  }
  if (state.laying && run("layingKey", event, key)) {
    event.preventDefault();
    return;
  }
  if ((key === "arrowleft" || key === "arrowright") && !range) {
    event.preventDefault();
    step(ARROWS[event.key][0] * (event.shiftKey ? 10 : 1));
  } else if (event.key === " " && !event.target.closest("button, summary, a, input")) {
    event.preventDefault();
    if (!event.repeat) run("holdSpace");
  } else if (/^[1-5]$/.test(key)) openStep(STEPS[key - 1]);
  else if (key === "m" && !resultPlays()) set({ showMasks: !state.showMasks });
  else if (GLOBAL[key] && !((key === "home" || key === "end") && range) && !(/^[io]$/.test(key) && !state.view)) {
    if (key === "home" || key === "end" || key === "/") event.preventDefault();
    GLOBAL[key](event);
  } else if (state.step === "select" && state.view) inSelect(event, key);
  else if (state.step === "keyframe" && state.view) run("tryKey", event, key);
};

const onKey = (event) => {
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  const typing = isTyping(event.target);
  if (command && key === "enter" && !event.defaultPrevented && !sheetIsOpen()) {
    event.preventDefault();
    pressMainButton();
  } else if (key === "escape" && typing) event.target.blur();
  // a number that is entered is done with: the keys are the page's again, and Tab goes on from the
  // field, as after Esc
  else if (key === "enter" && event.target.matches(NUMBERS)) event.target.blur();
  else if (event.defaultPrevented || (typing && !(command && key === "z" && !event.target.value))) return;
  else if (command) withCommandKey(event, key);
  else if (!event.altKey && !sheetIsOpen()) withoutModifiers(event, key);
};

export const mountKeyboard = () => {
  window.addEventListener("keydown", onKey);
  window.addEventListener("keyup", (event) => {
    if (event.key === " ") run("releaseSpace");
  });
  window.addEventListener("blur", () => run("dropSpace"));

  // A control that was used with the mouse gives the keys back: space plays, arrows step, whatever
  // was clicked last.
  const controls = CONTROLS.map((control) => `#studio ${control}`).join(", ");
  document.addEventListener("click", (event) => {
    const used = event.detail > 0 && event.target.closest(controls);
    if (used) used.blur();
  });
};
