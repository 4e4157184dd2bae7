"use strict";
// The tries as a tree beside the picture: one that grew out of another stands below it, the newest first.
(() => {
  const { state, make } = studio;
  const WORDS = { add: "Add", modify: "Change", delete: "Remove" };
  const DEEPEST = 5; // levels that are indented; what lies deeper stands at the last of them
  const icon = (body, fill = "none") => `<svg viewBox="0 0 24 24" aria-hidden="true" fill="${fill}" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">${body}</svg>`;
  Object.assign(studio.icons, {
    star: icon('<path d="m12 4 2.500 5.200 5.700.800-4.100 4 1 5.700-5.100-2.700-5.100 2.700 1-5.700-4.100-4 5.700-.800z"/>'),
    fork: icon('<circle cx="7" cy="5.500" r="2.200"/><circle cx="7" cy="18.500" r="2.200"/><circle cx="17" cy="12" r="2.200"/><path d="M7 7.700v8.600M7 8c0 3 3 4 7.800 4"/>'),
    copy: icon('<rect x="8.500" y="8.500" width="11" height="11" rx="2"/><path d="M5.500 15.500h-1v-9a2 2 0 0 1 2-2h9v1"/>'),
    bin: icon('<path d="M5 7h14M10 7V4.500h4V7M7 7l.800 12.500h8.400L17 7M10.500 10.500v6M13.500 10.500v6"/>'),
    sendout: icon('<path d="M11 5H6.500A1.500 1.500 0 0 0 5 6.500v11A1.500 1.500 0 0 0 6.500 19h11a1.500 1.500 0 0 0 1.500-1.500V13"/><path d="M14 4.500h5.500V10M19.500 4.500 11 13"/>'),
    bringback: icon('<path d="M11 5H6.500A1.500 1.500 0 0 0 5 6.500v11A1.500 1.500 0 0 0 6.500 19h11a1.500 1.500 0 0 0 1.500-1.500V13"/><path d="M19.500 4.500 11.500 12.500M11.500 7v5.500H17"/>'),
  });

  const byId = (id) => state.view.edits.find((edit) => edit.id === id) || null;
  const titleOf = (edit) => edit.name || edit.caption || "Removed";
  const asked = (edit) => (edit.model ? `${WORDS[edit.task]}${edit.caption ? ` “${edit.caption}”` : ""}` : `From another program${edit.caption ? `: “${edit.caption}”` : ""}`);
  const took = (seconds) => (seconds >= 90 ? `${Math.round(seconds / 60)} min` : seconds >= 10 ? `${Math.round(seconds)} s` : `${seconds.toFixed(1)} s`);
  studio.tryTitle = titleOf;
  studio.chosenTry = () => (state.view ? byId(state.tryId) : null);
  studio.thumbnail = (edit) => make("img", { class: "vs-thumb", src: `${studio.address(`try/${edit.id}.jpg`)}?w=240`, alt: "", loading: "lazy", decoding: "async" });

  // The rows of the tree, from top to bottom, with the lines that lead to each: whether it goes on at every level above it. What grew out
  // of a try in `folded` is not among them, but counted.
  const rowsOf = (edits, folded) => {
    const shown = new Map(edits.map((edit) => [edit.id, edit]));
    const children = new Map();
    for (const edit of edits) {
      let parent = edit.parent;
      while (parent && !shown.has(parent)) parent = (byId(parent) || {}).parent || null; // not shown: the next one above that is
      if (!children.has(parent)) children.set(parent, []);
      children.get(parent).unshift(edit);
    }
    const rows = [];
    const grown = (id) => (children.get(id) || []).reduce((sum, edit) => sum + 1 + grown(edit.id), 0);
    const walk = (parent, lines) => {
      const list = children.get(parent) || [];
      list.forEach((edit, i) => {
        const last = i === list.length - 1;
        const closed = folded.has(edit.id) && children.has(edit.id);
        rows.push({ edit, parent, level: lines.length + (parent ? 1 : 0), lines: parent ? [...lines, last ? "end" : "tee"] : [], place: i + 1, of: list.length, forks: children.has(edit.id), closed, grown: closed ? grown(edit.id) : 0 });
        if (!closed) walk(edit.id, parent ? [...lines, last ? "none" : "through"] : []);
      });
    };
    walk(null, []);
    return rows;
  };

  studio.parts.tries = (ref, server, element) => {
    let rows = [];
    let drawn = "";
    let renaming = null;
    let folded = new Set(); // tries of the project whose branches are not shown
    let foldedOf = null;
    const change = (name, values) => studio.change(server, name, values);
    const nodes = () => [...ref.tree.querySelectorAll(".vs-try")];
    const nodeOf = (id) => nodes().find((node) => node.dataset.edit === id) || null;

    const choose = (id, focus = false) => {
      const edit = byId(id);
      if (!edit) return;
      studio.set({ tryId: id, playing: false });
      studio.goTo(edit.frame);
      if (focus) nodeOf(id)?.focus({ preventScroll: true });
      nodeOf(id)?.scrollIntoView({ block: "nearest" });
    };
    const near = (by) => { const at = rows.findIndex((row) => row.edit.id === state.tryId); return rows[Math.max(0, Math.min(rows.length - 1, at + by))]; };
    const star = (edit) => change("star_try", { edit_id: edit.id, starred: !edit.starred }).catch(() => {});
    const remove = (edit) => {
      const at = rows.findIndex((row) => row.edit.id === edit.id);
      const next = (rows[at + 1] || rows[at - 1] || {}).edit;
      const inside = ref.tree.contains(document.activeElement);
      change("delete_try", { edit_id: edit.id }).then(() => {
        if (next && state.tryId === null) queueMicrotask(() => choose(next.id, inside));
        studio.toast(`“${titleOf(edit)}” is deleted. Undo brings it back.`);
      }, () => {});
    };
    const rename = (edit) => { renaming = edit.id; draw(); const field = ref.tree.querySelector("input"); if (field) { field.focus(); field.select(); } };
    const branch = (edit) => studio.branchFrom(edit);

    // Rows

    const nameField = (edit) => {
      const done = (keep, back) => {
        if (renaming !== edit.id) return;
        renaming = null;
        const name = field.value.trim();
        if (keep && name !== edit.name) change("rename_try", { edit_id: edit.id, name }).catch(() => {});
        draw();
        if (back) nodeOf(edit.id)?.focus();
      };
      const field = make("input", { type: "text", class: "vs-grow", value: edit.name, placeholder: edit.caption || "Removed", maxlength: 80, "aria-label": `Name of ${titleOf(edit)}`, onblur: () => done(true, false),
        onkeydown: (event) => { event.stopPropagation(); if (event.key === "Enter" || event.key === "Escape") done(event.key === "Enter", true); }, onclick: (event) => event.stopPropagation() });
      return field;
    };
    const row = ({ edit, level, lines, place, of, forks, closed, grown }) => {
      const title = titleOf(edit);
      const about = [edit.model ? `frame ${edit.frame}, seed ${edit.seed}` : `frame ${edit.frame}, brought in`, edit.keep ? `keeps ${Math.round(edit.keep * 100)} %` : ""].filter(Boolean).join(", ");
      const words = [title, edit.name ? asked(edit) : "", about, edit.starred ? "starred" : "", edit.stale ? "made before the last change of the masks" : "", edit.id === state.view.accepted ? "accepted" : "", closed ? `${grown} hidden below` : ""].filter(Boolean).join(", ");
      const starButton = make("button", { type: "button", class: "vs-star", tabindex: -1, "aria-pressed": String(edit.starred), "aria-label": `Star ${title}`, title: edit.starred ? "Take the star away (S)" : "Star it (S)", "data-icon": "star",
        onclick: (event) => { event.stopPropagation(); star(edit); } });
      const rails = lines.slice(-DEEPEST).map((kind) => make("i", { class: "vs-rail", "data-line": kind }));
      const twist = make("span", { class: "vs-twist" }, forks ? make("button", { type: "button", tabindex: -1, "aria-label": closed ? `Show what grew out of ${title}` : `Hide what grew out of ${title}`, title: closed ? `Show the ${grown === 1 ? "try" : `${grown} tries`} that grew out of it (→)` : "Hide what grew out of it (←)",
        onclick: (event) => { event.stopPropagation(); twistAt(edit.id); } }) : null);
      const node = make("div", { class: "vs-try", role: "treeitem", ...(forks ? { "aria-expanded": String(!closed) } : {}), tabindex: -1, "data-edit": edit.id, "aria-level": level + 1, "aria-posinset": place, "aria-setsize": of, "aria-label": words, title: `${asked(edit)}, ${about}`,
        onclick: (event) => { choose(edit.id); if (event.detail) event.currentTarget.blur(); }, ondblclick: () => rename(edit) },
      ...rails, twist, make("span", { class: "vs-thumb-box" }, studio.thumbnail(edit), edit.stale ? make("span", { class: "vs-badge", title: "Made before the last change of the masks" }, "earlier") : null),
      make("span", { class: "vs-try-words" }, renaming === edit.id ? nameField(edit) : make("span", { class: "vs-try-name" }, title), make("span", { class: "vs-try-line" }, make("span", {}, edit.model ? `f${edit.frame} · s${edit.seed}` : `f${edit.frame} · brought in`), grown ? make("span", {}, `+${grown}`) : null, make("span", { class: "vs-try-mark" }))), starButton);
      return node;
    };
    // What is folded stays so in this browser. The chosen try is never out of sight: another is chosen, or its branch unfolds.
    const keepFolded = () => { try { localStorage.setItem(`vivid-branches-${foldedOf}`, JSON.stringify([...folded])); } catch { /* then it lasts for this page */ } };
    const readFolded = () => {
      if (foldedOf === state.view.id) return;
      foldedOf = state.view.id;
      folded = new Set();
      try { folded = new Set(JSON.parse(localStorage.getItem(`vivid-branches-${foldedOf}`)) || []); } catch { /* nothing is folded */ }
    };
    const above = (edit) => { const found = []; for (let up = edit && byId(edit.parent); up; up = byId(up.parent)) found.push(up.id); return found; };
    const twistAt = (id) => {
      if (!folded.delete(id)) folded.add(id);
      keepFolded();
      const inside = ref.tree.contains(document.activeElement);
      if (folded.has(id) && above(byId(state.tryId)).includes(id)) choose(id);
      draw();
      if (inside) nodeOf(id)?.focus({ preventScroll: true });
    };
    const unfoldTo = (edit) => { const hiding = above(edit).filter((id) => folded.delete(id)); if (hiding.length) keepFolded(); };

    const draw = () => {
      const { view } = state;
      readFolded();
      if (renaming !== null && !byId(renaming)) renaming = null;
      const shown = state.onlyStarred ? view.edits.filter((edit) => edit.starred || edit.id === state.tryId) : view.edits;
      unfoldTo(byId(state.tryId));
      rows = rowsOf(shown, folded);
      const key = JSON.stringify([view.id, renaming, view.accepted, rows.map(({ edit, lines, level, forks, grown }) => [edit.id, edit.name, edit.starred, edit.stale, lines, level, forks, grown])]);
      if (key !== drawn) {
        drawn = key;
        const held = ref.tree.contains(document.activeElement) && document.activeElement.closest(".vs-try")?.dataset.edit;
        const { scrollTop } = ref.tree;
        if (rows.length) { ref.tree.setAttribute("role", "tree"); ref.tree.setAttribute("aria-label", "Tries"); } else { ref.tree.removeAttribute("role"); ref.tree.removeAttribute("aria-label"); }
        ref.tree.replaceChildren(...rows.map(row));
        ref.tree.dataset.forks = String(rows.some(({ forks }) => forks));
        if (!rows.length) ref.tree.append(make("p", { class: "vs-blank" }, state.onlyStarred ? "No try is starred." : "Tries are kept here, as a tree. Branch from one to go on from it."));
        studio.dress(ref.tree);
        ref.tree.scrollTop = scrollTop;
        if (held && renaming === null) nodeOf(held)?.focus({ preventScroll: true });
      }
      const chosen = rows.some((r) => r.edit.id === state.tryId) ? state.tryId : rows.length ? rows[0].edit.id : null;
      for (const node of nodes()) {
        const id = node.dataset.edit;
        const marks = [id === view.accepted ? "accepted" : view.carried.includes(id) ? "keyframe" : "", id === state.againstId ? "compared" : ""].filter(Boolean);
        node.dataset.branching = String(Boolean(state.branch) && id === state.branch);
        node.setAttribute("aria-selected", String(id === state.tryId));
        node.tabIndex = id === chosen ? 0 : -1;
        node.querySelector(".vs-try-mark").textContent = marks.join(", ");
      }
      ref.count.textContent = state.onlyStarred ? `${view.edits.filter((edit) => edit.starred).length} of ${view.edits.length}` : view.edits.length ? String(view.edits.length) : "";
    };

    // The chosen one: what it was made with

    const pair = (name, value) => [make("dt", {}, name), make("dd", { title: value }, value)];
    const own = (value) => (value === null || value === undefined ? "model's own" : String(value));
    let chosenDrawn = "";
    const drawChosen = () => {
      const edit = byId(state.tryId);
      ref.chosen.hidden = !edit;
      if (!edit) { chosenDrawn = ""; return; }
      const others = state.view.edits.filter((other) => other.id !== edit.id && other.frame === edit.frame).reverse();
      const key = JSON.stringify([state.view.id, edit, others.map((other) => [other.id, titleOf(other), other.seed])]);
      if (key !== chosenDrawn) {
        chosenDrawn = key;
        const parent = byId(edit.parent);
        const from = parent ? `${titleOf(parent)}${edit.keep ? `, ${Math.round(edit.keep * 100)} % kept` : ", its settings"}` : edit.keep ? `a deleted try, ${Math.round(edit.keep * 100)} % kept` : "";
        ref.title.textContent = ref.title.title = edit.name || asked(edit);
        ref.facts.replaceChildren(...(edit.name ? pair("Asked", asked(edit)) : []), ...(edit.model ? [...pair("Seed", `${edit.seed}, frame ${edit.frame}`), ...pair("Steps", `${own(edit.steps)}${edit.guidance === null ? "" : `, guidance ${edit.guidance}`}`)] : pair("Frame", String(edit.frame))),
          ...(from ? pair("From", from) : []), ...(edit.seconds ? pair("Took", took(edit.seconds)) : []));
        ref.send.href = `${studio.address(`keyframe/${edit.frame}/zip`)}?edit=${edit.id}`;
        ref.against.replaceChildren(make("option", { value: "" }, "the frame"), ...others.map((other) => make("option", { value: other.id }, `${titleOf(other)}, seed ${other.seed}`)));
        ref.against.disabled = !others.length;
      }
      ref.against.value = state.againstId || "";
    };
    ref.against.addEventListener("change", () => studio.set({ againstId: ref.against.value || null, compareTry: "wipe" }));
    ref.branch.addEventListener("click", () => branch(byId(state.tryId)));
    ref.reuse.addEventListener("click", () => studio.copySettings(byId(state.tryId)));
    ref.rename.addEventListener("click", () => rename(byId(state.tryId)));
    ref.remove.addEventListener("click", () => remove(byId(state.tryId)));
    ref.starred.addEventListener("click", () => studio.set({ onlyStarred: !state.onlyStarred }));
    const fold = (folded) => {
      studio.set({ triesFolded: folded });
      try { localStorage.setItem("vivid-tries-folded", folded ? "1" : ""); } catch { /* then it lasts for this page */ }
    };
    ref.fold.addEventListener("click", () => { fold(true); ref.unfold.focus(); });
    ref.unfold.addEventListener("click", () => { fold(false); nodes().find((node) => node.tabIndex === 0)?.focus(); });
    let left = null;
    try { left = localStorage.getItem("vivid-tries-folded"); } catch { /* as if nobody had chosen */ }
    studio.set({ triesFolded: left === null ? matchMedia("(max-width: 36rem)").matches : Boolean(left) }); // a telephone has room for the picture only

    // Keys: S, B, F2, Delete and the arrows up and down anywhere in the step; in the tree itself left and right fold and unfold, and go to
    // the parent and the child.
    studio.tryKeys = (event, key) => {
      const edit = byId(state.tryId);
      const keys = { arrowup: () => rows.length && choose(near(-1).edit.id), arrowdown: () => rows.length && choose(near(1).edit.id), s: () => edit && star(edit), b: () => edit && branch(edit), f2: () => edit && rename(edit), delete: () => edit && remove(edit) };
      if (!keys[key] || state.triesFolded || (key.startsWith("arrow") && event.target.closest("input"))) return;
      event.preventDefault();
      keys[key]();
    };
    ref.tree.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !event.target.classList.contains("vs-try")) return;
      const here = rows.find((r) => r.edit.id === event.target.dataset.edit);
      const at = rows.indexOf(here);
      const next = { ArrowUp: rows[at - 1], ArrowDown: rows[at + 1], Home: rows[0], End: rows[rows.length - 1], Enter: here, " ": here,
        ArrowLeft: rows.find((r) => r.edit.id === here.parent), ArrowRight: rows.find((r) => r.parent === here.edit.id) };
      if (!(event.key in next)) return;
      event.preventDefault();
      event.stopPropagation();
      if (here.forks && event.key === (here.closed ? "ArrowRight" : "ArrowLeft")) twistAt(here.edit.id);
      else if (next[event.key]) choose(next[event.key].edit.id, true);
    });

    // A new try is chosen as it comes; the one that was looked at is never lost, it stands in the tree.
    let before = null;
    const pickNew = () => {
      const job = studio.activeJob();
      if (!job || job.kind !== "keyframe") { before = null; return; }
      if (!before || before.job !== job.id) before = { job: job.id, ids: new Set(state.view.edits.map((edit) => edit.id)), done: false };
      const fresh = state.view.edits.find((edit) => !before.ids.has(edit.id));
      if (fresh && !before.done) { before.done = true; studio.set({ tryId: fresh.id }); }
    };
    studio.whenDone.keyframe = (job) => { const made = job.result.edits || []; if (made.length && !made.includes(state.tryId) && !(before && before.done)) studio.set({ tryId: made[0] }); };

    let last = null;
    studio.on("view tryId againstId onlyStarred branch triesFolded step", () => {
      document.getElementById("studio").dataset.tries = state.triesFolded ? "folded" : "open";
      ref.unfold.hidden = !state.triesFolded;
      ref.unfold.lastChild.textContent = state.view && state.view.edits.length ? `Tries (${state.view.edits.length})` : "Tries";
      ref.starred.setAttribute("aria-pressed", String(Boolean(state.onlyStarred)));
      element.inert = state.step !== "keyframe";
      if (!state.view) return;
      pickNew();
      const chosen = byId(state.tryId);
      const against = byId(state.againstId);
      if (state.againstId && (!against || !chosen || against.id === chosen.id || against.frame !== chosen.frame)) studio.set({ againstId: null });
      if (state.branch && !byId(state.branch)) studio.set({ branch: null });
      draw();
      drawChosen();
      const key = `${state.step}/${state.tryId}`;
      if (key !== last) { last = key; requestAnimationFrame(() => nodeOf(state.tryId)?.scrollIntoView({ block: "nearest" })); } // once it is laid out
    });
  };
})();
