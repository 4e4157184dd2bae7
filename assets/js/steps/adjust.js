// Step 3: what becomes of the masks. While a slider moves, one request is out at a time and the
// latest value wins.

import { FIELDS, formExpands, formHasHoles, steppedValue, typedValue } from "../state/adjustment.js";
import { openStep } from "../state/project.js";
import { request } from "../state/requests.js";
import { objectById } from "../state/selection.js";
import { on, set, state } from "../state/store.js";
import { mountAdjustedObjects } from "./adjusted_objects.js";
import { mountFormPreviews } from "./form_previews.js";

export const mountAdjust = (ref, server) => {
  const radios = [...ref.forms.querySelectorAll("input")];
  const usual = JSON.parse(ref.reset.dataset.usual);
  // the object whose adjustment the controls show; null: all that have none of their own
  let who = null;
  let values = { ...usual };
  const waiting = []; // at most one change for an object in a row
  let dragging = null; // name of the field whose slider is being moved

  const object = () => (who === null ? null : objectById(state.view, who));
  const stored = () => (object() && object().adjustment) || state.view.adjustment;

  // Sending. The first change of a drag is a step of its own for undo; what follows until it is let
  // go belongs to it.
  const send = async (changes, name) => {
    values = { ...values, ...changes };
    const merge = dragging === name;
    dragging = name;
    const newest = waiting[waiting.length - 1];
    const replaced = newest && newest.values.object_id === who ? waiting.pop() : null;
    waiting.push({
      values: { ...values, object_id: who, project_id: state.view.id },
      merge: merge && !(replaced && !replaced.merge),
    });
    show();
    if (state.adjusting) return;
    set({ adjusting: true });
    while (waiting.length) {
      const next = waiting.shift();
      await request(server, "set_adjustment", { ...next.values, merge: next.merge });
    }
    set({ adjusting: false });
    take();
  };
  const sendOnce = (changes, name) => {
    dragging = null;
    send(changes, name);
    dragging = null;
  };
  const take = () => {
    if (!state.view || state.adjusting) return;
    values = { ...stored() };
    show();
  };

  // The controls

  const showField = (name, off) => {
    const field = FIELDS[name];
    const [slider, number] = [ref[name], ref[`${name}Number`]];
    slider.value = field.position(values[name]);
    slider.setAttribute("aria-valuetext", `${field.show(values[name])} ${name === "smooth" ? "frames" : "pixels"}`);
    if (document.activeElement !== number || number.dataset.typed !== "true") number.value = field.show(values[name]);
    slider.disabled = number.disabled = off;
  };
  const show = () => {
    const expands = formExpands(values.form);
    const open = formHasHoles(values.form);
    for (const radio of radios) radio.checked = radio.value === values.form;
    for (const name of Object.keys(FIELDS)) {
      showField(name, (name === "pixels" && !expands) || (name === "holes" && !open));
    }
    ref.pixels.closest(".vs-slider").dataset.off = String(!expands);
    ref.holes.closest(".vs-slider").dataset.off = String(!open);
    const one = object();
    ref.reset.disabled = one ? !one.adjustment : Object.keys(usual).every((key) => values[key] === usual[key]);
    ref.reset.title = one ? `Give ${one.name} the settings of all objects again` : "Back to how it was at first";
    ref.title.textContent = ref.who.hidden ? "Form" : "Objects to edit";
  };
  for (const radio of radios) radio.addEventListener("change", () => sendOnce({ form: radio.value }, "form"));
  for (const [name, field] of Object.entries(FIELDS)) {
    const [slider, number] = [ref[name], ref[`${name}Number`]];
    const drop = () => {
      dragging = null;
    };
    slider.addEventListener("input", () => send({ [name]: field.read(slider.value) }, name));
    slider.addEventListener("change", drop);
    number.addEventListener("blur", drop);
    number.addEventListener("input", () => {
      number.dataset.typed = "true";
    });
    number.addEventListener("change", () => {
      number.dataset.typed = "false";
      const value = typedValue(name, number.value);
      if (value === null) show();
      else sendOnce({ [name]: value }, name);
    });
    // as a field for numbers would have it
    number.addEventListener("keydown", (event) => {
      const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      number.dataset.typed = "false";
      send({ [name]: steppedValue(name, values[name], step) }, name);
    });
  }
  ref.reset.addEventListener("click", () => {
    if (object()) request(server, "follow_others", { object_id: who });
    else sendOnce({ ...usual }, "reset");
  });
  ref.primary.addEventListener("click", () => openStep("keyframe"));

  // Objects and forms

  const choose = (id) => {
    who = id;
    dragging = null;
    values = { ...stored() };
    if (id !== null) set({ object: id });
    who = drawList(who);
    show();
    drawForms(who);
  };
  const drawList = mountAdjustedObjects(ref, server, choose);
  const drawForms = mountFormPreviews(ref.forms);

  let project = null;
  on("view", () => {
    if (!state.view) return;
    if (project !== state.view.id) {
      project = state.view.id;
      who = null;
    }
    who = drawList(who);
    take();
    const { open, reason } = state.view.steps.keyframe;
    ref.primary.disabled = !open;
    ref.reason.textContent = reason;
  });
  on("view frame step playing", () => drawForms(who));
};
