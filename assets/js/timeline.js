"use strict";
// Time along the bottom: a ruler with the keyframe tries, one lane per object, the playhead over all.
(() => {
  const { state } = studio;
  const REM = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

  studio.parts.timeline = (ref) => {
    const { area, lanes, names } = ref;
    const context = lanes.getContext("2d");
    const colour = (name) => getComputedStyle(area).getPropertyValue(name).trim();
    let asked = false;

    const draw = () => {
      asked = false;
      const ratio = devicePixelRatio || 1;
      const rem = REM();
      const width = area.clientWidth;
      const ruler = 1.5 * rem;
      const row = 1.5 * rem;
      const list = state.view ? state.view.lanes : [];
      const height = Math.max(area.clientHeight, ruler + Math.max(list.length, 1) * row);
      lanes.width = Math.round(width * ratio);
      lanes.height = Math.round(height * ratio);
      lanes.style.height = `${height}px`;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      if (!state.view) return;
      const { clip } = state.view;
      const x = (frame) => (frame / clip.frames) * width;
      const one = width / clip.frames;

      context.font = `${0.72 * rem}px system-ui, sans-serif`;
      context.textBaseline = "middle";
      const gap = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2500, 5000, 10000].find((g) => g * one > 4.5 * rem) || 50000;
      context.fillStyle = colour("--vs-quiet");
      for (let f = 0; f < clip.frames; f += gap) {
        context.fillRect(Math.round(x(f)), 0, 1, 0.42 * rem);
        context.fillText(String(f), x(f) + 4, 0.72 * rem);
      }
      for (const edit of state.view.edits) mark(x(edit.frame) + one / 2, 0.72 * rem, rem, edit.id === state.view.accepted);

      list.forEach((lane, i) => {
        const top = ruler + i * row;
        context.fillStyle = colour("--vs-lane");
        round(0, top + row * 0.2, width, row * 0.6, 3);
        context.fillStyle = studio.rgb(lane.colour, lane.object_id === state.object ? 0.95 : 0.6);
        for (const [start, stop] of lane.present) round(x(start), top + row * 0.2, Math.max(2, x(stop) - x(start)), row * 0.6, 3);
        for (const frame of lane.prompted) {
          context.beginPath();
          context.arc(x(frame) + one / 2, top + row / 2, 0.3 * rem, 0, 2 * Math.PI);
          context.fillStyle = "#fff";
          context.fill();
          context.lineWidth = 1.5;
          context.strokeStyle = "rgba(0,0,0,.65)";
          context.stroke();
        }
      });
      if (!list.length) {
        context.fillStyle = colour("--vs-lane");
        round(0, ruler + row * 0.2, width, row * 0.6, 3);
      }
      context.fillStyle = colour("--vs-shade");
      if (clip.start > 0) context.fillRect(0, 0, x(clip.start), height);
      if (clip.stop < clip.frames) context.fillRect(x(clip.stop), 0, width, height);

      const at = x(state.frame) + one / 2;
      context.fillStyle = colour("--vs-playhead");
      context.fillRect(Math.round(at) - 1, 0, 2, height);
      context.beginPath();
      context.moveTo(at - 0.38 * rem, 0);
      context.lineTo(at + 0.38 * rem, 0);
      context.lineTo(at, 0.5 * rem);
      context.fill();
    };
    const round = (x, y, w, h, r) => { context.beginPath(); context.roundRect(x, y, w, h, r); context.fill(); };
    const mark = (x, y, rem, accepted) => {
      const size = 0.32 * rem;
      context.save();
      context.translate(x, y);
      context.rotate(Math.PI / 4);
      context.fillStyle = accepted ? colour("--vs-accent") : colour("--vs-quiet");
      context.fillRect(-size, -size, 2 * size, 2 * size);
      context.restore();
    };

    const drawNames = () => {
      const list = state.view ? state.view.lanes : [];
      names.replaceChildren(...list.map((lane) => {
        const button = studio.make("button", { type: "button", class: "vs-lane-name", "aria-pressed": String(lane.object_id === state.object), onclick: () => studio.set({ object: lane.object_id }) }, lane.name);
        button.style.setProperty("--colour", studio.rgb(lane.colour));
        return button;
      }), ...(list.length ? [] : [studio.make("span", { class: "vs-quiet vs-lane-none" }, "No object yet")]));
    };

    const redraw = () => { if (!asked) { asked = true; requestAnimationFrame(draw); } };
    studio.drawTimeline = redraw;

    const seek = (event) => {
      if (!state.view) return;
      const box = area.getBoundingClientRect();
      studio.set({ playing: false });
      studio.goTo(Math.floor(((event.clientX - box.left) / box.width) * state.view.clip.frames));
    };
    area.addEventListener("pointerdown", (event) => { area.setPointerCapture(event.pointerId); seek(event); });
    area.addEventListener("pointermove", (event) => { if (area.hasPointerCapture(event.pointerId)) seek(event); });
    ref.timeline.addEventListener("scroll", redraw);
    new ResizeObserver(redraw).observe(area);
    studio.on("view object", () => { drawNames(); redraw(); });
    studio.on("frame", () => {
      redraw();
      area.setAttribute("aria-valuenow", String(state.frame));
      area.setAttribute("aria-valuetext", `frame ${state.frame}`);
      if (state.view) area.setAttribute("aria-valuemax", String(state.view.clip.frames - 1));
    });
  };
})();
