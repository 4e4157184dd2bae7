// What is taken home: the result as a download or in a format of one's choice, and the files that
// there are.

import { ago, fileSize, plural, sentence } from "../state/format.js";
import { onJobDone } from "../state/jobs.js";
import { showMessage } from "../state/messages.js";
import { openStep, projectUrl } from "../state/project.js";
import { ask, request } from "../state/requests.js";
import { state } from "../state/store.js";
import { copyWords } from "../widgets/clipboard.js";
import { make } from "../widgets/dom.js";

const DOWNLOADED = "h264";

const addressOf = (name) => projectUrl(`export/${encodeURIComponent(name)}`);

const save = (name, href) => make("a", { href, download: name }).click();

/** Mount the part that saves files; returns `draw()`, to be called with a clip open. */
export const mountExports = (ref, server) => {
  const shown = () => (state.view.result && state.view.result.done ? state.view.result : null);
  const madeOf = () => (shown() ? shown().id : state.view.base);
  const span = () => (shown() ? shown().span : [state.view.clip.start, state.view.clip.stop]);
  const isPart = () => span()[1] - span()[0] < state.view.clip.frames;
  const wantsWhole = () => !isPart() || ref.scope.value === "whole";

  // Jobs that this page asked for: their files are downloaded when they are there.
  const mine = new Set();
  const start = async (codec) => {
    const propagation_id = shown() ? shown().id : null;
    const answer = await request(server, "start_export", { codec, propagation_id, whole: wantsWhole() });
    if (answer && answer.job) mine.add(answer.job);
  };
  ref.export.addEventListener("click", () => start(ref.codec.value));
  ref.download.addEventListener("click", (event) => {
    if (!isPart() || !wantsWhole()) return; // the link has what plays
    event.preventDefault();
    const { clip, exports } = state.view;
    const there = exports.find(
      ({ result, codec, frames, name }) =>
        result === madeOf() && codec === DOWNLOADED && frames === clip.frames && !name.endsWith(".json"),
    );
    if (there) save(there.name, addressOf(there.name));
    else start(DOWNLOADED);
  });

  ref.command.addEventListener("click", async () => {
    const values = { project_id: state.view.id, propagation_id: shown().id };
    const answer = await ask(server, "copy_command", values).catch(() => null);
    if (answer) copyWords(answer.command);
  });

  const point = (name) => {
    const link = [...ref.files.querySelectorAll("a")].find((one) => one.title === name);
    if (!link) return;
    link.scrollIntoView({ block: "nearest" });
    link.focus();
  };
  onJobDone("export", ({ id, result }) => {
    const name = result.file.split("/").pop();
    const encoded = result.frames - result.copied;
    const copied = result.copied
      ? ` ${plural(result.copied, "frame")} copied from your file as they were, ${encoded} encoded again.`
      : "";
    if (mine.delete(id)) {
      save(name, addressOf(name));
      showMessage(`Saved: ${name}.${copied}`);
      return;
    }
    const go = () => {
      openStep("propagate");
      requestAnimationFrame(() => point(name));
    };
    showMessage(`Exported: ${name}.${copied}`, "info", {
      offer: { label: "Show it", title: "Go to the file in step 5", run: go },
    });
  });

  // What becomes of the clip's sound in the format that is chosen

  let noted = "";
  const askNotes = async () => {
    const { view } = state;
    if (state.step !== "propagate" || ref.exportSection.hidden) return;
    const values = { project_id: view.id, codec: ref.codec.value, whole: wantsWhole() };
    const key = JSON.stringify([values, view.clip.start, view.clip.stop]);
    if (key === noted) return;
    noted = key;
    const answer = await ask(server, "export_notes", values).catch(() => ({ notes: [] }));
    if (key === noted) ref.exportNotes.replaceChildren(...answer.notes.map((note) => make("li", {}, sentence(note))));
  };

  let filesDrawn = "";
  const RECIPE = ".recipe.json";
  const link = (name, words) => make("a", { href: addressOf(name), download: name, title: name }, words);
  const fileRow = ({ name, bytes, made }, files) => {
    const recipe = files.find((other) => other.name === name.replace(/\.\w+$/, RECIPE));
    const facts = made ? `${fileSize(bytes)} · ${ago(made)}` : fileSize(bytes);
    return make(
      "li",
      {},
      link(name, name),
      make("span", { class: "vs-quiet" }, recipe ? link(recipe.name, "recipe") : "", recipe ? ` · ${facts}` : facts),
    );
  };
  const rows = (files) => {
    const videos = files.filter(({ name }) => !name.endsWith(RECIPE));
    const stems = new Set(videos.map(({ name }) => name.replace(/\.\w+$/, RECIPE)));
    return [...videos, ...files.filter(({ name }) => name.endsWith(RECIPE) && !stems.has(name))].map((file) =>
      fileRow(file, files),
    );
  };
  const drawFiles = () => {
    const { id, exports } = state.view;
    const key = JSON.stringify([id, exports, madeOf()]);
    if (key === filesDrawn) return;
    filesDrawn = key;
    const own = exports.filter(({ result }) => result && result === madeOf());
    const others = exports.filter((file) => !own.includes(file));
    ref.files.replaceChildren(...rows(own));
    ref.others.replaceChildren(...rows(others));
    ref.otherFiles.hidden = !others.length;
  };
  const drawScope = () => {
    const [first, stop] = span();
    ref.scopeRow.hidden = !isPart();
    ref.command.hidden = !shown();
    ref.scope.lastElementChild.textContent = `only frames ${first} to ${stop - 1}`;
    const result = shown();
    if (result) ref.download.href = projectUrl(`result/${result.id}.mp4`);
    if (result) ref.download.download = `${state.view.name}, ${result.title}.mp4`;
  };
  for (const choice of [ref.codec, ref.scope]) choice.addEventListener("change", askNotes);

  return () => {
    drawFiles();
    drawScope();
    askNotes();
  };
};
