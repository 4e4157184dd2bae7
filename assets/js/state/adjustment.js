// The numbers of an adjustment: what a slider's position means and what may be typed. Nothing here
// touches the page.

import { clamp } from "./geometry.js";

const ALL = -1; // holes of any size
const LAST = 16; // the position of the slider that means so; before it, each step doubles

/**
 * The size of holes to fill at a position of the slider: 0, 4, 8, ... pixels, and ALL at its end.
 */
export const holesAt = (position) => {
  if (position === 0) return 0;
  return position === LAST ? ALL : 2 ** (position + 1);
};

export const positionOfHoles = (holes) => {
  if (holes === ALL) return LAST;
  return holes === 0 ? 0 : clamp(Math.round(Math.log2(holes)) - 1, 1, LAST - 1);
};

// by name: what a slider's position means and back, how the value is written, and its range
const whole = { read: Number, show: String, position: Number };
const holes = {
  read: (position) => holesAt(Number(position)),
  show: (value) => (value === ALL ? "all" : String(value)),
  position: positionOfHoles,
};
export const FIELDS = {
  pixels: { ...whole, least: -500, most: 500 },
  feather: { ...whole, least: 0, most: 200 },
  holes: { ...holes, least: 0, most: 1e7 },
  smooth: { ...whole, least: 0, most: 15 },
};

/** The value that was typed into a field; null when it is none. */
export const typedValue = (name, text) => {
  const { least, most } = FIELDS[name];
  const typed = text.trim().toLowerCase();
  if (name === "holes" && typed === "all") return ALL;
  return /^[-−]?\d+$/.test(typed) ? clamp(Number(typed.replace("−", "-")), least, most) : null;
};

/** The value one step of an arrow key up or down. */
export const steppedValue = (name, value, step) => {
  const { least, most } = FIELDS[name];
  if (name !== "holes") return clamp(value + step, least, most);
  return holesAt(clamp(positionOfHoles(value) + step, 0, LAST));
};

/** Whether a form grows or shrinks by `pixels`. */
export const formExpands = (form) => form.endsWith("expand");

/** Whether a form can have holes. */
export const formHasHoles = (form) => !form.startsWith("hull") && !form.startsWith("box");

/** The forms as the page names them. */
export const FORM_NAMES = {
  none: "Exact",
  expand: "Wider",
  hull: "Hull",
  "hull+expand": "Wide hull",
  box: "Box",
  "box+expand": "Wide box",
};
