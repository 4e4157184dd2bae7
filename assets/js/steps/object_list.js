// The list of objects in the Select step: select, rename, hide, remove and merge.

import { register, run } from "../state/commands.js";
import { rgb } from "../state/format.js";
import { change, request } from "../state/requests.js";
import { progressOf } from "../state/selection.js";
import { set, state } from "../state/store.js";
import { focusText, iconButton, make, nameField } from "../widgets/dom.js";

/** Mount the list; returns `draw()`, to be called with a clip open. */
export const mountObjectList = (ref, server) => {
  let renaming = null; // id of an object
  let drawn = "";

  const ask = (name, values) => request(server, name, values);
  const rename = (object) => {
    renaming = object.id;
    drawList();
    const field = ref.objects.querySelector("input");
    if (field) focusText(field);
  };
  const field = (object) => {
    const attributes = { class: "vs-grow", maxlength: 80, "aria-label": `New name of ${object.name}` };
    return nameField(object.name, attributes, (name) => {
      if (renaming !== object.id) return;
      renaming = null;
      if (name && name !== object.name) ask("rename_object", { object_id: object.id, name });
      drawList();
    });
  };

  const nameOf = (object, current) => {
    const swatch = make("span", { class: "vs-swatch" });
    if (renaming === object.id) return make("span", { class: "vs-object" }, swatch, field(object));
    const attributes = {
      type: "button",
      class: "vs-object",
      "aria-pressed": String(current),
      title: `${object.name} (double-click to rename)`,
      onclick: () => set({ object: object.id }),
      ondblclick: () => rename(object),
    };
    const name = make("span", { class: "vs-object-name" }, object.name);
    return make(
      "button",
      attributes,
      swatch,
      name,
      make("span", { class: "vs-quiet" }, progressOf(state.view, object)),
    );
  };
  const row = (object) => {
    const { id, name, hidden } = object;
    const current = id === state.object;
    const main = nameOf(object, current);
    main.style.setProperty("--colour", rgb(object.colour));
    const pen = current && renaming !== id ? iconButton("pen", `Rename ${name}`, () => rename(object)) : null;
    const hide = iconButton(
      hidden ? "eyeoff" : "eye",
      hidden ? `Show ${name}` : `Hide ${name} from the picture`,
      () => ask("hide_object", { object_id: id, hidden: !hidden }),
      { "aria-pressed": String(hidden) },
    );
    const remove = iconButton("remove", `Remove ${name}`, () => ask("remove_object", { object_id: id }));
    const attributes = { "data-hidden": String(hidden), "data-current": String(current) };
    return make("li", attributes, main, pen, hide, remove);
  };

  const drawList = () => {
    const { view } = state;
    if (renaming !== null && !view.objects.some((object) => object.id === renaming)) renaming = null;
    const looks = view.objects.map((object) => {
      const { id, name, colour, hidden } = object;
      return [id, name, colour, hidden, progressOf(view, object)];
    });
    const key = JSON.stringify([renaming, state.object, looks]);
    if (key === drawn) return; // a job that runs asks for this several times a second
    drawn = key;
    const focused = [...ref.objects.querySelectorAll("button")].indexOf(document.activeElement);
    const { scrollTop } = ref.objects;
    ref.objects.replaceChildren(...view.objects.map(row));
    ref.objects.scrollTop = scrollTop;
    ref.objects.querySelector("[data-current=true]")?.scrollIntoView({ block: "nearest" });
    const buttons = ref.objects.querySelectorAll("button");
    if (focused >= 0 && buttons.length && renaming === null) {
      buttons[Math.min(focused, buttons.length - 1)].focus({ preventScroll: true });
    }
    if (!view.objects.length) {
      const own = make(
        "button",
        {
          type: "button",
          class: "vs-link",
          title: "A logo or a sign needs no object",
          onclick: () => run("addPicture"),
        },
        "add a picture of your own",
      );
      const words = make("span", {}, "No object yet. Click one on the picture, or ", own, ".");
      ref.objects.append(make("li", { class: "vs-blank" }, words));
    }
    drawMerge();
  };
  const drawMerge = () => {
    const others = state.view.objects.filter((object) => object.id !== state.object);
    ref.merge.hidden = state.view.objects.length < 2;
    if (!others.length) ref.mergeRow.hidden = true;
    const options = others.map((object) => make("option", { value: object.id }, object.name));
    ref.mergeWith.replaceChildren(make("option", { value: "" }, "choose …"), ...options);
  };

  const add = () =>
    change(server, "add_object").then(
      (answer) => set({ object: answer.object }),
      () => {},
    );
  register({ addObject: add });
  ref.add.addEventListener("click", add);
  ref.merge.addEventListener("click", () => {
    ref.mergeRow.hidden = !ref.mergeRow.hidden;
    if (!ref.mergeRow.hidden) ref.mergeWith.focus();
  });
  ref.mergeWith.addEventListener("change", () => {
    if (!ref.mergeWith.value) return;
    ask("merge_objects", { object_id: state.object, other_id: Number(ref.mergeWith.value) });
    ref.mergeRow.hidden = true;
  });

  return () => {
    const typing = renaming !== null && ref.objects.contains(document.activeElement);
    if (!typing) drawList();
  };
};
