"use strict";
// Keys, and the sheet that lists them.
(() => {
  const { state } = studio;
  const STEPS = ["video", "select", "adjust", "keyframe", "propagate"];
  const FINGERS = "With fingers";
  const SHEET = {
    "Going about": [
      ["1 to 5", "go to a step"], ["Space", "play or pause"], ["← →", "one frame back or on"], ["Shift ← →", "ten frames"], ["Home, End", "first or last frame"], ["I, O", "work from this frame on, or up to it"],
      ["Wheel", "scrub, over the picture"], ["Ctrl Enter", "the main button of the step"], ["/", "write: the caption, or what to find; Esc ends it"], ["Tab", "to the next control; Shift Tab back"],
      ["Ctrl Z", "undo"], ["Ctrl Shift Z", "redo"], ["Drop, Ctrl V", "files: a video, masks, or a picture as a try"], ["Esc", "give up what is being drawn"], ["?", "this sheet"],
    ],
    "The picture": [
      ["Ctrl Wheel", "zoom where the pointer is"], ["+ −", "zoom in or out"], ["0", "the whole frame"], ["Space drag", "move the picture, or with the middle button"], ["M", "show or hide the masks"],
    ],
    "Marking an object": [
      ["Click", "this belongs to it"], ["Right or Alt click", "this does not"], ["Drag", "a box around it"], ["Shift", "held: the mask that a click would give"],
      ["V", "click tool"], ["S", "minus tool: a click takes away"], ["X", "box tool"], ["B", "brush"], ["E", "eraser"], ["[ ]", "smaller or larger brush"],
      ["K", "a pointer for the arrow keys; Enter marks, Shift Enter takes away"],
    ],
    "Objects and tracking": [
      ["A", "add an object"], ["↑ ↓", "the object above or below"], ["H", "hide or show the object"], ["F2", "rename the object"], ["T", "track through the clip"], ["R", "follow from this frame"],
      ["C", "confirm the frame"], ["N", "next frame to look at, Shift N back"], ["Delete", "take the marks on this frame back"],
    ],
    "Tries": [["↑ ↓", "the try above or below"], ["← →", "in the tree: fold and unfold a branch, to what it branched from and back"], ["B", "branch from the try"], ["S", "star it"], ["F2", "rename it"], ["Delete", "delete it"]],
    "The result": [["M", "show where the edit lies"], ["L", "play over and over"]],
    [FINGERS]: [["Tap", "this belongs to it; with the minus tool: this does not"], ["Hold", "the mask that lifting would give; slide away to leave it"], ["Two fingers", "zoom and move"], ["Box tool, drag", "a box around it"]],
  };
  const TOOLS = { v: "mark", s: "unmark", x: "box", b: "brush", e: "eraser" };
  let sheet = null;

  studio.showKeys = () => {
    if (!sheet) {
      const { make } = studio;
      const rows = (list) => list.flatMap(([keys, what]) => [make("dt", {}, make("kbd", {}, keys)), make("dd", {}, what)]);
      const fingers = matchMedia("(pointer: coarse)").matches; // then what they do comes first
      const list = Object.entries(SHEET).sort(([a], [b]) => (fingers ? (b === FINGERS) - (a === FINGERS) : 0));
      const groups = list.map(([title, list]) => make("section", {}, make("h3", {}, title), make("dl", {}, ...rows(list))));
      sheet = make("dialog", { class: "vs-sheet", "aria-labelledby": "vs-sheet-title" }, make("h2", { id: "vs-sheet-title" }, "Keys, mouse and fingers"), make("div", { class: "vs-sheet-groups" }, ...groups),
        make("form", { method: "dialog" }, make("button", { class: "vs-button" }, "Close")));
      sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
      document.getElementById("studio").append(sheet);
    }
    if (sheet.open) return sheet.close();
    sheet.showModal();
    sheet.scrollTop = 0; // the button that has the focus is at its end
  };

  // A control that was used with the mouse gives the keys back: space plays, arrows step, whatever was clicked last.
  document.addEventListener("click", (event) => {
    const used = event.detail > 0 && event.target.closest("#studio button, #studio a, #studio summary, #studio input[type=radio], #studio input[type=range]");
    if (used) used.blur();
  });

  const typing = (target) => target.closest("input:not([type=radio]):not([type=range]), textarea, select");
  const NUMBERS = "#studio input[type=number], #studio .vs-slider input[type=text]";
  const moves = (event) => ({ ArrowLeft: -1, ArrowRight: 1 })[event.key] * (event.shiftKey ? 10 : 1);

  window.addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (command && key === "enter" && !event.defaultPrevented && !(sheet && sheet.open)) { event.preventDefault(); return main(); }
    if (key === "escape" && typing(event.target)) return event.target.blur();
    // a number that is entered is done with: the keys are the page's again, and Tab goes on from the field, as after Esc
    if (key === "enter" && event.target.matches(NUMBERS)) return event.target.blur();
    if (event.defaultPrevented || (typing(event.target) && !(command && key === "z" && !event.target.value))) return;
    if (command && key === "z") { event.preventDefault(); return event.shiftKey ? studio.redo() : studio.undo(); }
    if (command && key === "y") { event.preventDefault(); return studio.redo(); }
    if (command || event.altKey || (sheet && sheet.open)) return;
    const range = event.target.closest("input[type=range], input[type=radio]");
    if (state.cursor && state.step === "select" && !range && pointer(event)) { event.preventDefault(); return; }
    if ((key === "arrowleft" || key === "arrowright") && !range) { event.preventDefault(); studio.set({ playing: false }); studio.goTo(state.frame + moves(event)); }
    else if (key === "home" && !range) { event.preventDefault(); studio.goTo(0); }
    else if (key === "end" && !range) { event.preventDefault(); studio.goTo(Infinity); }
    else if (event.key === " " && !event.target.closest("button, summary, a, input")) { event.preventDefault(); if (!event.repeat) holdSpace(true); }
    else if (/^[1-5]$/.test(key)) studio.openStep(STEPS[key - 1]);
    else if (key === "i" && state.view) studio.markIn();
    else if (key === "o" && state.view) studio.markOut();
    else if (key === "m" && !studio.playerOn()) studio.set({ showMasks: !state.showMasks });
    else if (event.key === "?") studio.showKeys();
    else if (key === "/") { event.preventDefault(); write(); }
    else if (key === "escape") studio.cancelDrag();
    else if (key === "+" || key === "=") studio.zoom(1.5);
    else if (key === "-" || key === "_") studio.zoom(1 / 1.5);
    else if (key === "0") studio.lens.fit();
    else if (state.step === "select" && state.view) select(event, key);
    else if (state.step === "keyframe" && state.view) studio.tryKeys(event, key);
  });

  const seen = (node) => node.offsetParent !== null && !node.disabled;
  const main = () => { [...document.querySelectorAll(`#studio-${state.step} .vs-primary`)].find(seen)?.click(); };
  const write = () => { const field = [...document.querySelectorAll(`#studio-${state.step} :is(input[type=text], textarea)`)].find(seen); if (field) { field.focus(); field.select(); } };

  // With the pointer that K brings, arrows move it and Enter is its button.
  const pointer = (event) => {
    const step = event.shiftKey ? 40 : 8;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (moves) studio.cursor.move(...moves);
    else if (event.key === "Enter" && !event.target.closest("button, a, summary")) studio.cursor.act(!event.shiftKey);
    else if (event.key === "Escape") studio.cursor.toggle();
    else return false;
    return true;
  };

  // The Select step has keys of its own.
  const select = (event, key) => {
    const ids = state.view.objects.map((object) => object.id);
    const press = (name) => { const button = document.querySelector(`#studio-select ${name}`); if (button && !button.disabled) button.click(); return Boolean(button); };
    const keys = {
      "[": () => studio.resizeBrush(0.8), "]": () => studio.resizeBrush(1.25),
      a: () => studio.addObject(), c: () => studio.confirmFrame(), n: () => studio.goToSuspect(event.shiftKey ? -1 : 1), r: () => studio.trackFromHere(),
      t: () => press("[data-ref=secondary]:enabled") || press("[data-ref=primary]"), k: () => studio.cursor.toggle(), h: () => press("[data-current=true] [data-icon^=eye]"), f2: () => press("[data-icon=pen]"), delete: () => press("[data-ref=clearFrame]"),
      arrowup: () => studio.set({ object: ids[Math.max(0, ids.indexOf(state.object) - 1)] ?? null }),
      arrowdown: () => studio.set({ object: ids[Math.min(ids.length - 1, ids.indexOf(state.object) + 1)] ?? null }),
    };
    if (TOOLS[key]) studio.set({ tool: TOOLS[key] });
    else if (keys[key] && !(key.startsWith("arrow") && event.target.closest("input"))) { event.preventDefault(); keys[key](); }
  };

  // Space plays when it is let go; held, it turns the pointer into a hand that moves the picture.
  const holdSpace = (held) => {
    studio.spaceHeld = held;
    document.body.classList.toggle("vs-space", held);
    if (held) studio.spaceUsed = false;
  };
  window.addEventListener("keyup", (event) => {
    if (event.key !== " " || !studio.spaceHeld) return;
    holdSpace(false);
    if (!studio.spaceUsed) studio.togglePlay();
  });
  window.addEventListener("blur", () => holdSpace(false));
})();
