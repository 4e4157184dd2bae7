// The objects in the Adjust step: a tick says whether one is edited, a button whether one that is
// not stays in front of the edit, the selected row whose adjustment the controls show.

import { rgb } from "../state/format.js";
import { request } from "../state/requests.js";
import { markedObjects } from "../state/selection.js";
import { state } from "../state/store.js";
import { make, textButton } from "../widgets/dom.js";

/**
 * Mount the list. `choose(id)` is called when a row is selected, with null for all objects. Returns
 * `draw(who)`, which returns the id of the row that is selected then: null when the list is not
 * needed.
 */
export const mountAdjustedObjects = (ref, server, choose) => {
  let drawn = "";

  const tickOf = ({ id, name, edited }) => {
    const setEdited = (event) => request(server, "set_edited", { object_id: id, edited: event.target.checked });
    const title = edited ? `${name} is edited` : `${name} stays as it is`;
    const attributes = { type: "checkbox", "aria-label": `Edit ${name}`, title, onchange: setEdited };
    const tick = make("input", attributes);
    tick.checked = edited;
    return tick;
  };
  const frontOf = ({ id, name, edited, in_front: inFront }) => {
    if (edited) return null;
    const setFront = () => request(server, "set_in_front", { object_id: id, in_front: !inFront });
    const title = inFront ? `The edit never hides ${name}` : `Let ${name} hide the edit where it passes before it`;
    const attributes = { "aria-pressed": String(inFront), "aria-label": `Keep ${name} in front` };
    return textButton("In front", title, setFront, attributes);
  };
  const rowButton = (id, who, title, ...children) => {
    const attributes = { type: "button", class: "vs-object", "aria-pressed": String(id === who), title };
    return make("button", { ...attributes, onclick: () => choose(id) }, ...children);
  };
  const row = (object, who) => {
    const { id, name, adjustment, hidden } = object;
    const note = [adjustment ? "own" : "", hidden ? "hidden" : ""].filter(Boolean).join(", ");
    const about = [`Adjust ${name} alone`];
    if (adjustment) about.push("it has settings of its own");
    if (hidden) about.push("it is hidden in the picture, which changes nothing of the edit");
    const swatch = make("span", { class: "vs-swatch" });
    const words = [make("span", { class: "vs-object-name" }, name), make("span", { class: "vs-quiet" }, note)];
    const button = rowButton(id, who, about.join("; "), swatch, ...words);
    button.style.setProperty("--colour", rgb(object.colour));
    const attributes = { "data-current": String(id === who), "data-off": String(!object.edited) };
    return make("li", attributes, tickOf(object), button, frontOf(object));
  };
  const allRow = (objects, who) => {
    const edited = objects.filter((object) => object.edited).length;
    const name = make("span", { class: "vs-object-name" }, "All objects");
    const count = make("span", { class: "vs-quiet" }, `${edited} of ${objects.length}`);
    const button = rowButton(null, who, "Adjust all objects that have no settings of their own", name, count);
    return make("li", { "data-current": String(who === null) }, button);
  };

  return (wanted) => {
    const objects = markedObjects(state.view);
    ref.who.hidden = objects.length < 2 && objects.every((object) => object.edited && !object.adjustment);
    const who = ref.who.hidden || !objects.some((object) => object.id === wanted) ? null : wanted;
    const looks = objects.map((object) => {
      const { id, name, colour, hidden, edited, adjustment, in_front: inFront } = object;
      return [id, name, colour, hidden, edited, adjustment, inFront];
    });
    const key = JSON.stringify([state.view.id, who, looks]);
    if (key === drawn) return who;
    drawn = key;
    const controls = () => [...ref.who.querySelectorAll("button, input")];
    const focused = controls().indexOf(document.activeElement);
    const { scrollTop } = ref.who;
    ref.who.replaceChildren(allRow(objects, who), ...objects.map((object) => row(object, who)));
    ref.who.scrollTop = scrollTop;
    if (focused >= 0) {
      const next = controls()[Math.min(focused, controls().length - 1)] || ref.reset;
      next.focus({ preventScroll: true });
    }
    return who;
  };
};
