// Keyframes from and for other programs: the frame and its mask go out as files, a picture comes
// back, is looked at, and becomes a try.

import { sentence } from "../state/format.js";
import { clearMessage, showMessage } from "../state/messages.js";
import { goTo, projectUrl } from "../state/project.js";
import { ask, change, post } from "../state/requests.js";
import { set, state } from "../state/store.js";
import { make } from "../widgets/dom.js";
import { takeFiles } from "../widgets/drop_handling.js";
import { question } from "../widgets/question.js";

const PICTURE_LOST = "The picture did not arrive: see that the program still runs, then bring it again.";
const UNSAID = "Say in a few words what the region shows now: the video model reads it.";

/**
 * Mount the dialog. `caption()` is what stands in the step's caption, `seed()` in its seed field;
 * `lay(file, name)` lays a picture on the frame instead.
 * Returns `drawLinks(there)`: `there` says whether there is something to edit on the frame.
 */
export const mountKeyframeExchange = (ref, server, { caption, seed, lay }) => {
  const radios = [...ref.fits.querySelectorAll("input")];
  let incoming = null; // { picture, name, frame }
  let asked = 0; // the latest question; an earlier one's answer is not shown

  const options = () => {
    const chosen = ref.fits.hidden ? null : radios.find((radio) => radio.checked);
    return { fit: chosen ? chosen.value : "same", align: ref.align.checked, limit: ref.limit.checked };
  };

  // What the picture would look like as a try

  const preview = async () => {
    const turn = ++asked;
    ref.bringAdd.disabled = true;
    const values = { project_id: state.view.id, ...incoming, ...options() };
    const answer = await ask(server, "place_picture", values).catch(() => null);
    if (turn !== asked || !incoming) return;
    if (!answer) {
      ref.bring.close();
      return;
    }
    if (answer.choice && ref.fits.hidden) {
      // another shape: shown as it would be fitted in, for a person to choose
      ref.fits.hidden = false;
      radios[0].checked = true;
      preview();
      return;
    }
    if (answer.problem && !ref.bring.open) {
      showMessage(answer.problem, "error", { about: "picture" });
      incoming = null;
      return;
    }
    show(answer);
    if (ref.bring.open) return;
    ref.bring.showModal();
    ref.bringCaption.focus();
  };
  const show = (answer) => {
    const problem = Boolean(answer.problem);
    ref.preview.hidden = problem;
    if (!problem) ref.preview.src = answer.preview;
    const words = `Frame ${incoming.frame} as this try would show it, with the outline of the region`;
    ref.previewNote.textContent = problem ? "" : words;
    ref.bringWarning.textContent = sentence(answer.problem || answer.warning || ".");
    ref.bringWarning.hidden = !problem && !answer.warning;
    ref.bringAbout.replaceChildren(...(answer.about || []).map((line) => make("li", {}, line)));
    ref.bring.dataset.likeness = answer.likeness || "";
    ref.bringAdd.disabled = problem;
  };

  const take = async (file, name = file.name) => {
    if (!file || !state.view || ref.bring.open) return;
    set({ playing: false });
    ref.bringBack.disabled = true;
    const answer = await post(`${projectUrl("picture")}?name=${encodeURIComponent(name)}`, file);
    ref.bringBack.disabled = false;
    ref.file.value = "";
    if (!answer || !answer.ok) {
      showMessage(answer ? await answer.text() : PICTURE_LOST, "error", { about: "picture" });
      return;
    }
    clearMessage("picture");
    incoming = { picture: (await answer.json()).picture, name, frame: state.frame };
    ref.fits.hidden = true;
    ref.bringCaption.value = caption();
    preview();
  };
  ref.bringBack.addEventListener("click", () => ref.file.click());
  ref.file.addEventListener("change", () => take(ref.file.files[0]));

  // What has the frame's size and covers all of it is the frame, edited. Anything else may be that,
  // too, or a picture to lay on it.
  const isWholeFrame = async (file) => {
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (!bitmap) return false;
    const { width, height } = state.view.clip;
    const fits = bitmap.width === width && bitmap.height === height;
    bitmap.close();
    return fits;
  };
  const askWhich = async (file, name) => {
    if (ref.bring.open) return;
    if (!file.type.includes("tif") && (await isWholeFrame(file))) {
      take(file, name);
      return;
    }
    const answer = await question("A picture", `What is “${name}”?`, [
      ["lay", "Add it to the frame", "A logo, a hat, a sign: lay it where it belongs"],
      ["bring", "It is this frame, edited", "A picture of the whole frame becomes a try"],
    ]);
    if (answer === "lay") lay(file, name);
    else if (answer) take(file, name);
  };
  takeFiles("keyframe", {
    says: "A picture becomes a try of this frame, or is laid on it.",
    fits: (files) => files.length === 1 && files[0].type.startsWith("image/"),
    take: ([file], pasted) => askWhich(file, pasted ? "pasted.png" : file.name),
  });

  // The dialog

  for (const control of [...radios, ref.align, ref.limit]) control.addEventListener("change", preview);
  ref.bringCancel.addEventListener("click", () => ref.bring.close());
  ref.bring.addEventListener("close", () => {
    incoming = null;
    ref.preview.removeAttribute("src");
  });
  ref.bring.addEventListener("keydown", (event) => event.stopPropagation());
  ref.bringTask.addEventListener("change", () => {
    ref.bringCaption.disabled = ref.bringTask.value === "delete";
  });
  ref.bringForm.addEventListener("submit", (event) => {
    event.preventDefault();
    const task = ref.bringTask.value;
    const words = task === "delete" ? "" : ref.bringCaption.value.trim();
    if (task !== "delete" && !words) {
      ref.bringWarning.textContent = UNSAID;
      ref.bringWarning.hidden = false;
      ref.bringCaption.focus();
      return;
    }
    const { frame } = incoming;
    const added = (answer) => {
      set({ tryId: answer.edit });
      goTo(frame);
      ref.bring.close();
    };
    ref.bringAdd.disabled = true;
    const values = { ...incoming, task, caption: words, ...options(), parent: state.branch || null, seed: seed() };
    change(server, "bring_back", values).then(added, () => {
      ref.bringAdd.disabled = false;
    });
  });

  const links = {
    zip: ref.sendOut,
    frame: ref.sendFrame,
    mask: ref.sendMask,
    region: ref.sendRegion,
    cutout: ref.sendCutout,
  };
  return (there) => {
    for (const [what, link] of Object.entries(links)) {
      if (there) link.href = projectUrl(`keyframe/${state.frame}/${what}`);
      else link.removeAttribute("href");
      link.setAttribute("aria-disabled", String(!there));
    }
    ref.bringBack.disabled = !there;
  };
};
