// Step 4: a picture of a person's own, laid on the frame as a try.

import { register } from "../state/commands.js";
import { canLie, firstCorners, flipped, middleOf, shifted, pinned, scaled, turned } from "../state/laying.js";
import { isActive, onJobDone } from "../state/jobs.js";
import { clearMessage, showMessage } from "../state/messages.js";
import { goTo, openStep, projectUrl } from "../state/project.js";
import { ask, change, post, request } from "../state/requests.js";
import { set, state } from "../state/store.js";
import { tryTitle } from "../state/tries.js";

const LOST = "The picture did not arrive: see that the program still runs, then bring it again.";
const FITTED = { light: 0.7, brightness: 0, grain: true, shadow: null, shutter: 0 };
const USUAL = { follows: "auto", opacity: 1, blend: "normal", ...FITTED };
const SHUTTER = 0.5; // of the time between two frames: a usual camera's
const SHADOW = { angle: 60, length: 0.6, softness: 0.35, strength: 0.45, stands: true };
const NONE_SEEN = "No shadow of an object is seen on this frame: set it by hand.";
const NUDGES = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, -1], arrowdown: [0, 1] };

const update = (changes) => set({ laying: { ...state.laying, ...changes } });

/** Move, scale, turn or pin by a key; whether the key was one of these. */
const nudge = (event, key) => {
  const { corners, pins, corner } = state.laying;
  const large = event.shiftKey;
  const way = NUDGES[key];
  if (way) {
    const by = way.map((each) => each * (large ? 10 : 1));
    const to = [corners[corner][0] + by[0], corners[corner][1] + by[1]];
    update({ corners: pins ? pinned(corners, corner, to) : shifted(corners, by) });
  } else if (key === "[" || key === "]") update({ corners: scaled(corners, key === "]" ? 1.02 : 1 / 1.02) });
  else if (key === "," || key === ".") update({ corners: turned(corners, key === "." ? 1 : -1) });
  else if (key === "c" && pins) update({ corner: (corner + 1) % 4 });
  else return false;
  return true;
};

/**
 * Mount the form. Returns `take(file, name)`, which brings a picture in, `again(edit)`, which lays
 * that of a try anew, and `draw()`, which says whether a picture is being laid.
 */
export const mountLayPicture = (ref, server) => {
  const fields = {
    follows: [ref.layFollows, (value) => value],
    light: [ref.layLight, (value) => Number(value) / 100],
    brightness: [ref.layBrightness, (value) => Number(value) / 10],
    opacity: [ref.layOpacity, (value) => Number(value) / 100],
    blend: [ref.layBlend, (value) => value],
  };
  // of the shadow: the control, and which of its values is 1
  const shadowFields = {
    angle: [ref.layAngle, 1],
    length: [ref.layLength, 100],
    softness: [ref.laySoft, 100],
    strength: [ref.layDark, 100],
  };
  const panes = [...ref.layPanes.querySelectorAll("input")];
  let lastShadow = SHADOW; // what a shadow that is switched on again is like
  const shade = (changes) => {
    lastShadow = { ...(state.laying.shadow || lastShadow), ...changes };
    update({ shadow: lastShadow });
  };
  const modes = [...ref.layModes.querySelectorAll("input")];

  const begin = (laying) => {
    set({ playing: false, tryId: null, laying: { ...USUAL, pins: false, corner: 0, ...laying } });
  };
  const end = () => set({ laying: null });

  const take = async (file, name = file.name) => {
    if (!file || !state.view) return;
    ref.layChoose.disabled = true;
    const answer = await post(`${projectUrl("picture")}?name=${encodeURIComponent(name)}`, file);
    ref.layChoose.disabled = false;
    ref.layFile.value = "";
    if (!answer || !answer.ok) {
      showMessage(answer ? await answer.text() : LOST, "error", { about: "take_insert" });
      return;
    }
    clearMessage("take_insert");
    const { picture } = await answer.json();
    const taken = await ask(server, "take_insert", { project_id: state.view.id, picture, name }).catch(() => null);
    if (!taken) return;
    if (taken.notes.length) showMessage(taken.notes.join(" "), "info", { about: "picture" });
    begin({ picture: taken.file, name, parent: null, corners: firstCorners(state.view.clip, taken.size) });
  };
  ref.layChoose.addEventListener("click", () => ref.layFile.click());
  ref.layFile.addEventListener("change", () => take(ref.layFile.files[0]));

  register({
    addPicture: () => {
      openStep("keyframe", { anyway: true });
      ref.layFile.click();
    },
  });

  // The picture of a try laid otherwise, as a try of its own
  const again = (edit) => {
    goTo(edit.frame);
    begin({ ...edit.insert, name: tryTitle(edit), parent: edit.id });
  };

  for (const [name, [control, valueOf]] of Object.entries(fields)) {
    control.addEventListener("input", () => update({ [name]: valueOf(control.value) }));
  }
  for (const [name, [control, whole]] of Object.entries(shadowFields)) {
    control.addEventListener("input", () => shade({ [name]: Number(control.value) / whole }));
  }
  ref.layCasts.addEventListener("change", () => (ref.layCasts.checked ? shade({}) : update({ shadow: null })));
  ref.layStands.addEventListener("change", () => {
    const stands = ref.layStands.value === "stands";
    shade(stands ? { stands } : { stands, length: Math.min(lastShadow.length, 0.12) });
  });
  ref.layShot.addEventListener("click", () => request(server, "look_for_shadow", { frame: state.frame }));
  onJobDone("shadow", (job) => {
    if (!state.laying || job.state !== "done") return;
    if (job.result.shadow) shade({ ...job.result.shadow, stands: lastShadow.stands });
    else showMessage(NONE_SEEN, "info", { about: "shadow" });
  });
  for (const radio of panes) radio.addEventListener("change", () => draw());
  ref.layGrain.addEventListener("change", () => update({ grain: ref.layGrain.checked }));
  ref.layMotion.addEventListener("change", () => update({ shutter: ref.layMotion.checked ? SHUTTER : 0 }));
  for (const radio of modes) radio.addEventListener("change", () => update({ pins: radio.value === "pins" }));
  ref.layFlip.addEventListener("click", () => update({ corners: flipped(state.laying.corners) }));
  ref.layCancel.addEventListener("click", end);

  const add = () => {
    const { picture, corners, follows, opacity, blend, name, parent } = state.laying;
    const fitted = Object.fromEntries(Object.keys(FITTED).map((key) => [key, state.laying[key]]));
    const insert = { picture, corners, follows, opacity, blend, ...fitted };
    ref.layAdd.disabled = true;
    const added = (answer) => set({ laying: null, tryId: answer.edit });
    change(server, "lay_insert", { frame: state.frame, ...insert, name, parent })
      .then(added, () => {})
      .finally(() => {
        ref.layAdd.disabled = false;
      });
  };
  ref.layAdd.addEventListener("click", add);

  register({
    layingKey: (event, key) => {
      if (!state.laying || state.step !== "keyframe" || event.target.closest("input, select")) return false;
      if (key === "escape") end();
      else if (key === "enter" && !event.target.closest("button")) add();
      else return nudge(event, key);
      return true;
    },
  });

  const drawShadow = (shadow) => {
    const now = shadow || lastShadow;
    ref.layCasts.checked = Boolean(shadow);
    ref.layStands.value = now.stands ? "stands" : "flat";
    ref.layStands.disabled = !shadow;
    ref.layShot.disabled = isActive("shadow") || !state.view.objects.some((object) => object.edited);
    for (const [name, [control, whole]] of Object.entries(shadowFields)) {
      control.value = String(Math.round(now[name] * whole));
      control.disabled = !shadow;
      ref[`${control.dataset.ref}Text`].textContent = `${control.value}${whole === 1 ? "°" : " %"}`;
    }
    const shown = panes.find((radio) => radio.checked).value;
    ref.layLightPane.hidden = shown !== "light";
    ref.layShadowPane.hidden = shown !== "shadow";
    ref.layWhere.hidden = shown === "shadow"; // or the button would not fit
  };
  const drawForm = () => {
    const { laying } = state;
    ref.layName.textContent = ref.layName.title = laying.name;
    for (const radio of modes) radio.checked = (radio.value === "pins") === laying.pins;
    ref.layFollows.value = laying.follows;
    ref.layLight.value = String(Math.round(laying.light * 100));
    ref.layBrightness.value = String(Math.round(laying.brightness * 10));
    ref.layOpacity.value = String(Math.round(laying.opacity * 100));
    ref.layBlend.value = laying.blend;
    ref.layGrain.checked = laying.grain;
    ref.layMotion.checked = laying.shutter > 0;
    ref.layLightText.textContent = `${ref.layLight.value} %`;
    ref.layBrightnessText.textContent = `${laying.brightness > 0 ? "+" : ""}${laying.brightness.toFixed(1)}`;
    ref.layOpacityText.textContent = `${ref.layOpacity.value} %`;
    const [x, y] = middleOf(laying.corners).map(Math.round);
    ref.layWhere.textContent = laying.pins
      ? "Drag each corner to where it belongs. C goes to the next one, arrows move it."
      : `Drag it, its corners or its knob. Its middle is at ${x}, ${y}. Arrows move it, [ ] scale, , . turn it.`;
    drawShadow(laying.shadow);
    ref.layAdd.disabled = !canLie(laying.corners);
  };
  let project = null;
  const draw = () => {
    if (project !== state.view.id) {
      project = state.view.id;
      if (state.laying) end();
    }
    const laying = Boolean(state.laying);
    ref.layForm.hidden = !laying;
    ref.tryForm.hidden = laying;
    if (laying) drawForm();
    return laying;
  };
  return { take, again, draw };
};
