// One row in the tree of tries.

import { projectUrl } from "../state/project.js";
import { state } from "../state/store.js";
import { askedOf, isDirect, objectNames, tryTitle } from "../state/tries.js";
import { iconButton, make, thumbnail } from "../widgets/dom.js";

const DEEPEST = 5; // levels that are indented; what lies deeper stands at the last of them

export const tryThumbnail = (edit) => thumbnail(`${projectUrl(`try/${edit.id}.jpg`)}?w=240`);

/** What a try is to the edit, in words: accepted, a keyframe, compared; a word of each that it is. */
export const tryMarks = (id) => {
  const marks = [];
  if (state.view.accepted_tries.includes(id)) marks.push("accepted");
  else if (state.view.carried.includes(id)) marks.push("keyframe");
  if (id === state.againstId) marks.push("compared");
  return marks;
};

const aboutTry = (edit) => {
  if (isDirect(edit)) return `without a keyframe, seed ${edit.seed}`;
  const origin = edit.model ? `seed ${edit.seed}` : edit.insert ? "your own picture" : "brought in";
  const whose = edit.objects.length ? `, for ${objectNames(edit)}` : "";
  return `frame ${edit.frame}, ${origin}${edit.keep ? `, keeps ${Math.round(edit.keep * 100)} %` : ""}${whose}`;
};

// Everything that is seen of the row, for those who hear it.
const spoken = ({ edit, closed, grown }) => {
  const words = [tryTitle(edit)];
  if (edit.name) words.push(askedOf(edit));
  words.push(aboutTry(edit));
  if (edit.starred) words.push("starred");
  if (edit.stale) words.push("made before the last change of the masks");
  if (state.view.accepted_tries.includes(edit.id)) words.push("accepted");
  if (closed) words.push(`${grown} hidden below`);
  return words.join(", ");
};

const stopped = (act) => (event) => {
  event.stopPropagation();
  act();
};

const starButton = (edit, star) => {
  const button = iconButton(
    "star",
    `Star ${tryTitle(edit)}`,
    stopped(() => star(edit)),
    {
      class: "vs-star",
      tabindex: -1,
      "aria-pressed": String(edit.starred),
      title: edit.starred ? "Take the star away (S)" : "Star it (S)",
    },
  );
  return button;
};

const branchButton = ({ edit, closed, grown }, toggleBranch) => {
  const title = tryTitle(edit);
  const tries = grown === 1 ? "try" : `${grown} tries`;
  return make("button", {
    type: "button",
    tabindex: -1,
    "aria-label": closed ? `Show what grew out of ${title}` : `Hide what grew out of ${title}`,
    title: closed ? `Show the ${tries} that grew out of it (→)` : "Hide what grew out of it (←)",
    onclick: stopped(() => toggleBranch(edit.id)),
  });
};

/**
 * The element of a row of `treeRows`. `field` stands in the place of its name, null for none;
 * `actions` are { choose, rename, star, toggleBranch }.
 */
export const tryNode = (row, field, { choose, rename, star, toggleBranch }) => {
  const { edit, level, lines, place, of, forks, closed, grown } = row;
  const attributes = {
    class: "vs-try",
    role: "treeitem",
    tabindex: -1,
    "data-edit": edit.id,
    "aria-level": level + 1,
    "aria-posinset": place,
    "aria-setsize": of,
    "aria-label": spoken(row),
    title: `${askedOf(edit)}, ${aboutTry(edit)}`,
    onclick: (event) => {
      choose(edit.id);
      if (event.detail) event.currentTarget.blur();
    },
    ondblclick: () => rename(edit),
  };
  if (forks) attributes["aria-expanded"] = String(!closed);
  const stale = { class: "vs-badge", title: "Made before the last change of the masks" };
  const line = [
    make(
      "span",
      {},
      isDirect(edit)
        ? aboutTry(edit)
        : `frame ${edit.frame}, ${edit.model ? `seed ${edit.seed}` : edit.insert ? "your picture" : "brought in"}`,
    ),
    edit.objects.length ? make("span", { class: "vs-try-object" }, objectNames(edit)) : null,
    grown ? make("span", {}, `+${grown}`) : null,
  ];
  return make(
    "div",
    attributes,
    ...lines.slice(-DEEPEST).map((kind) => make("i", { class: "vs-rail", "data-line": kind })),
    make("span", { class: "vs-twist" }, forks ? branchButton(row, toggleBranch) : null),
    make(
      "span",
      { class: "vs-thumb-box" },
      tryThumbnail(edit),
      make("span", { class: "vs-try-marks" }),
      edit.stale ? make("span", stale, "earlier") : null,
    ),
    make(
      "span",
      { class: "vs-try-words" },
      field || make("span", { class: "vs-try-name" }, tryTitle(edit)),
      make("span", { class: "vs-try-line" }, ...line),
    ),
    starButton(edit, star),
  );
};
