// The keyframes that are propagated, and the choice to start anew from another try.

import { goTo } from "../state/project.js";
import { carriedWords } from "../state/result.js";
import { request } from "../state/requests.js";
import { state } from "../state/store.js";
import { isDirect, objectNames, taskWords } from "../state/tries.js";
import { iconButton, make } from "../widgets/dom.js";
import { tryThumbnail } from "./try_row.js";

const sameObjects = (one, other) => one.objects.join() === other.objects.join();

const keyframeWords = (edit) => taskWords(edit, " the object");

/** Mount the list; returns `draw()`, to be called with a clip open. */
export const mountAcceptedKeyframes = (ref, server) => {
  let drawn = "";

  const card = (edit, _, keyframes) => {
    const { clip } = state.view;
    const own = keyframes.filter((other) => sameObjects(other, edit)); // in the order of their frames
    const at = own.indexOf(edit);
    const from = at ? edit.frame : clip.start;
    const until = at + 1 < own.length ? own[at + 1].frame - 1 : clip.stop - 1;
    const alone = isDirect(edit) ? "the whole clip" : `frame ${edit.frame}`;
    const where = own.length < 2 ? alone : `frames ${from} to ${until}`;
    const reach = edit.objects.length ? `${objectNames(edit)}, ${where}` : where;
    const how = ref.carry.value === "auto" ? edit.carried : ref.carry.value;
    const carried = edit.task === "delete" ? "" : carriedWords(how); // what is removed is not carried
    const way = isDirect(edit) ? "without a keyframe" : carried;
    const go = { title: `Go to frame ${edit.frame}`, onclick: () => goTo(edit.frame) };
    const stale = make("span", { class: "vs-warn" }, "The masks changed since: try again in step 4.");
    const words = make(
      "div",
      {},
      make("button", { type: "button", class: "vs-keyname", ...go }, keyframeWords(edit)),
      make("span", { class: "vs-quiet" }, `${reach}, seed ${edit.seed}`),
      way ? make("span", { class: "vs-quiet" }, way) : null,
      edit.stale ? stale : null,
    );
    const leaveOut = () => request(server, "remove_keyframe", { edit_id: edit.id });
    const remove = iconButton("remove", `Leave out the keyframe on frame ${edit.frame}`, leaveOut);
    return make("li", { class: "vs-keycard" }, tryThumbnail(edit), words, keyframes.length > 1 ? remove : null);
  };
  ref.add.addEventListener("change", () => {
    if (ref.add.value) request(server, "add_keyframe", { edit_id: ref.add.value });
    ref.add.value = "";
  });

  const draw = () => {
    const { id, clip, edits, carried } = state.view;
    const keyframes = carried.map((one) => edits.find((edit) => edit.id === one)).filter(Boolean);
    const fits = (edit) => {
      const own = keyframes.filter((other) => sameObjects(other, edit));
      return own.length > 0 && !own.some((other) => other.frame === edit.frame) && ![edit, ...own].some(isDirect);
    };
    const others = edits.filter((edit) => !carried.includes(edit.id) && !edit.stale && fits(edit));
    const key = JSON.stringify([id, ref.carry.value, clip.start, clip.stop, keyframes, others.map((edit) => edit.id)]);
    if (key === drawn) return;
    drawn = key;
    ref.keys.replaceChildren(...keyframes.map(card));
    ref.addRow.hidden = !others.length || !keyframes.length;
    const option = (edit) =>
      make("option", { value: edit.id }, `frame ${edit.frame}: ${keyframeWords(edit)}, seed ${edit.seed}`);
    ref.add.replaceChildren(make("option", { value: "" }, "Start anew from another try …"), ...others.map(option));
    ref.keySection.hidden = !keyframes.length;
    ref.carryRow.hidden = keyframes.every((edit) => edit.task === "delete" || isDirect(edit));
  };
  ref.carry.addEventListener("change", draw);
  return draw;
};
