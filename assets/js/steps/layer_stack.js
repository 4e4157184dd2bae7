// The stack of accepted edits: switched on and off, moved and taken out.

import { request } from "../state/requests.js";
import { state } from "../state/store.js";
import { taskWords } from "../state/tries.js";
import { iconButton, make } from "../widgets/dom.js";

const NOTHING = " the object"; // what is said of an edit without a caption

/** Mount the stack; returns `draw()`, to be called with a clip open. */
export const mountLayerStack = (ref, server) => {
  let drawn = "";
  const send = (layers) => request(server, "set_layers", { layers: layers.map(({ id, enabled }) => [id, enabled]) });

  const row = (layer, i, layers) => {
    const name = taskWords(layer.asked[0] || { task: "modify", caption: "" }, NOTHING);
    const moveTo = (to) => {
      const list = [...layers];
      list.splice(to, 0, ...list.splice(i, 1));
      send(list);
    };
    const toggle = () => send(layers.map((other, j) => (j === i ? { ...other, enabled: !other.enabled } : other)));
    const box = make("input", { type: "checkbox", "aria-label": `${name}: on`, onchange: toggle });
    box.checked = layer.enabled;
    const title = layer.enabled ? "Switch off" : "Switch on";
    const takeOut = () => send(layers.filter((_, j) => j !== i));
    return make(
      "li",
      { class: "vs-layer", "data-off": String(!layer.enabled) },
      make("label", { title }, box, make("span", {}, name)),
      iconButton("up", `Move ${name} up`, () => moveTo(i + 1), { disabled: i === layers.length - 1 }),
      iconButton("down", `Move ${name} down`, () => moveTo(i - 1), { disabled: i === 0 }),
      iconButton("remove", `Take ${name} out`, takeOut),
    );
  };

  return () => {
    const { id, layers } = state.view;
    ref.stackSection.hidden = !layers.length;
    const key = JSON.stringify([id, layers]);
    if (key === drawn) return;
    drawn = key;
    ref.stack.replaceChildren(...layers.map(row).reverse());
  };
};
