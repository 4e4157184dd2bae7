// Step 1, and what happens when the page opens.

import { showMessage } from "../state/messages.js";
import { accept, knownProjects, lastStep, openStep, wantedExample, wantedProject } from "../state/project.js";
import { ask, change, servers } from "../state/requests.js";
import { newObject } from "../state/selection.js";
import { on, set, state } from "../state/store.js";
import { trimTo } from "../stage/trim.js";
import { make, studioElement, wholeNumber } from "../widgets/dom.js";
import { takeVideos } from "../widgets/drop_handling.js";
import { question } from "../widgets/question.js";
import { askAboutMasks } from "./mask_doubt.js";
import { mountOpening } from "./opening.js";
import { mountPreflight } from "./preflight.js";
import { mountProjects } from "./projects.js";
import { canUpload, upload } from "./upload.js";

const AGAIN = 2000; // milliseconds until the page asks again when the program did not answer

export const mountVideo = (ref, server) => {
  const open = (name, values) => change(server, name, { ...values, project_id: undefined }).then(opened, () => {});
  const opened = (answer) => {
    if (!answer.view) return;
    accept(answer.view);
    showTab("clip");
    projects.refresh();
  };

  // What is shown: this clip and what to know of it, or what could be opened instead.
  const tabs = [...ref.tabs.querySelectorAll("input")];
  const showTab = (name) => {
    const tab = state.view ? name : "open";
    for (const input of tabs) input.checked = input.value === tab;
    ref.tabs.hidden = !state.view;
    ref.clip.hidden = tab !== "clip";
    ref.open.hidden = tab !== "open";
    if (tab === "open" && state.view) projects.refresh();
  };
  for (const input of tabs) input.addEventListener("change", () => showTab(input.value));
  const showing = { open, showClip: () => showTab("clip"), showOpen: () => showTab("open") };
  const projects = mountProjects(ref, server, showing);
  const drawPreflight = mountPreflight(ref, server);

  // The page's beginning

  const start = async (wanted) => {
    const answer = await ask(server, "open_page", { ...wanted, known: knownProjects() }).catch(() => null);
    if (!answer) {
      setTimeout(() => start(wanted), AGAIN);
      return;
    }
    if (answer.view) {
      accept(answer.view);
      restoreStep();
    }
    showTab(answer.view ? "clip" : "open");
    if (answer.notice) showMessage(answer.notice, "error");
    projects.fill(answer);
    studioElement().dataset.ready = "true";
  };
  // the step is in the address too: a reload comes back to where the work was
  const restoreStep = () => {
    const step = location.hash.slice(1) || lastStep();
    if (state.view.steps[step] && state.view.steps[step].open) set({ step });
  };
  window.addEventListener("popstate", () => {
    const wanted = wantedProject();
    if (wanted && wanted !== (state.view && state.view.id)) start({ project_id: wanted, example: null });
  });

  const follow = mountOpening(ref, server);

  // Files. One that is dropped may be masks of the clip that is open. What is no video leads
  // nowhere: the step stays until there is another clip.

  const send = async (file, dropped = false) => {
    if (!file || !canUpload()) return;
    const beside = dropped && state.view ? state.view.id : null;
    let told = -1;
    const sent = await upload(file, beside, (fraction) => {
      ref.upload.value = fraction;
      const tenth = Math.floor(10 * fraction);
      if (state.step === "video" || tenth === told) return;
      told = tenth;
      showMessage(`Sending ${file.name}: ${10 * tenth} %`, "info", { about: "upload", stays: true });
    });
    ref.file.value = "";
    const answer = sent && (await follow(sent).catch(() => null));
    if (answer) await arrived(answer);
  };
  // A video that looks like masks for the clip that is open: a person says which it is.
  const arrived = async (answer) => {
    const { id, name } = state.view || {};
    const sent = answer.view;
    const text = `“${sent.name}” is black and white and as long as ${name}: it looks like masks for it.`;
    const answers = [
      ["masks", "Use as masks", "It becomes an object of this clip"],
      ["clip", "Open as a clip", "It becomes a project of its own"],
    ];
    const use = answer.masks ? await question("Masks, or a clip?", text, answers) : "clip";
    if (use === "clip") opened(answer);
    else if (use === "masks" && state.view.id === id) await useAsMasks(sent);
    else {
      const values = { wanted: sent.id, known: knownProjects() };
      await ask(server, "delete_project", values).then(projects.fill, () => {});
    }
  };
  const useAsMasks = async (sent) => {
    const known = new Set(state.view.objects.map((object) => object.id));
    const take = ({ view }) => {
      openStep("select");
      const added = newObject(view, known);
      if (!added) return;
      set({ object: added.id });
      askAboutMasks(servers.select, added.id);
    };
    await change(servers.select, "masks_of_video", { wanted: sent.id }).then(take, () => {});
    projects.refresh();
  };
  ref.choose.addEventListener("click", () => ref.file.click());
  ref.file.addEventListener("change", () => send(ref.file.files[0]));
  takeVideos({
    says: "A video is opened.",
    take: ([file]) => {
      if (!canUpload()) {
        showMessage("A video is on its way: wait for it, or cancel it in step 1.", "error", { about: "arrival" });
        return;
      }
      if (state.step === "video") showTab("open");
      send(file, true);
    },
  });
  ref.form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!canUpload()) return;
    const take = (answer) => answer && opened(answer);
    ask(server, "open_path", { path: ref.path.value })
      .then(follow)
      .then(take, () => {});
  });

  // In and Out, as numbers

  const trim = () => {
    if (ref.start.value === "" || ref.stop.value === "") fillTrim();
    else trimTo(wholeNumber(ref.start), wholeNumber(ref.stop) + 1).catch(fillTrim);
  };
  const fillTrim = () => {
    const { clip } = state.view;
    ref.start.value = clip.start;
    ref.stop.value = clip.stop - 1;
    ref.start.max = ref.stop.max = clip.frames - 1;
    ref.whole.disabled = clip.start === 0 && clip.stop === clip.frames;
  };
  ref.start.addEventListener("change", trim);
  ref.stop.addEventListener("change", trim);
  ref.whole.addEventListener("click", () => trimTo(0, state.view.clip.frames).catch(() => {}));
  ref.primary.addEventListener("click", () => openStep("select"));

  const factRow = ({ name, value, note }) => {
    const quiet = note ? make("span", { class: "vs-quiet" }, ` ${note}`) : null;
    return [make("dt", {}, name), make("dd", {}, value, quiet)];
  };
  on("view uploading opening", () => {
    const { view } = state;
    ref.upload.hidden = !state.uploading;
    ref.choose.disabled = ref.openPath.disabled = !canUpload();
    ref.primary.disabled = !view;
    ref.reason.textContent = view ? "" : "Open a video first.";
    if (!view) return;
    ref.name.textContent = ref.name.title = view.name;
    ref.facts.replaceChildren(...view.clip.facts.flatMap(factRow));
    fillTrim();
    drawPreflight();
  });
  showTab("clip");
  start({ project_id: wantedProject(), example: wantedExample() });
};
