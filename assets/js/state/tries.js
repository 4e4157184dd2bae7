// The tries of the open project: which are shown, what they are called, and the tree that they
// form.

import { objectById } from "./selection.js";
import { state } from "./store.js";

const NOBODY = { name: "a deleted object" };
const TASKS = { add: "Add", modify: "Change", delete: "Remove" };

/** The try with an id; null when it is deleted or none is open. */
export const tryById = (id) => (state.view && state.view.edits.find((edit) => edit.id === id)) || null;

export const chosenTry = () => tryById(state.tryId);

/** The chosen try while the stage shows it: in the Keyframe step, on its own frame. */
export const shownTry = () => {
  const edit = state.step === "keyframe" ? chosenTry() : null;
  return edit && edit.frame === state.frame ? edit : null;
};

/** The try that the shown one is compared with, instead of with the frame. */
export const comparedTry = () => {
  const edit = shownTry();
  const other = edit && state.againstId !== edit.id ? tryById(state.againstId) : null;
  return other && other.frame === state.frame ? other : null;
};

/**
 * The task that step 4 opens on: that of the accepted try, or of the last one; before the first,
 * the task that the region was proposed for. Who has selected a thing mostly wants to change it.
 */
export const usualTask = ({ accepted, edits, proposed_for: proposed }) => {
  const asked = edits.filter((edit) => !edit.insert); // a picture of one's own says nothing of tasks
  const last = asked.find(({ id }) => id === accepted) || asked[asked.length - 1];
  return (last && last.task) || proposed || "modify";
};

export const tryTitle = (edit) => edit.name || edit.caption || "Removed";

/** The task and the caption of an edit; `nothing` is said where it has no caption. */
export const taskWords = (edit, nothing = "") => `${TASKS[edit.task]}${edit.caption ? ` “${edit.caption}”` : nothing}`;

/** Whether what stands among the tries is an edit of the clip without a keyframe. */
export const isDirect = (edit) => edit.carried === "direct";

/** What was asked of a try, also where another program made it. */
export const askedOf = (edit) => {
  if (isDirect(edit)) return `${taskWords(edit)}, without a keyframe`;
  if (edit.insert) return `A picture of your own: “${edit.caption}”`;
  if (edit.model) return taskWords(edit);
  return `From another program${edit.caption ? `: “${edit.caption}”` : ""}`;
};

/** The names of the objects that a try is for; empty where it is for all that are edited. */
export const objectNames = (edit) => edit.objects.map((id) => (objectById(state.view, id) || NOBODY).name).join(", ");

/** Ids of the tries that a try grew out of, the nearest first. */
export const ancestorsOf = (edits, edit) => {
  const byId = new Map(edits.map((other) => [other.id, other]));
  const found = [];
  for (let up = edit && byId.get(edit.parent); up; up = byId.get(up.parent)) found.push(up.id);
  return found;
};

/**
 * The rows of the tree from top to bottom: what grew out of a try stands below it, the newest
 * first.
 *
 * `edits` are all tries, `shown` those that are listed: one whose parent is not shown stands below
 * the next ancestor that is. What grew out of a try in `folded`, a set of ids, is not among the
 * rows, but counted (`grown`). `lines` are the kinds of lines to the left of a row, one a level:
 * "through", "none", and last "tee" or "end".
 */
export const treeRows = (edits, shown, folded) => {
  const parents = new Map(edits.map((edit) => [edit.id, edit.parent]));
  const listed = new Set(shown.map((edit) => edit.id));
  const children = new Map();
  for (const edit of shown) {
    let { parent } = edit;
    while (parent && !listed.has(parent)) parent = parents.get(parent) || null;
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).unshift(edit);
  }
  const rows = [];
  const grown = (id) => (children.get(id) || []).reduce((sum, edit) => sum + 1 + grown(edit.id), 0);
  const walk = (parent, lines) => {
    const list = children.get(parent) || [];
    list.forEach((edit, i) => {
      const last = i === list.length - 1;
      const forks = children.has(edit.id);
      const closed = forks && folded.has(edit.id);
      rows.push({
        edit,
        parent,
        level: lines.length + (parent ? 1 : 0),
        lines: parent ? [...lines, last ? "end" : "tee"] : [],
        place: i + 1,
        of: list.length,
        forks,
        closed,
        grown: closed ? grown(edit.id) : 0,
      });
      if (!closed) walk(edit.id, parent ? [...lines, last ? "none" : "through"] : []);
    });
  };
  walk(null, []);
  return rows;
};
