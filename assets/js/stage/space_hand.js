// The space bar: let go it plays; held it turns the pointer into a hand that moves the picture.

import { register, run } from "../state/commands.js";

let held = false;
let used = false; // the picture was moved: letting go does not play

export const handIsHeld = () => held;

export const noteHandUsed = () => {
  used = true;
};

const hold = (on) => {
  held = on;
  document.body.classList.toggle("vs-space", on);
  if (on) used = false;
};

register({
  holdSpace: () => hold(true),
  dropSpace: () => hold(false),
  releaseSpace: () => {
    if (!held) return;
    hold(false);
    if (!used) run("togglePlay");
  },
});
