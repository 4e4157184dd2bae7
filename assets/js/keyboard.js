"use strict";
// Keys, and the sheet that lists them.
(() => {
  const { state } = studio;
  const STEPS = ["video", "select", "adjust", "keyframe", "propagate"];
  const SHEET = [
    ["1 to 5", "go to a step"], ["Space", "play or pause"], ["← →", "one frame back or on"], ["Shift ← →", "ten frames"], ["Home, End", "first or last frame"],
    ["Wheel", "scrub, over the picture"], ["Click", "this belongs to the object"], ["Right or Alt click", "this does not"], ["Drag", "a box around the object"],
    ["M", "show or hide the masks"], ["Ctrl Z", "undo"], ["Ctrl Shift Z", "redo"], ["Esc", "give up the box being drawn"], ["?", "this sheet"],
  ];
  let sheet = null;

  studio.showKeys = () => {
    if (!sheet) {
      const { make } = studio;
      const rows = SHEET.flatMap(([keys, what]) => [make("dt", {}, ...keys.split(/(?<= )(?=\S)/).map((key) => make("kbd", {}, key.trim()))), make("dd", {}, what)]);
      sheet = make("dialog", { class: "vs-sheet", "aria-labelledby": "vs-sheet-title" }, make("h2", { id: "vs-sheet-title" }, "Keyboard and mouse"), make("dl", {}, ...rows),
        make("form", { method: "dialog" }, make("button", { class: "vs-button" }, "Close")));
      sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
      document.getElementById("studio").append(sheet);
    }
    if (sheet.open) sheet.close(); else sheet.showModal();
  };

  // A control that was used with the mouse gives the keys back: space plays, arrows step, whatever was clicked last.
  document.addEventListener("click", (event) => {
    const used = event.detail > 0 && event.target.closest("#studio button, #studio a, #studio summary, #studio input[type=radio], #studio input[type=range]");
    if (used) used.blur();
  });

  const typing = (target) => target.closest("input:not([type=radio]):not([type=range]), textarea, select");
  const moves = (event) => ({ ArrowLeft: -1, ArrowRight: 1 })[event.key] * (event.shiftKey ? 10 : 1);

  window.addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (event.defaultPrevented || (typing(event.target) && !(command && key === "z" && !event.target.value))) return;
    if (command && key === "z") { event.preventDefault(); return event.shiftKey ? studio.redo() : studio.undo(); }
    if (command && key === "y") { event.preventDefault(); return studio.redo(); }
    if (command || event.altKey || (sheet && sheet.open)) return;
    const range = event.target.closest("input[type=range], input[type=radio]");
    if ((key === "arrowleft" || key === "arrowright") && !range) { event.preventDefault(); studio.set({ playing: false }); studio.goTo(state.frame + moves(event)); }
    else if (key === "home" && !range) { event.preventDefault(); studio.goTo(0); }
    else if (key === "end" && !range) { event.preventDefault(); studio.goTo(Infinity); }
    else if (event.key === " " && !event.target.closest("button, summary, a, input")) { event.preventDefault(); studio.togglePlay(); }
    else if (/^[1-5]$/.test(key)) studio.openStep(STEPS[key - 1]);
    else if (key === "m") studio.set({ showMasks: !state.showMasks });
    else if (event.key === "?") studio.showKeys();
    else if (key === "escape") studio.cancelDrag();
  });
})();
