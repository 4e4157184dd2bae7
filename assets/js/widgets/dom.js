// Elements of the page: making them, finding them in a part's markup, and giving the keyboard's
// focus back.

import { icons } from "./icons.js";

/**
 * An element with attributes and children. `onclick: f` listens; true sets a bare attribute, false
 * and null set none.
 */
export const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
};

/** Draw the icons of all elements in `root` that name one and have none yet. */
export const drawIcons = (root) => {
  for (const node of root.querySelectorAll("[data-icon]")) {
    const svg = icons[node.dataset.icon];
    if (svg && !node.querySelector("svg")) node.insertAdjacentHTML("afterbegin", svg);
  }
};

/** The elements of a part's markup that scripts use, by their data-ref. */
export const refs = (element) =>
  Object.fromEntries([...element.querySelectorAll("[data-ref]")].map((node) => [node.dataset.ref, node]));

/** A small button with words on it. */
export const textButton = (label, title, onclick, more = {}) =>
  make("button", { type: "button", class: "vs-button vs-small", title, onclick, ...more }, label);

/** A button that shows an icon. */
export const iconButton = (icon, label, onclick, more = {}) => {
  const attributes = { type: "button", class: "vs-icon-button", "data-icon": icon, "aria-label": label, title: label };
  const node = make("button", { ...attributes, onclick, ...more });
  node.insertAdjacentHTML("afterbegin", icons[icon]);
  return node;
};

/** Rows of a list of facts: [[name, value], ...]. */
export const factRows = (facts) => facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);

/** The whole number in a field; null when it is empty. */
export const wholeNumber = (input) => (input.value === "" ? null : Math.round(Number(input.value)));

/** The number in a field; null when it is empty. */
export const numberIn = (input) => (input.value === "" ? null : Number(input.value));

export const rootFontSize = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

export const studioElement = () => document.getElementById("studio");

/** A square piece of a try's picture for lists. */
export const thumbnail = (address) =>
  make("img", { class: "vs-thumb", src: address, alt: "", loading: "lazy", decoding: "async" });

/** Put the keyboard into a text field, all of its text selected. */
export const focusText = (field) => {
  field.focus();
  field.select();
};

/**
 * A text field in the place of a name. `done(name)` is called once with the new name, or with null
 * when it was given up; its second argument says whether a key ended it.
 */
export const nameField = (value, attributes, done) => {
  let over = false;
  const end = (name, byKey) => {
    if (over) return;
    over = true;
    done(name === null ? null : name.trim(), byKey);
  };
  return make("input", {
    type: "text",
    value,
    ...attributes,
    onblur: (event) => end(event.target.value, false),
    onkeydown: (event) => {
      event.stopPropagation();
      if (event.key === "Enter") end(event.target.value, true);
      if (event.key === "Escape") end(null, true);
    },
  });
};
