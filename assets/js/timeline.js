"use strict";
// Time along the bottom: a ruler with cuts and keyframe tries, one lane per object, the playhead over all.
(() => {
  const { state } = studio;
  const REM = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

  studio.parts.timeline = (ref) => {
    const { area, lanes, names } = ref;
    const context = lanes.getContext("2d");
    let colours = {}; // and lengths of the theme, read once a drawing
    const colour = (name) => (colours[name] ??= getComputedStyle(area).getPropertyValue(name).trim());
    let asked = false;

    const length = (name) => parseFloat(colour(name)) * REM();
    const rows = () => ({ ruler: length("--vs-ruler"), row: length("--vs-row") });
    const draw = () => {
      asked = false;
      colours = {};
      const ratio = devicePixelRatio || 1;
      const rem = REM();
      const width = area.clientWidth;
      const { ruler, row } = rows();
      const list = state.view ? state.view.lanes : [];
      const height = Math.max(ref.timeline.clientHeight, ruler + Math.max(list.length, 1) * row);
      lanes.width = Math.round(width * ratio);
      lanes.height = Math.round(height * ratio);
      lanes.style.height = `${height}px`;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      if (!state.view) return;
      const { clip } = state.view;
      const x = (frame) => (frame / clip.frames) * width;
      const one = width / clip.frames;

      list.forEach((lane, i) => drawLane(lane, ruler + i * row, row, rem, x, one));
      if (!list.length) {
        context.fillStyle = colour("--vs-lane");
        round(0, ruler + row * 0.2, width, row * 0.6, 3);
      }
      context.fillStyle = colour("--vs-edge");
      for (const cut of state.view.cuts) for (let y = 0; y < height; y += 6) context.fillRect(Math.round(x(cut)) - 0.5, y, 1, 3);

      context.fillStyle = colour("--vs-shade");
      const { start, stop } = studio.trim.span();
      if (start > 0) context.fillRect(0, ruler, x(start), height);
      if (stop < clip.frames) context.fillRect(x(stop), ruler, width, height);

      // the ruler stays at the top when there are more lanes than room
      const top = ref.timeline.scrollTop;
      context.fillStyle = colour("--vs-panel");
      if (top) context.fillRect(0, top, width, ruler);
      context.font = `${0.72 * rem}px system-ui, sans-serif`;
      context.textBaseline = "middle";
      const gap = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2500, 5000, 10000].find((g) => g * one > 4.5 * rem) || 50000;
      context.fillStyle = colour("--vs-quiet");
      for (let f = 0; f < clip.frames; f += gap) {
        context.fillRect(Math.round(x(f)), top, 1, 0.42 * rem);
        context.fillText(String(f), x(f) + 4, top + 0.72 * rem);
      }
      for (const edit of state.view.edits) mark(x(edit.frame) + one / 2, top + 0.72 * rem, rem, state.view.carried.includes(edit.id));
      studio.trim.draw(context, x, top, ruler, height, rem, colour);
      studio.drawOnRuler(context, x, top + ruler, rem, colour);

      const at = x(state.frame) + one / 2;
      context.fillStyle = colour("--vs-playhead");
      context.fillRect(Math.round(at) - 1, 0, 2, height);
      context.beginPath();
      context.moveTo(at - 0.38 * rem, top);
      context.lineTo(at + 0.38 * rem, top);
      context.lineTo(at, top + 0.5 * rem);
      context.fill();
    };

    // Present: the bar. Confirmed: a line under it. Suspect: a notch above it. Prompted: a dot, hollow while it asks for tracking.
    const drawLane = (lane, top, row, rem, x, one) => {
      const bar = { y: top + row * 0.2, height: row * 0.6 };
      context.globalAlpha = lane.hidden ? 0.4 : 1;
      context.fillStyle = colour("--vs-lane");
      round(0, bar.y, x(state.view.clip.frames), bar.height, 3);
      context.fillStyle = studio.rgb(lane.colour, lane.object_id === state.object ? 0.95 : 0.6);
      for (const [start, stop] of lane.present) round(x(start), bar.y, Math.max(2, x(stop) - x(start)), bar.height, 3);
      context.fillStyle = colour("--vs-good");
      for (const [start, stop] of lane.confirmed) context.fillRect(x(start), bar.y + bar.height + 0.5, Math.max(3, x(stop) - x(start)), 3);
      context.fillStyle = colour("--vs-bad");
      for (const [frame] of lane.suspect) {
        const middle = x(frame) + one / 2;
        context.beginPath();
        context.moveTo(middle - 0.3 * rem, top + 0.5);
        context.lineTo(middle + 0.3 * rem, top + 0.5);
        context.lineTo(middle, top + 0.5 + 0.5 * rem);
        context.fill();
      }
      for (const frame of new Set([...lane.prompted, ...lane.pending])) {
        context.beginPath();
        context.arc(x(frame) + one / 2, top + row / 2, 0.28 * rem, 0, 2 * Math.PI);
        context.fillStyle = lane.prompted.includes(frame) ? "#fff" : colour("--vs-lane");
        context.fill();
        context.lineWidth = 1.5;
        context.strokeStyle = lane.pending.includes(frame) ? colour("--vs-playhead") : "rgba(0,0,0,.65)";
        context.stroke();
      }
      context.globalAlpha = 1;
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

    let named = "";
    const drawNames = () => {
      const list = state.view ? state.view.lanes : [];
      const key = JSON.stringify([Boolean(state.view), state.object, list.map((lane) => [lane.object_id, lane.name, lane.colour, lane.hidden])]);
      if (key === named) return; // a job that runs asks for this several times a second
      named = key;
      names.replaceChildren(...list.map((lane) => {
        const button = studio.make("button", { type: "button", class: "vs-lane-name", title: lane.name, "aria-pressed": String(lane.object_id === state.object), onclick: () => studio.set({ object: lane.object_id }) }, studio.make("span", {}, lane.name));
        button.style.setProperty("--colour", studio.rgb(lane.colour));
        return button;
      }), ...(list.length || !state.view ? [] : [studio.make("span", { class: "vs-quiet vs-lane-none" }, "No object yet")]));
    };

    const redraw = () => { if (!asked) { asked = true; requestAnimationFrame(draw); } };
    studio.drawTimeline = redraw;

    const under = (event) => {
      const box = area.getBoundingClientRect();
      const { ruler, row } = rows();
      const y = event.clientY - lanes.getBoundingClientRect().top;
      const lane = event.clientY - box.top < ruler && !ref.timeline.scrollTop ? null : state.view.lanes[Math.floor((y - ruler) / row)] || null;
      return { frame: Math.floor(((event.clientX - box.left) / box.width) * state.view.clip.frames), lane };
    };
    const describe = ({ frame, lane }) => {
      if (!lane) return `Frame ${frame}`;
      const words = [];
      const bad = lane.suspect.find(([suspect]) => suspect === frame);
      if (bad) words.push(bad[2]);
      if (lane.prompted.includes(frame)) words.push("marked");
      if (lane.confirmed.some(([start, stop]) => start <= frame && frame < stop)) words.push("confirmed");
      if (lane.pending.includes(frame)) words.push("asks for tracking");
      return `${lane.name}, frame ${frame}${words.length ? `: ${words.join(", ")}` : ""}`;
    };
    const seek = (event, pick) => {
      if (!state.view) return;
      const { frame, lane } = under(event);
      studio.set({ playing: false });
      if (pick && lane) studio.set({ object: lane.object_id });
      studio.goTo(frame);
    };
    const marker = (event) => {
      const box = area.getBoundingClientRect();
      return state.view && event.clientY - box.top < rows().ruler ? studio.trim.under(event.clientX - box.left, event.clientY - box.top, box.width, REM()) : null;
    };
    area.addEventListener("pointerdown", (event) => {
      area.setPointerCapture(event.pointerId);
      if (!studio.trim.grab(marker(event))) seek(event, true);
    });
    area.addEventListener("pointermove", (event) => {
      if (area.hasPointerCapture(event.pointerId)) {
        if (studio.trim.held()) studio.trim.move(under(event).frame);
        else seek(event, false);
        return;
      }
      const over = marker(event);
      area.style.cursor = over ? "ew-resize" : "";
      if (state.view) area.title = over ? studio.trim.describe(over) : describe(under(event));
    });
    for (const end of ["pointerup", "pointercancel"]) area.addEventListener(end, () => studio.trim.drop(end === "pointerup"));
    ref.timeline.addEventListener("scroll", redraw);
    const resized = new ResizeObserver(redraw);
    resized.observe(area);
    resized.observe(ref.timeline); // the canvas holds the area open: only this one tells that there is less room
    // the lane of the chosen object is in sight
    const reveal = () => {
      const index = state.view ? state.view.lanes.findIndex((lane) => lane.object_id === state.object) : -1;
      if (index < 0) return;
      const { ruler, row } = rows();
      const room = ref.timeline.clientHeight - ruler;
      ref.timeline.scrollTop = Math.min(index * row, Math.max(ref.timeline.scrollTop, (index + 1) * row - room));
    };
    studio.on("view object", (_, keys) => { drawNames(); if (keys.has("object")) reveal(); redraw(); });
    studio.on("frame", () => {
      redraw();
      area.setAttribute("aria-valuenow", String(state.frame));
      area.setAttribute("aria-valuetext", `frame ${state.frame}`);
      if (state.view) area.setAttribute("aria-valuemax", String(state.view.clip.frames - 1));
    });
  };
})();
