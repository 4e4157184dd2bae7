"use strict";
// Step 3: what becomes of the masks. While a slider moves, one request is out at a time and the latest value wins; so with the six pictures.
(() => {
  const { state, make } = studio;
  const ALL = -1; // holes of any size
  const LAST = 16; // the place on the slider that means so; before it every step is twice the one before
  const holesAt = (place) => (place === 0 ? 0 : place === LAST ? ALL : 2 ** (place + 1));
  const placeOf = (holes) => (holes === ALL ? LAST : holes === 0 ? 0 : Math.min(LAST - 1, Math.max(1, Math.round(Math.log2(holes)) - 1)));
  const FIELDS = {
    pixels: { read: Number, show: String, place: Number, least: -500, most: 500 },
    feather: { read: Number, show: String, place: Number, least: 0, most: 200 },
    holes: { read: (place) => holesAt(Number(place)), show: (value) => (value === ALL ? "all" : String(value)), place: placeOf, least: 0, most: 1e7 },
    smooth: { read: Number, show: String, place: Number, least: 0, most: 15 },
  };

  studio.parts.adjust = (ref, server) => {
    const radios = [...ref.forms.querySelectorAll("input")];
    const pictures = [...ref.forms.querySelectorAll("canvas")];
    const usual = JSON.parse(ref.reset.dataset.usual);
    let who = null; // the object whose adjustment the controls show; null: of all that have none of their own
    let values = { ...usual };
    let waiting = []; // at most one change for an object in a row
    let sending = false;
    let dragging = null;

    const one = () => (who === null ? null : state.view.objects.find((object) => object.id === who));
    const stored = () => (one() && one().adjustment) || state.view.adjustment;

    // Sending. The first change of a drag is a step of its own; what follows until it is let go belongs to it.
    const send = async (changes, name) => {
      values = { ...values, ...changes };
      const merge = dragging === name;
      dragging = name;
      const last = waiting.length && waiting[waiting.length - 1].values.object_id === who ? waiting.pop() : null;
      waiting.push({ values: { ...values, object_id: who, project_id: state.view.id }, merge: merge && !(last && !last.merge) });
      show();
      if (sending) return;
      sending = studio.adjusting = true;
      while (waiting.length) {
        const next = waiting.shift();
        await studio.change(server, "set_adjustment", { ...next.values, merge: next.merge }).catch(() => {});
      }
      sending = studio.adjusting = false;
      take();
      studio.redraw();
    };
    const take = () => {
      if (!state.view || sending) return;
      values = { ...stored() };
      show();
    };

    // The controls

    const show = () => {
      const widens = values.form.endsWith("expand");
      const open = !values.form.startsWith("hull") && !values.form.startsWith("box");
      for (const radio of radios) radio.checked = radio.value === values.form;
      for (const [name, field] of Object.entries(FIELDS)) {
        const number = ref[`${name}Number`];
        ref[name].value = field.place(values[name]);
        ref[name].setAttribute("aria-valuetext", `${field.show(values[name])} ${name === "smooth" ? "frames" : "pixels"}`);
        if (document.activeElement !== number || number.dataset.typed !== "true") number.value = field.show(values[name]);
        ref[name].disabled = number.disabled = (name === "pixels" && !widens) || (name === "holes" && !open);
      }
      ref.pixels.closest(".vs-slider").dataset.off = String(!widens);
      ref.holes.closest(".vs-slider").dataset.off = String(!open);
      const same = Object.keys(usual).every((key) => values[key] === usual[key]);
      ref.reset.disabled = one() ? !one().adjustment : same;
      ref.reset.title = one() ? `Let ${one().name} follow all objects again` : "Back to how it was at first";
      ref.title.textContent = ref.who.hidden ? "Form" : "Objects to edit";
    };
    for (const radio of radios) radio.addEventListener("change", () => { dragging = null; send({ form: radio.value }, "form"); dragging = null; });
    for (const [name, field] of Object.entries(FIELDS)) {
      const number = ref[`${name}Number`];
      ref[name].addEventListener("input", () => send({ [name]: field.read(ref[name].value) }, name));
      ref[name].addEventListener("change", () => { dragging = null; });
      number.addEventListener("input", () => { number.dataset.typed = "true"; });
      number.addEventListener("change", () => {
        number.dataset.typed = "false";
        const text = number.value.trim().toLowerCase();
        const value = name === "holes" && text === "all" ? ALL : /^[-−]?\d+$/.test(text) ? Math.min(field.most, Math.max(field.least, Number(text.replace("−", "-")))) : null;
        dragging = null;
        if (value === null) show(); else send({ [name]: value }, name);
        dragging = null;
      });
      // as a field for numbers would have it
      number.addEventListener("keydown", (event) => {
        const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        number.dataset.typed = "false";
        const place = name === "holes" ? field.read(Math.min(LAST, Math.max(0, placeOf(values.holes) + step))) : Math.min(field.most, Math.max(field.least, values[name] + step));
        send({ [name]: place }, name);
      });
      number.addEventListener("blur", () => { dragging = null; });
    }
    ref.reset.addEventListener("click", () => {
      dragging = null;
      if (one()) studio.change(server, "follow_others", { object_id: who }).catch(() => {});
      else send({ ...usual }, "reset");
      dragging = null;
    });
    ref.primary.addEventListener("click", () => studio.openStep("keyframe"));

    // The objects: a tick says whether one is edited, the row chosen says whose adjustment the controls show.

    const choose = (id) => {
      who = id;
      dragging = null;
      values = { ...stored() };
      if (id !== null) studio.set({ object: id });
      drawList();
      show();
      drawForms();
    };
    const row = (object) => {
      const swatch = make("span", { class: "vs-swatch" });
      const note = [object.adjustment ? "own" : "", object.hidden ? "hidden" : ""].filter(Boolean).join(", ");
      const about = [`Adjust ${object.name} alone`, object.adjustment ? "it has settings of its own" : "", object.hidden ? "it is hidden in the picture, which changes nothing of the edit" : ""].filter(Boolean).join("; ");
      const tick = make("input", { type: "checkbox", "aria-label": `Edit ${object.name}`, title: object.edited ? `${object.name} is edited` : `${object.name} stays as it is`,
        onchange: (event) => studio.change(server, "set_edited", { object_id: object.id, edited: event.target.checked }).catch(() => {}) });
      tick.checked = object.edited;
      const main = make("button", { type: "button", class: "vs-object", "aria-pressed": String(object.id === who), title: about, onclick: () => choose(object.id) },
        swatch, make("span", { class: "vs-object-name" }, object.name), make("span", { class: "vs-quiet" }, note));
      main.style.setProperty("--colour", studio.rgb(object.colour));
      return make("li", { "data-current": String(object.id === who), "data-off": String(!object.edited) }, tick, main);
    };
    let drawn = "";
    const drawList = () => {
      const objects = state.view.objects.filter((object) => object.marked);
      ref.who.hidden = objects.length < 2 && objects.every((object) => object.edited && !object.adjustment);
      if (ref.who.hidden || (who !== null && !objects.some((object) => object.id === who))) who = null;
      const key = JSON.stringify([who, objects.map((object) => [object.id, object.name, object.colour, object.hidden, object.edited, object.adjustment])]);
      if (key === drawn) return;
      drawn = key;
      const controls = () => [...ref.who.querySelectorAll("button, input")];
      const focused = controls().indexOf(document.activeElement);
      const all = make("button", { type: "button", class: "vs-object", "aria-pressed": String(who === null), title: "Adjust all objects that have no settings of their own", onclick: () => choose(null) },
        make("span", { class: "vs-object-name" }, "All objects"), make("span", { class: "vs-quiet" }, `${objects.filter((object) => object.edited).length} of ${objects.length}`));
      const { scrollTop } = ref.who;
      ref.who.replaceChildren(make("li", { "data-current": String(who === null) }, all), ...objects.map(row));
      ref.who.scrollTop = scrollTop;
      if (focused >= 0) (controls()[Math.min(focused, controls().length - 1)] || ref.reset).focus({ preventScroll: true });
    };

    // The six forms on this frame: one picture with all of them, cut up here. One is on its way at a time, and each that comes is shown,
    // though the playhead may be further on; what is there stays until then.

    let asked = false;
    const cutUp = (sheet, of) => {
      const [w, h] = [sheet.width / pictures.length, sheet.height];
      for (const canvas of pictures) {
        if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
        canvas.getContext("2d").drawImage(sheet, Number(canvas.dataset.place) * w, 0, w, h, 0, 0, w, h);
      }
      Object.assign(ref.forms.dataset, of);
    };
    const drawForms = () => {
      if (state.step !== "adjust" || !state.view || asked || (state.playing && ref.forms.dataset.frame)) return;
      const { id, region_rev: rev } = state.view;
      const ratio = Math.min(3, devicePixelRatio || 1);
      const width = Math.min(480, Math.max(48, Math.ceil((pictures[0].clientWidth * ratio) / 24) * 24));
      const job = studio.activeJob();
      const live = job && job.kind === "track" && job.state === "running" ? `-${job.id}-${job.done}` : "";
      const url = `${studio.address(`forms/${state.frame}.jpg`)}?rev=${rev}${live}&w=${width}${who === null ? "" : `&object_id=${who}`}`;
      const of = { frame: state.frame, rev, who: who ?? "all" };
      const sheet = studio.pictures.get(url);
      if (sheet) { cutUp(sheet, of); return; }
      asked = true;
      const come = (picture) => {
        asked = false;
        if (picture && state.view.id === id) cutUp(picture, of);
        if (picture || state.frame !== of.frame || state.view.region_rev !== rev) drawForms(); // what can't be had is not asked for again and again
      };
      studio.pictures.load(url).then(come, () => come(null));
    };
    new ResizeObserver(drawForms).observe(ref.forms);

    let project = null;
    studio.on("view", () => {
      if (!state.view) return;
      if (project !== state.view.id) { project = state.view.id; who = null; drawn = ""; }
      drawList();
      take();
      const { open, reason } = state.view.steps.keyframe;
      ref.primary.disabled = !open;
      ref.reason.textContent = reason;
    });
    studio.on("view frame step playing", drawForms);
  };
})();
