// In step 4, with several objects: which of them the next tries are for, and what is accepted for
// each.

import { set, state } from "../state/store.js";
import { taskWords } from "../state/tries.js";
import { make } from "../widgets/dom.js";

const editedObjects = () => state.view.objects.filter((object) => object.edited && !object.affected);

/** The accepted try of an object that has one of its own; null for none. */
export const acceptedFor = (id) =>
  state.view.edits.find((edit) => state.view.accepted_tries.includes(edit.id) && edit.objects.includes(id)) || null;

/** The names of objects that stay as they are, though they are edited: others have their own try. */
export const leftAsTheyAre = () => {
  const { accepted_tries: accepted, edits } = state.view;
  const own = edits.some((edit) => accepted.includes(edit.id) && edit.objects.length);
  return own ? editedObjects().filter((object) => !acceptedFor(object.id)) : [];
};

const isFor = (edit, id) => (id === null ? !edit.objects.length : edit.objects.length === 1 && edit.objects[0] === id);

// what was accepted or tried last for what is chosen
const lastFor = (id) => {
  const tries = state.view.edits.filter((edit) => isFor(edit, id));
  return tries.findLast((edit) => state.view.accepted_tries.includes(edit.id)) || tries[tries.length - 1] || null;
};

/** Mount the choice; `take(edit)` fills the panel in, with null where nothing was tried yet. */
export const mountOwnEdits = (ref, take) => {
  let shown = ""; // project and choice that the panel is filled in for
  let drawn = "";

  ref.forObject.addEventListener("change", () => {
    const id = ref.forObject.value === "" ? null : Number(ref.forObject.value);
    shown = `${state.view.id} ${id}`;
    set({ forObject: id });
    take(lastFor(id));
  });

  const optionWords = (object) => {
    const edit = acceptedFor(object.id);
    return edit ? `${object.name}: ${taskWords(edit)}` : object.name;
  };

  return () => {
    const objects = editedObjects();
    const chosen = objects.some((object) => object.id === state.forObject) ? state.forObject : null;
    if (!shown.startsWith(state.view.id)) {
      // a project that is opened goes on where it was
      const accepted = state.view.edits.find((edit) => edit.id === state.view.accepted);
      const only = accepted && accepted.objects.length === 1 ? accepted.objects[0] : null;
      shown = `${state.view.id} ${only}`;
      set({ forObject: objects.some((object) => object.id === only) ? only : null });
      return;
    }
    if (chosen !== state.forObject) set({ forObject: chosen });
    ref.forRow.hidden = objects.length < 2;
    const names = [["", "All objects"], ...objects.map((object) => [String(object.id), optionWords(object)])];
    const key = JSON.stringify(names);
    if (key !== drawn) {
      drawn = key;
      ref.forObject.replaceChildren(...names.map(([value, words]) => make("option", { value }, words)));
    }
    ref.forObject.value = chosen === null ? "" : String(chosen);
  };
};
