"use strict";
// The bar at the top.
(() => {
  const { state } = studio;
  const ABOUT = {
    video: "Open a video (1)", select: "Mark the object and follow it through the clip (2)", adjust: "How much around the object may change (3)",
    keyframe: "Try captions on one frame (4)", propagate: "Carry the accepted keyframe through the clip (5)",
  };

  studio.parts.steps = (ref, server, element) => {
    const tabs = [...element.querySelectorAll(".vs-tab")];
    for (const tab of tabs) tab.addEventListener("click", () => studio.openStep(tab.dataset.step));

    ref.undo.addEventListener("click", () => studio.undo());
    ref.redo.addEventListener("click", () => studio.redo());
    studio.undo = () => { if (state.view && state.view.undo) studio.change(server, "undo_step").catch(() => {}); };
    studio.redo = () => { if (state.view && state.view.redo) studio.change(server, "redo_step").catch(() => {}); };

    // Who chose keeps the choice; else the system decides, which gradio follows by the body's class. Canvases are drawn in the theme's
    // colours, so whoever changes the class, they are drawn anew.
    const dark = () => document.body.classList.contains("dark");
    let chosen = null;
    try { chosen = localStorage.getItem("vivid-theme"); } catch { /* the system's choice holds */ }
    let shownDark = dark();
    const theme = () => {
      if (chosen && dark() !== (chosen === "dark")) document.body.classList.toggle("dark"); // which comes back here
      if (shownDark === dark()) return;
      shownDark = dark();
      studio.redraw?.();
      studio.drawTimeline?.();
    };
    new MutationObserver(theme).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    theme();
    ref.theme.addEventListener("click", () => {
      chosen = dark() ? "light" : "dark";
      try { localStorage.setItem("vivid-theme", chosen); } catch { /* then it lasts for this page */ }
      theme();
    });
    ref.model.addEventListener("click", () => studio.showModels());
    ref.help.addEventListener("click", () => studio.showKeys());

    // with the step its panel goes: who was in it with the keyboard goes on at the top of the new one
    let shown = state.step;
    studio.on("step", () => {
      if (state.step === shown) return;
      const inside = document.getElementById("studio-panel").contains(document.activeElement);
      shown = state.step;
      if (inside) queueMicrotask(() => document.getElementById(`vs-title-${shown}`)?.focus({ preventScroll: true }));
    });
    studio.on("view step", () => {
      document.getElementById("studio").dataset.step = state.step;
      ref.project.textContent = state.view ? state.view.name : "";
      for (const tab of tabs) {
        const key = tab.dataset.step;
        const info = state.view ? state.view.steps[key] : { open: key === "video", reason: "Open a video first.", done: false };
        const current = key === state.step;
        tab.setAttribute("aria-current", current ? "step" : "false");
        tab.setAttribute("aria-disabled", String(!info.open));
        tab.dataset.mark = info.stale ? "stale" : info.done && state.view ? "done" : "";
        tab.title = info.stale ? `${ABOUT[key]}. Made from an earlier state; still there, to be made again when you like` : info.reason || ABOUT[key];
      }
      for (const [button, label, word] of [[ref.undo, state.view && state.view.undo, "Undo"], [ref.redo, state.view && state.view.redo, "Redo"]]) {
        button.disabled = !label;
        button.title = label ? `${word}: ${label} (ctrl-${word === "Undo" ? "Z" : "shift-Z"})` : `Nothing to ${word.toLowerCase()}`;
      }
    });
  };
})();
