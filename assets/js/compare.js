"use strict";
// Before and after: the choice at the top of the stage, and the divider of the wipe.
(() => {
  const { state } = studio;
  const WIPE = "Drag the divider over the picture, or move it with the arrow keys";
  const KEYFRAME = [["before", "Before", "The frame as it is"], ["wipe", "Wipe", WIPE], ["after", "After", "The frame as this try shows it"]];
  const RESULT = [["before", "Before", "The clip before this edit"], ["wipe", "Wipe", WIPE], ["side", "Side by side", "Before and result beside each other"], ["after", "Result", "The edited clip"]];

  const canvasPart = studio.parts.canvas;
  studio.parts.canvas = (ref, server) => {
    canvasPart(ref, server);
    const { compare, wipe, stage } = ref;
    let shown = "";
    let centred = "";

    const choices = () => (state.step === "propagate" && state.view && state.view.result && state.view.result.done ? RESULT : studio.tryShown && state.view && studio.tryShown() ? KEYFRAME : null);

    const drawChoices = () => {
      const list = choices();
      compare.hidden = !list;
      const key = list ? `${list.length}` : "";
      if (list && key !== shown) {
        shown = key;
        compare.replaceChildren(...list.map(([value, name, title]) => {
          const input = studio.make("input", { type: "radio", name: "vs-compare", value, onchange: () => studio.set({ [list === RESULT ? "compareResult" : "compareTry"]: value }) });
          return studio.make("label", { title }, input, studio.make("span", {}, name));
        }));
      }
      if (list) for (const input of compare.querySelectorAll("input")) input.checked = input.value === current();
    };
    const current = () => (state.step === "propagate" ? state.compareResult : state.compareTry);

    const drawWipe = () => {
      const list = choices();
      wipe.hidden = !list || current() !== "wipe";
      if (wipe.hidden || !studio.place) return;
      const { x, y, scale } = studio.place;
      const { width, height } = state.view.clip;
      Object.assign(wipe.style, { left: `${x + state.wipe * width * scale}px`, top: `${y}px`, height: `${height * scale}px` });
      wipe.setAttribute("aria-valuenow", String(Math.round(state.wipe * 100)));
    };

    const move = (clientX) => {
      const box = stage.getBoundingClientRect();
      const { x, scale } = studio.place;
      studio.set({ wipe: Math.max(0, Math.min(1, (clientX - box.left - x) / (state.view.clip.width * scale))) });
    };
    wipe.addEventListener("pointerdown", (event) => { event.preventDefault(); wipe.focus(); wipe.setPointerCapture(event.pointerId); });
    wipe.addEventListener("pointermove", (event) => { if (wipe.hasPointerCapture(event.pointerId)) move(event.clientX); });
    wipe.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      studio.set({ wipe: Math.max(0, Math.min(1, state.wipe + by)) });
    });
    new ResizeObserver(() => requestAnimationFrame(drawWipe)).observe(stage);
    studio.on("view step frame tryId compareTry compareResult wipe lens", () => { drawChoices(); requestAnimationFrame(drawWipe); });
    studio.compareMode = current;

    // the divider starts where there is something to compare
    const centre = () => {
      const list = choices();
      const frame = state.frame;
      const key = list && (list === RESULT ? state.view.result.id : state.tryId);
      if (!key || key === centred) return;
      centred = key;
      studio.cropOf(frame).then((crop) => { if (crop) studio.set({ wipe: crop.middle / state.view.clip.width }); });
    };
    studio.on("view step tryId frame", centre);
  };
})();
