"use strict";
// Fingers, pens and the mouse on the stage: clicks, boxes, brush strokes, panning and zooming, and the preview under the pointer.
(() => {
  const { state } = studio;
  const DRAG = 5; // CSS pixels: less is a click
  const HOLD = 400; // milliseconds: a finger that rests so long is shown what lifting it would give
  const BRUSH = [0.5, 400]; // source pixels, least and largest radius
  studio.set({ tool: "mark", brush: 0, cursor: null }); // cursor: where the pointer that the arrow keys move is, in source pixels

  const brush = () => state.brush || (state.view ? Math.max(2, Math.round(state.view.clip.width / 60)) : 8);
  studio.brush = brush;
  studio.resizeBrush = (factor) => {
    const next = Math.min(BRUSH[1], Math.max(BRUSH[0], brush() * factor));
    studio.set({ brush: next > 3 ? Math.round(next) : next });
  };
  const painting = () => state.tool === "brush" || state.tool === "eraser";
  const clicking = () => state.tool === "mark" || state.tool === "unmark";
  const adds = (other) => (state.tool === "unmark") === Boolean(other); // `other`: a key or a button that turns the tool's sign around

  studio.drawStroke = (context, { stroke, radius, erase, colour }) => {
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = 2 * radius;
    context.strokeStyle = erase ? "rgba(255,255,255,.55)" : studio.rgb(colour, 0.5);
    context.beginPath();
    stroke.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    if (stroke.length === 1) context.lineTo(stroke[0][0] + 0.01, stroke[0][1]);
    context.stroke();
  };

  studio.point = (ref, server, redraw) => {
    const { canvas, stage } = ref;
    const pointers = new Map(); // those that are down, by id, in CSS pixels of the stage
    let drag = null; // what the one pointer is doing: { kind: "mark" | "pan" | "stroke" | "pinch", ... }
    let hover = null; // where the pointer is when it is not down
    let shown = null; // the preview: { key, bitmap }
    let asking = null; // the preview that is under way: { key, stop }
    let hold = 0;

    const box = () => canvas.getBoundingClientRect();
    const inBox = (event) => { const { left, top } = box(); return { x: event.clientX - left, y: event.clientY - top }; };
    const toSource = ({ x, y }) => { const { place } = studio; return { x: (x - place.x) / place.scale, y: (y - place.y) / place.scale }; };
    const inside = ({ x, y }) => x >= 0 && y >= 0 && x < state.view.clip.width && y < state.view.clip.height;
    const clamp = ({ x, y }) => ({ x: Math.min(Math.max(x, 0), state.view.clip.width), y: Math.min(Math.max(y, 0), state.view.clip.height) });
    const tenth = (value) => Math.round(value * 10) / 10;
    const marking = () => Boolean(state.view) && state.step === "select";
    const object = () => state.view.objects.find((one) => one.id === state.object);

    // What goes to the program

    const send = (name, prompt, values) => {
      studio.set({ pending: [...state.pending, prompt] });
      const done = () => studio.set({ pending: state.pending.filter((other) => other !== prompt) });
      studio.change(server, name, { object_id: state.object, frame: prompt.frame, ...values }).then((answer) => {
        if (state.object === null && answer.object) studio.set({ object: answer.object });
        done();
      }, done);
    };
    const sendPoint = (at, frame, positive) => {
      const values = { x: Math.min(tenth(at.x), state.view.clip.width - 0.1), y: Math.min(tenth(at.y), state.view.clip.height - 0.1), positive };
      send("add_point", { kind: "point", frame, ...values }, values);
    };
    const sendBox = (area, frame) => {
      const values = Object.fromEntries(Object.entries(area).map(([key, value]) => [key, tenth(value)]));
      if (values.x1 - values.x0 >= 1 && values.y1 - values.y0 >= 1) send("add_box", { kind: "box", frame, ...values }, values);
    };

    // One pointer

    const begin = (event) => {
      const at = inBox(event);
      if (event.button === 1 || studio.spaceHeld || !marking() || !studio.inSight()) return { kind: "pan", last: at, moved: false };
      const source = toSource(at);
      const common = { start: at, at: clamp(source), off: !inside(source), frame: state.frame, moved: false, touch: event.pointerType === "touch" };
      if (painting() && event.button === 0) {
        const one = object();
        return { ...common, kind: "stroke", stroke: [[tenth(source.x), tenth(source.y)]], radius: brush(), erase: state.tool === "eraser" || event.altKey, colour: one ? one.colour : [239, 83, 80] };
      }
      if (common.touch && clicking() && !common.off) hold = setTimeout(preview, HOLD);
      return { ...common, kind: "mark", positive: adds(event.button !== 0 || event.altKey || event.ctrlKey), box: null };
    };

    canvas.addEventListener("pointerdown", (event) => {
      if (!state.view || event.button > 2) return;
      if (event.button === 1) event.preventDefault();
      pointers.set(event.pointerId, inBox(event));
      canvas.setPointerCapture(event.pointerId);
      clearTimeout(hold);
      forget();
      if (pointers.size === 2) { drag = { kind: "pinch", ...spread() }; redraw(); return; }
      if (pointers.size > 2) return;
      studio.set({ playing: false });
      drag = begin(event);
      if (drag.kind === "pan") stage.dataset.panning = "true";
      redraw();
    });

    canvas.addEventListener("pointermove", (event) => {
      const at = inBox(event);
      if (!pointers.has(event.pointerId)) { hover = { ...at, alt: event.altKey || event.ctrlKey, shift: event.shiftKey }; if (event.pointerType !== "touch") ask(); if (marking() && painting()) redraw(); return; }
      pointers.set(event.pointerId, at);
      hover = event.pointerType === "touch" ? null : { ...at, alt: event.altKey, shift: event.shiftKey };
      if (!drag) return;
      if (drag.kind === "pinch") return pinch();
      if (drag.kind === "pan") return pan(at);
      if (drag.kind === "stroke") return paint(event);
      if (Math.hypot(at.x - drag.start.x, at.y - drag.start.y) >= DRAG) {
        clearTimeout(hold);
        if (drag.held) { studio.cancelDrag(); forget(); return; } // slid away: nothing is marked
        if (drag.touch && clicking()) { drag = { kind: "pan", last: at, moved: true }; return; }
        if (drag.positive) drag.moved = true;
      }
      const to = clamp(toSource(at));
      const from = drag.at;
      drag.box = { x0: Math.min(from.x, to.x), y0: Math.min(from.y, to.y), x1: Math.max(from.x, to.x), y1: Math.max(from.y, to.y) };
      if (drag.moved) redraw();
    });

    const drop = (event) => {
      pointers.delete(event.pointerId);
      clearTimeout(hold);
      const done = drag;
      if (done && done.kind === "pinch") { if (!pointers.size) drag = null; return; }
      drag = null;
      delete stage.dataset.panning;
      if (!done) return;
      if (done.kind === "pan") { if (done.moved) studio.spaceUsed = true; return; }
      forget();
      if (event.type === "pointercancel") return redraw();
      if (done.kind === "stroke") {
        const values = { stroke: done.stroke, radius: done.radius, erase: done.erase };
        send("paint", { kind: "stroke", frame: done.frame, colour: done.colour, ...values }, values);
      } else if (done.moved && done.box) sendBox(done.box, done.frame);
      else if (!done.off && clicking()) sendPoint(done.at, done.frame, done.positive);
      else if (!done.off && !done.positive) sendPoint(done.at, done.frame, false);
      redraw();
    };
    canvas.addEventListener("pointerup", drop);
    canvas.addEventListener("pointercancel", drop);
    canvas.addEventListener("pointerleave", () => { hover = null; forget(); redraw(); });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("auxclick", (event) => event.preventDefault());
    studio.cancelDrag = () => { clearTimeout(hold); if (drag) { drag = null; delete stage.dataset.panning; redraw(); return true; } return false; };

    const paint = (event) => {
      const steps = event.getCoalescedEvents && event.getCoalescedEvents().length ? event.getCoalescedEvents() : [event];
      for (const step of steps) {
        const to = toSource(inBox(step));
        const [x, y] = drag.stroke[drag.stroke.length - 1];
        if (Math.hypot(to.x - x, to.y - y) >= Math.max(0.5, drag.radius / 6)) drag.stroke.push([tenth(to.x), tenth(to.y)]);
      }
      redraw();
    };

    // A pointer for the keyboard: the same tools without a mouse

    let corner = null; // of a box that is begun
    studio.cursor = {
      toggle: () => {
        corner = null;
        if (!marking()) return;
        const { clip } = state.view;
        studio.set({ cursor: state.cursor ? null : { x: Math.round(clip.width * state.lens.x), y: Math.round(clip.height * state.lens.y) } });
      },
      move: (x, y) => {
        const step = 1 / studio.place.scale;
        studio.set({ cursor: { x: Math.min(Math.max(state.cursor.x + x * step, 0), state.view.clip.width - 1), y: Math.min(Math.max(state.cursor.y + y * step, 0), state.view.clip.height - 1) } });
      },
      act: (positive) => {
        const at = state.cursor;
        if (!studio.inSight()) return;
        if (painting()) {
          const values = { stroke: [[tenth(at.x), tenth(at.y)]], radius: brush(), erase: state.tool === "eraser" || !positive };
          send("paint", { kind: "stroke", frame: state.frame, colour: object() ? object().colour : [239, 83, 80], ...values }, values);
        } else if (state.tool === "box" && positive) {
          if (corner) sendBox({ x0: Math.min(corner.x, at.x), y0: Math.min(corner.y, at.y), x1: Math.max(corner.x, at.x), y1: Math.max(corner.y, at.y) }, state.frame);
          corner = corner ? null : at;
          redraw();
        } else sendPoint(at, state.frame, adds(!positive));
      },
    };

    // Moving and zooming

    const pan = (at) => {
      studio.lens.zoomAt(box(), 1, drag.last.x, drag.last.y, { x: at.x - drag.last.x, y: at.y - drag.last.y });
      drag.moved = drag.moved || Math.hypot(at.x - drag.last.x, at.y - drag.last.y) > 0;
      drag.last = at;
    };
    const spread = () => {
      const [a, b] = [...pointers.values()];
      return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.max(20, Math.hypot(a.x - b.x, a.y - b.y)) };
    };
    const pinch = () => {
      if (pointers.size < 2) return;
      const now = spread();
      studio.lens.zoomAt(box(), now.apart / drag.apart, drag.x, drag.y, { x: now.x - drag.x, y: now.y - drag.y });
      Object.assign(drag, now);
    };
    const zoom = (factor) => { const { width, height } = box(); studio.lens.zoomAt(box(), factor, width / 2, height / 2); };
    studio.zoom = zoom;
    stage.addEventListener("wheel", (event) => {
      if (!state.view) return;
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) {
        const at = inBox(event);
        const lines = event.deltaMode === 1 ? 16 : 1;
        studio.lens.zoomAt(box(), Math.exp(-Math.max(-60, Math.min(60, event.deltaY * lines)) / 120), at.x, at.y);
        return;
      }
      studio.set({ playing: false });
      studio.goTo(state.frame + Math.sign(event.deltaY || event.deltaX));
    }, { passive: false });

    // The mask that a click here would give, while Shift is held or a finger rests. One question is out at a time; the newest place is
    // asked next.

    const preview = () => {
      if (!drag || drag.moved) return;
      drag.held = true;
      if (navigator.vibrate) navigator.vibrate(20);
      ask();
    };
    const wanted = () => {
      const spot = drag ? drag.held && { ...drag.start, positive: drag.positive } : hover && hover.shift && { ...hover, positive: adds(hover.alt) };
      if (!spot || !marking() || !clicking() || !studio.place || state.playing) return null;
      const at = toSource(spot);
      if (!inside(at)) return null;
      const query = new URLSearchParams({ x: tenth(Math.min(at.x, state.view.clip.width - 0.1)), y: tenth(Math.min(at.y, state.view.clip.height - 0.1)), positive: String(spot.positive) });
      if (state.object !== null) query.set("object_id", String(state.object));
      const width = Math.round(state.view.clip.width * Math.min(1, studio.place.scale * devicePixelRatio));
      query.set("w", String(width));
      return `${studio.address(`preview/${state.frame}.png`)}?${query}`;
    };
    const forget = () => {
      if (asking) { asking.stop.abort(); asking = null; }
      if (shown) { shown.bitmap.close(); shown = null; redraw(); }
    };
    const ask = async () => {
      const key = wanted();
      if (!key) return forget();
      if (asking || (shown && shown.key === key)) return;
      const mine = { key, stop: new AbortController() };
      asking = mine;
      try {
        const answer = await fetch(key, { signal: mine.stop.signal });
        const bitmap = answer.ok ? await createImageBitmap(await answer.blob()) : null;
        if (asking !== mine) { if (bitmap) bitmap.close(); return; }
        if (shown) shown.bitmap.close();
        shown = bitmap ? { key, bitmap, frame: state.frame } : null;
        redraw();
      } catch { /* stopped, or the program is gone: the next click says so */ }
      if (asking === mine) { asking = null; if (wanted() !== key) ask(); }
    };
    studio.hovered = () => (shown && shown.frame === state.frame ? shown.bitmap : null);
    const modifiers = (event) => {
      if (!hover || (event.key !== "Shift" && event.key !== "Alt" && event.key !== "Control")) return;
      Object.assign(hover, { shift: event.shiftKey, alt: event.altKey || event.ctrlKey });
      ask();
    };
    window.addEventListener("keydown", modifiers);
    window.addEventListener("keyup", modifiers);
    studio.on("frame object step tool view", () => { if (shown || asking) { forget(); ask(); } });

    // What is being done, drawn over everything

    studio.drawPointer = (context, place, drawPrompt) => {
      if (drag && drag.kind === "mark" && drag.moved && drag.box) drawPrompt({ kind: "box", ...drag.box }, null, 1, true);
      if (drag && drag.kind === "stroke") studio.drawStroke(context, drag);
      if (state.cursor) {
        const { x, y } = state.cursor;
        if (corner) drawPrompt({ kind: "box", x0: Math.min(corner.x, x), y0: Math.min(corner.y, y), x1: Math.max(corner.x, x), y1: Math.max(corner.y, y) }, null, 1, true);
        for (const [width, colour] of [[3.5, "rgba(0,0,0,.6)"], [1.5, "#fff"]]) {
          const reach = 14 / place.scale;
          context.lineWidth = width / place.scale;
          context.strokeStyle = colour;
          context.beginPath();
          context.moveTo(x - reach, y);
          context.lineTo(x + reach, y);
          context.moveTo(x, y - reach);
          context.lineTo(x, y + reach);
          if (painting()) { context.moveTo(x + brush(), y); context.arc(x, y, brush(), 0, 2 * Math.PI); }
          context.stroke();
        }
      }
      if (hover && painting() && (!drag || drag.kind === "stroke")) {
        const at = toSource(hover);
        for (const [width, colour] of [[3, "rgba(0,0,0,.6)"], [1.4, "#fff"]]) {
          context.lineWidth = width / place.scale;
          context.strokeStyle = colour;
          context.beginPath();
          context.arc(at.x, at.y, brush(), 0, 2 * Math.PI);
          context.stroke();
        }
      }
    };

    // The tools beside the picture

    const tools = [...ref.tools.querySelectorAll("[data-tool]")];
    for (const button of tools) button.addEventListener("click", () => studio.set({ tool: button.dataset.tool }));
    ref.size.addEventListener("input", () => studio.set({ brush: Math.round(2 ** Number(ref.size.value)) }));
    ref.zoomIn.addEventListener("click", () => zoom(1.5));
    ref.zoomOut.addEventListener("click", () => zoom(1 / 1.5));
    ref.fit.addEventListener("click", () => studio.lens.fit());
    studio.on("view step tool brush lens", () => {
      ref.tools.hidden = !marking();
      if (!marking() && state.cursor) { corner = null; studio.set({ cursor: null }); }
      ref.zooms.hidden = !state.view || state.step === "propagate" && Boolean(state.view.result);
      for (const button of tools) button.setAttribute("aria-pressed", String(button.dataset.tool === state.tool));
      ref.sizes.hidden = !painting();
      ref.size.value = String(Math.log2(Math.max(1, brush())));
      ref.size.setAttribute("aria-valuetext", `${Math.round(2 * brush())} pixels wide`);
      ref.fit.textContent = state.lens.zoom === 1 ? "Fit" : `${Math.round(state.lens.zoom * 100)} %`;
      ref.zoomOut.disabled = state.lens.zoom <= 1;
      ref.zoomIn.disabled = state.lens.zoom >= 16;
    });
  };
})();
