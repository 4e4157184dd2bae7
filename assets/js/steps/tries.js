// The tries as a tree beside the picture: one that grew out of another stands below it, the newest
// first.

import { register, run } from "../state/commands.js";
import { activeJob, onJobDone } from "../state/jobs.js";
import { showMessage } from "../state/messages.js";
import { goTo } from "../state/project.js";
import { change, request } from "../state/requests.js";
import { recallItem, recallText, rememberItem, rememberText } from "../state/storage.js";
import { on, set, state } from "../state/store.js";
import { ancestorsOf, chosenTry, treeRows, tryById, tryTitle } from "../state/tries.js";
import { focusText, make, nameField, studioElement } from "../widgets/dom.js";
import { mountTryDetails } from "./try_details.js";
import { tryMarks, tryNode } from "./try_row.js";

const NONE = "Tries are kept here, as a tree. Branch from one to go on from it.";

export const mountTries = (ref, server, element) => {
  let rows = [];
  let drawn = "";
  let renaming = null; // id of a try
  const nodes = () => [...ref.tree.querySelectorAll(".vs-try")];
  const nodeOf = (id) => nodes().find((node) => node.dataset.edit === id) || null;
  const holdsFocus = () => ref.tree.contains(document.activeElement);

  // What can be done with a try

  const choose = (id, focus = false) => {
    const edit = tryById(id);
    if (!edit) return;
    set({ tryId: id, playing: false });
    goTo(edit.frame);
    if (focus) nodeOf(id)?.focus({ preventScroll: true });
    nodeOf(id)?.scrollIntoView({ block: "nearest" });
  };
  const neighbour = (by) => {
    const at = rows.findIndex((row) => row.edit.id === state.tryId);
    return rows[Math.max(0, Math.min(rows.length - 1, at + by))];
  };
  const star = (edit) => request(server, "star_try", { edit_id: edit.id, starred: !edit.starred });
  const remove = (edit) => {
    const at = rows.findIndex((row) => row.edit.id === edit.id);
    const next = (rows[at + 1] || rows[at - 1] || {}).edit;
    const inside = holdsFocus();
    const removed = () => {
      if (next && state.tryId === null) queueMicrotask(() => choose(next.id, inside));
      showMessage(`“${tryTitle(edit)}” is deleted. Undo brings it back.`);
    };
    change(server, "delete_try", { edit_id: edit.id }).then(removed, () => {});
  };
  const rename = (edit) => {
    renaming = edit.id;
    draw();
    const field = ref.tree.querySelector("input");
    if (field) focusText(field);
  };
  const branch = (edit) => run("branchFrom", edit);
  const field = (edit) => {
    const label = { "aria-label": `Name of ${tryTitle(edit)}`, placeholder: edit.caption || "Removed" };
    const attributes = { class: "vs-grow", maxlength: 80, ...label, onclick: (event) => event.stopPropagation() };
    return nameField(edit.name, attributes, (name, byKey) => {
      if (renaming !== edit.id) return;
      renaming = null;
      if (name !== null && name !== edit.name) request(server, "rename_try", { edit_id: edit.id, name });
      draw();
      if (byKey) nodeOf(edit.id)?.focus();
    });
  };

  // What is folded stays so in this browser. The chosen try is never out of sight: another is
  // chosen, or its branch unfolds.

  let folded = new Set(); // tries of the project whose branches are not shown
  let foldedOf = null;
  const keepFolded = () => rememberItem(`vivid-branches-${foldedOf}`, [...folded]);
  const readFolded = () => {
    if (foldedOf === state.view.id) return;
    foldedOf = state.view.id;
    folded = new Set(recallItem(`vivid-branches-${foldedOf}`, []));
  };
  const ancestors = (edit) => ancestorsOf(state.view.edits, edit);
  const toggleBranch = (id) => {
    if (!folded.delete(id)) folded.add(id);
    keepFolded();
    const inside = holdsFocus();
    if (folded.has(id) && ancestors(chosenTry()).includes(id)) choose(id);
    draw();
    if (inside) nodeOf(id)?.focus({ preventScroll: true });
  };
  const unfoldTo = (edit) => {
    const hiding = ancestors(edit).filter((id) => folded.delete(id));
    if (hiding.length) keepFolded();
  };

  // Drawing

  const actions = { choose, rename, star, toggleBranch };
  const drawRows = () => {
    const held = holdsFocus() && document.activeElement.closest(".vs-try")?.dataset.edit;
    const { scrollTop } = ref.tree;
    for (const [name, value] of [
      ["role", "tree"],
      ["aria-label", "Tries"],
    ]) {
      if (rows.length) ref.tree.setAttribute(name, value);
      else ref.tree.removeAttribute(name);
    }
    const named = ({ edit }) => (renaming === edit.id ? field(edit) : null);
    ref.tree.replaceChildren(...rows.map((row) => tryNode(row, named(row), actions)));
    ref.tree.dataset.forks = String(rows.some(({ forks }) => forks));
    if (!rows.length)
      ref.tree.append(make("p", { class: "vs-blank" }, state.onlyStarred ? "No try is starred." : NONE));
    ref.tree.scrollTop = scrollTop;
    if (held && renaming === null) nodeOf(held)?.focus({ preventScroll: true });
  };
  const draw = () => {
    const { view } = state;
    readFolded();
    if (renaming !== null && !tryById(renaming)) renaming = null;
    const listed = (edit) => !state.onlyStarred || edit.starred || edit.id === state.tryId;
    unfoldTo(chosenTry());
    rows = treeRows(view.edits, view.edits.filter(listed), folded);
    const looks = rows.map(({ edit, lines, level, forks, grown }) => {
      const { id, name, starred, stale } = edit;
      return [id, name, starred, stale, lines, level, forks, grown];
    });
    const key = JSON.stringify([view.id, renaming, view.accepted_tries, looks]);
    if (key !== drawn) {
      drawn = key;
      drawRows();
    }
    const first = rows.length ? rows[0].edit.id : null;
    const chosen = rows.some((row) => row.edit.id === state.tryId) ? state.tryId : first;
    for (const node of nodes()) {
      const id = node.dataset.edit;
      node.dataset.branching = String(Boolean(state.branch) && id === state.branch);
      node.setAttribute("aria-selected", String(id === state.tryId));
      node.tabIndex = id === chosen ? 0 : -1;
      const marks = tryMarks(id).map((mark) => make("span", { "data-mark": mark }, mark));
      node.querySelector(".vs-try-marks").replaceChildren(...marks);
    }
    const starred = view.edits.filter((edit) => edit.starred).length;
    const all = view.edits.length;
    ref.count.textContent = state.onlyStarred ? `${starred} of ${all}` : all ? String(all) : "";
  };
  const drawDetails = mountTryDetails(ref);

  // Buttons

  ref.branch.addEventListener("click", () => branch(chosenTry()));
  ref.reuse.addEventListener("click", () => run("copySettings", chosenTry()));
  ref.rename.addEventListener("click", () => rename(chosenTry()));
  ref.remove.addEventListener("click", () => remove(chosenTry()));
  ref.starred.addEventListener("click", () => set({ onlyStarred: !state.onlyStarred }));
  const foldPanel = (shut) => {
    set({ triesFolded: shut });
    rememberText("vivid-tries-folded", shut ? "1" : "");
  };
  ref.fold.addEventListener("click", () => {
    foldPanel(true);
    ref.unfold.focus();
  });
  ref.unfold.addEventListener("click", () => {
    foldPanel(false);
    nodes()
      .find((node) => node.tabIndex === 0)
      ?.focus();
  });
  const left = recallText("vivid-tries-folded");
  const isPhone = matchMedia("(max-width: 36rem)").matches; // it has room for the picture only
  set({ triesFolded: left === null ? isPhone : Boolean(left) });

  // Keys: S, B, F2, Delete and the arrows up and down anywhere in the step; in the tree itself left
  // and right fold and unfold, and go to the parent and the child.

  const tryKey = (event, key) => {
    const edit = chosenTry();
    const keys = {
      arrowup: () => rows.length && choose(neighbour(-1).edit.id),
      arrowdown: () => rows.length && choose(neighbour(1).edit.id),
      s: () => edit && star(edit),
      b: () => edit && branch(edit),
      f2: () => edit && rename(edit),
      delete: () => edit && remove(edit),
    };
    if (!keys[key] || state.triesFolded || (key.startsWith("arrow") && event.target.closest("input"))) return;
    event.preventDefault();
    keys[key]();
  };
  register({ tryKey });
  ref.tree.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !event.target.classList.contains("vs-try")) return;
    const here = rows.find((row) => row.edit.id === event.target.dataset.edit);
    const at = rows.indexOf(here);
    const next = {
      ArrowUp: rows[at - 1],
      ArrowDown: rows[at + 1],
      Home: rows[0],
      End: rows[rows.length - 1],
      Enter: here,
      " ": here,
      ArrowLeft: rows.find((row) => row.edit.id === here.parent),
      ArrowRight: rows.find((row) => row.parent === here.edit.id),
    };
    if (!(event.key in next)) return;
    event.preventDefault();
    event.stopPropagation();
    if (here.forks && event.key === (here.closed ? "ArrowRight" : "ArrowLeft")) toggleBranch(here.edit.id);
    else if (next[event.key]) choose(next[event.key].edit.id, true);
  });

  // A new try is chosen as it comes; the one that was looked at is never lost, it stands in the
  // tree.

  let before = null; // { job, ids, done }: the tries that were there when the job began
  const chooseNew = () => {
    const job = activeJob();
    if (!job || job.kind !== "keyframe") {
      before = null;
      return;
    }
    if (!before || before.job !== job.id) {
      before = { job: job.id, ids: new Set(state.view.edits.map((edit) => edit.id)), done: false };
    }
    const fresh = state.view.edits.find((edit) => !before.ids.has(edit.id));
    if (!fresh || before.done) return;
    before.done = true;
    set({ tryId: fresh.id });
  };
  onJobDone("keyframe", (job) => {
    const made = job.result.edits || [];
    if (made.length && !made.includes(state.tryId) && !(before && before.done)) set({ tryId: made[0] });
  });

  // what is compared and branched from has to be there, on the same frame
  const dropStale = () => {
    const chosen = chosenTry();
    const against = tryById(state.againstId);
    const fits = against && chosen && against.id !== chosen.id && against.frame === chosen.frame;
    if (state.againstId && !fits) set({ againstId: null });
    if (state.branch && !tryById(state.branch)) set({ branch: null });
  };

  let last = null;
  on("view tryId againstId onlyStarred branch triesFolded step", () => {
    const count = state.view ? state.view.edits.length : 0;
    studioElement().dataset.tries = state.triesFolded ? "folded" : "open";
    ref.unfold.hidden = !state.triesFolded;
    ref.unfold.lastChild.textContent = count ? `Tries (${count})` : "Tries";
    ref.starred.setAttribute("aria-pressed", String(state.onlyStarred));
    element.inert = state.step !== "keyframe";
    if (!state.view) return;
    chooseNew();
    dropStale();
    draw();
    drawDetails();
    const key = `${state.step}/${state.tryId}`;
    if (key === last) return;
    last = key;
    // once it is laid out
    requestAnimationFrame(() => nodeOf(state.tryId)?.scrollIntoView({ block: "nearest" }));
  });
};
