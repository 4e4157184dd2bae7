// How large the workspace is, and removing what nobody needs to keep.

import { fileSize } from "../state/format.js";
import { ask } from "../state/requests.js";
import { question } from "../widgets/question.js";

const LOW = 2e9; // bytes: with less room a long export may fail

/** Mount the line below the projects; returns `draw()`, to be called when the list is shown. */
export const mountWorkspace = (ref, server) => {
  let use = null;

  const fill = (answer) => {
    use = answer.use;
    ref.storage.hidden = !use;
    if (!use) return;
    const free = use.free === null ? "" : ` · ${fileSize(use.free)} free`;
    ref.storageText.textContent = `Workspace: ${fileSize(use.bytes)}${free}`;
    ref.storageText.title = use.folder;
    ref.storageText.classList.toggle("vs-warn", use.free !== null && use.free < LOW);
    ref.cleanUp.disabled = !use.removable.length;
  };
  const draw = () => ask(server, "workspace_use").then(fill, () => {});

  ref.cleanUp.addEventListener("click", async () => {
    const answers = use.removable.map(({ what, title, bytes: size }) => [
      what,
      `${title} (${fileSize(size)})`,
      "Remove these",
    ]);
    const what = await question("Clean up", "What should be removed? Projects and their results stay.", answers);
    if (what) ask(server, "clean_up", { what }).then(fill, () => {});
  });

  return draw;
};
