// Masks from and for other programs.

import { onJobDone } from "../state/jobs.js";
import { clearMessage, showMessage } from "../state/messages.js";
import { accept, projectUrl } from "../state/project.js";
import { post, request } from "../state/requests.js";
import { newObject } from "../state/selection.js";
import { set, state } from "../state/store.js";
import { make } from "../widgets/dom.js";
import { takeFiles } from "../widgets/drop_handling.js";
import { askAboutMasks } from "./mask_doubt.js";

const MASKS_LOST = "The masks did not arrive: see that the program still runs, then choose them again.";

const isMask = (file) => file.type.startsWith("image/") || /\.(zip|json)$/i.test(file.name);

export const mountMaskFiles = (ref, server) => {
  const upload = async (files) => {
    if (!files.length) return;
    const body = new FormData();
    for (const file of files) body.append("masks", file, file.path || file.name);
    ref.importMasks.disabled = true;
    const answer = await post(`${projectUrl("masks")}?frame=${state.frame}`, body);
    ref.importMasks.disabled = false;
    ref.maskFiles.value = "";
    if (!answer || !answer.ok) {
      const report = answer && answer.headers.get("X-Vivid-Report");
      showMessage(answer ? await answer.text() : MASKS_LOST, "error", { about: "masks", report });
      return;
    }
    clearMessage("masks");
    const { view, notes } = await answer.json();
    if (view.id !== state.view.id) return; // another clip was opened; this one has its masks
    const known = new Set(state.view.objects.map((object) => object.id));
    accept(view);
    const added = newObject(view, known);
    if (!added) return;
    set({ object: added.id });
    if (notes.length) showMessage(notes.join("; "));
    await askAboutMasks(server, added.id);
  };
  ref.importMasks.addEventListener("click", () => ref.maskFiles.click());
  ref.maskFiles.addEventListener("change", () => upload([...ref.maskFiles.files]));
  takeFiles("select", {
    says: "Pictures, a zip of them, or shapes as JSON are taken for masks.",
    fits: (files) => files.every(isMask),
    take: upload,
  });

  ref.exportMasks.addEventListener("change", () => {
    const form = ref.exportMasks.value;
    ref.exportMasks.value = "";
    if (form) request(server, "export_masks", { form });
  });
  onJobDone("masks", (job) => {
    const href = projectUrl(job.result.file.replace(/^exports/, "export"));
    make("a", { href, download: "" }).click();
  });
};
