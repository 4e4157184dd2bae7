"use strict";
// Before and after: the choice at the top of the stage, and the divider of the wipe.
(() => {
  const { state } = studio;
  const WIPE = "Drag the divider over the picture, or move it with the arrow keys";
  const KEYFRAME = [["before", "Before", "The frame as it is"], ["wipe", "Wipe", WIPE], ["after", "After", "The frame as this try shows it"]];
  const PAIR = [["before", "Other", "The try that this one is compared with"], ["wipe", "Wipe", WIPE], ["after", "Chosen", "The chosen try"]];
  const RESULT = [["before", "Before", "The clip before this edit"], ["wipe", "Wipe", WIPE], ["side", "Side by side", "Before and result beside each other"], ["after", "Result", "The edited clip"]];

  // The middle of the region of a frame, 0 to 1 across; null where there is none.
  const middleOf = async (frame) => {
    const overlay = await studio.pictures.load(`${studio.address(`overlay/${frame}.png`)}?kind=region&rev=${state.view.region_rev}&w=240`);
    const small = studio.make("canvas", { width: overlay.width, height: overlay.height });
    const context = small.getContext("2d", { willReadFrequently: true });
    context.drawImage(overlay, 0, 0);
    const { data } = context.getImageData(0, 0, overlay.width, overlay.height);
    let [first, last] = [overlay.width, -1];
    for (let i = 3, p = 0; i < data.length; i += 4, p++) {
      if (data[i] > 100 && data[i - 1] < 100) continue; // dark: not of the region, which is clear within a white line
      first = Math.min(first, p % overlay.width);
      last = Math.max(last, p % overlay.width);
    }
    return last < 0 ? null : (first + last + 1) / 2 / overlay.width;
  };

  const canvasPart = studio.parts.canvas;
  studio.parts.canvas = (ref, server) => {
    canvasPart(ref, server);
    const { compare, wipe, stage } = ref;
    const tags = [...wipe.querySelectorAll(".vs-wipe-tag")];
    let shown = null;
    let centred = "";

    const choices = () => (state.step === "propagate" && state.view && state.view.result && state.view.result.done ? RESULT : studio.tryShown && state.view && studio.tryShown() ? (studio.otherShown() ? PAIR : KEYFRAME) : null);

    const drawChoices = () => {
      const list = choices();
      compare.hidden = !list;
      if (list && list !== shown) {
        shown = list;
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
      const names = list === PAIR ? [studio.tryTitle(studio.otherShown()), studio.tryTitle(studio.tryShown())] : [list === KEYFRAME ? "Frame" : "Before", list === KEYFRAME ? "Try" : "After"];
      tags.forEach((tag, i) => { tag.textContent = names[i]; });
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
    studio.on("view step frame tryId againstId compareTry compareResult wipe lens", () => { drawChoices(); requestAnimationFrame(drawWipe); });
    studio.compareMode = current;

    // the divider starts where there is something to compare
    const centre = () => {
      const list = choices();
      const frame = state.frame;
      const key = list && (list === RESULT ? state.view.result.id : state.tryId);
      if (!key || key === centred) return;
      centred = key;
      middleOf(frame).then((middle) => { if (middle !== null && key === centred) studio.set({ wipe: middle }); }, () => {});
    };
    studio.on("view step tryId frame", centre);
  };
})();
