// The list of projects: opened by a click, renamed in place, removed on the second click.

import { ago } from "../state/format.js";
import { showMessage } from "../state/messages.js";
import { forgetProject, knownProjects } from "../state/project.js";
import { ask, change } from "../state/requests.js";
import { state } from "../state/store.js";
import { focusText, iconButton, make, nameField, textButton } from "../widgets/dom.js";
import { mountWorkspace } from "./workspace.js";

const isOpen = (id) => Boolean(state.view && id === state.view.id);

/** A picture that leaves its place empty when it can't be had. */
const picture = (src) => {
  const image = make("img", { src, alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.classList.add("vs-missing"));
  return image;
};
const thumbnailOf = ({ id }) => picture(`/studio/${id}/thumbnail.jpg`);

/**
 * Mount the lists of examples and projects. `open(name, values)` opens one by a handler of the
 * part's `server`, `showClip` and `showOpen` change the tab. Returns { fill(answer), refresh() }.
 */
export const mountProjects = (ref, server, { open, showClip, showOpen }) => {
  const drawWorkspace = mountWorkspace(ref, server);
  let turn = 0; // of the latest question: an earlier one's answer is not shown

  const exampleRow = ({ name, title }) => {
    const openIt = () => open("open_example", { name, known: knownProjects() });
    const attributes = { type: "button", class: "vs-example", title: `Open the example ${title}`, onclick: openIt };
    return make("li", {}, make("button", attributes, picture(`/studio/example/${name}.jpg`), make("span", {}, title)));
  };
  const fill = ({ examples, recent }) => {
    turn += 1;
    ref.examples.replaceChildren(...examples.map(exampleRow));
    if (!examples.length) ref.examples.append(make("li", { class: "vs-quiet" }, "none here"));
    ref.recent.replaceChildren(...recent.map(row));
    if (!recent.length) ref.recent.append(make("li", { class: "vs-quiet" }, "What you open is listed here."));
    if (ref.open.offsetParent) drawWorkspace();
  };
  const refresh = () => {
    const mine = ++turn;
    const take = (answer) => {
      if (mine === turn) fill(answer);
    };
    return ask(server, "list_projects", { known: knownProjects() }).then(take, () => {});
  };

  // A project whose file can't be read: what is wrong, where the file is, and Delete.
  const damagedRow = (project) => {
    const { id, name, problem, file } = project;
    const words = make(
      "span",
      { class: "vs-grow" },
      make("strong", {}, name),
      make("span", { class: "vs-quiet" }, problem),
    );
    const node = make("li", { "data-project": id, class: "vs-damaged", title: problem }, words);
    const show = () => showMessage(`The project's file is ${file}. Put back a copy of it, then reload the page.`);
    if (file) node.append(textButton("Show file", `Say where the file of ${name} lies`, show));
    const remove = () => confirmDelete(project, node);
    node.append(iconButton("trash", "Delete", remove, { "aria-label": `Delete ${name}` }));
    return node;
  };
  const row = (project) => {
    if (project.problem) return damagedRow(project);
    const { id, name, size, frames, modified } = project;
    const openIt = () => {
      if (isOpen(id)) showClip();
      else open("open_project", { wanted: id });
    };
    const words = make("span", { class: "vs-quiet" }, `${size} · ${ago(modified)}`);
    const title = `${name}: ${size}, ${frames} frames`;
    const attributes = { type: "button", class: "vs-recent-open", title, "aria-current": String(isOpen(id)) };
    const button = make(
      "button",
      { ...attributes, onclick: openIt },
      thumbnailOf(project),
      make("span", {}, make("strong", {}, name), words),
    );
    const node = make("li", { "data-project": id }, button);
    const tool = (icon, label, onclick) => iconButton(icon, label, onclick, { "aria-label": `${label} ${name}` });
    node.append(
      tool("pen", "Rename", () => rename(project, node)),
      tool("trash", "Delete", () => confirmDelete(project, node)),
    );
    return node;
  };

  const rename = (project, node) => {
    const title = "Enter keeps it, Esc gives up";
    const attributes = { maxlength: "200", "aria-label": `New name of ${project.name}`, title };
    const take = (answer) => {
      fill(answer);
      if (isOpen(project.id)) ask(server, "look_again", { project_id: project.id }).catch(() => {});
    };
    const done = (name) => {
      if (!name || name === project.name) refresh();
      else ask(server, "rename_project", { wanted: project.id, name, known: knownProjects() }).then(take, refresh);
    };
    const input = nameField(project.name, attributes, done);
    turn += 1; // a list that is on its way would take the field away
    node.replaceChildren(thumbnailOf(project), input);
    focusText(input);
  };

  const confirmDelete = (project, node) => {
    const yes = textButton("Delete for good", "Its masks, tries and results go with it", () => remove(project));
    yes.classList.add("vs-danger");
    turn += 1;
    node.replaceChildren(
      ...(project.problem ? [] : [thumbnailOf(project)]),
      make("strong", { class: "vs-grow" }, project.name),
      textButton("Keep", "Keep the project", refresh),
      yes,
    );
    yes.focus();
  };
  const remove = (project) => {
    const values = { project_id: undefined, wanted: project.id, known: knownProjects() };
    const take = (answer) => {
      forgetProject(project.id);
      fill(answer);
      if (!isOpen(project.id)) return;
      const readable = answer.recent.filter(({ problem }) => !problem);
      const next = readable.find(({ id }) => knownProjects().includes(id)) || readable[0];
      if (next) open("open_project", { wanted: next.id }).then(showOpen);
      else if (answer.examples[0]) open("open_example", { name: answer.examples[0].name, known: knownProjects() });
    };
    return change(server, "delete_project", values).then(take, () => {});
  };

  return { fill, refresh };
};
