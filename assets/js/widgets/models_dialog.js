// The models: a list to fetch from, to choose from and to clear up.

import { register } from "../state/commands.js";
import { plural } from "../state/format.js";
import { unfinishedJob, onJobDone } from "../state/jobs.js";
import { showMessage } from "../state/messages.js";
import { ask, change, servers } from "../state/requests.js";
import { on, set, state } from "../state/store.js";
import { drawIcons, make, textButton } from "./dom.js";

const KINDS = {
  segmenter: ["Finding and tracking objects", "A larger one finds outlines better and takes longer."],
  video: ["Painting and propagating", "The program works with one of them; another is used from the next start on."],
  image: ["Painting the keyframe", "A model for pictures, for the keyframe alone."],
  lora: [
    "Drafts",
    "Added to a model of the same name, they let it do with few steps: the choice Preset in steps 4 and 5.",
  ],
  grounder: ["Finding by words", "Needed only where you type what to look for."],
};
const STATES = {
  ships: "part of the program",
  fetched: "fetched",
  here: "on this disk",
  "not yet": "not in this version of the program yet",
};
const WORK = { fetch: "Fetching", verify: "Checking" };
const PAUSE = ["Pause", "What has come stays, also when the program ends; Resume goes on from there"];
const LEAD =
  "The small ones that come with the program are always here. Others are fetched once, and only when you ask for them.";

const size = (mb) => (mb >= 1000 ? `${(mb / 1000).toFixed(1)} GB` : `${mb} MB`);

const termsOf = (licence) => licence.name + (licence.limits ? `: ${licence.limits}` : "");

const begunWords = (model) => {
  if (model.state !== "begun") return "";
  return `${size(model.begun_mb)}${model.size ? ` of ${model.size}` : ""} are here`;
};

const modelWords = (model) =>
  [
    model.used ? "in use" : "",
    model.next_start ? "in use from the next start" : "",
    STATES[model.state],
    begunWords(model),
    model.licences.map(termsOf).join(", "),
  ]
    .filter(Boolean)
    .join(" · ");

export const mountModelsDialog = (ref, server) => {
  let models = [];
  let lead = ""; // that no full-size engine fits, where so
  let fixed = false; // on a server for others nobody changes the models
  let asked = new Set(); // fetches that are on their way to the program
  let offered = ""; // the model whose licence is shown to be accepted
  let turn = 0; // of the latest question: an earlier one's answer is not shown
  let drawn = "";

  const take = (answer) => {
    turn += 1;
    ({ models, fixed, lead } = answer);
    draw();
  };
  const refresh = () => {
    const mine = ++turn;
    ask(server, "list_models").then(
      (answer) => {
        if (mine === turn) take(answer);
      },
      () => {},
    );
  };
  const jobOf = (name) => {
    const works = (job) => WORK[job.kind] && !job.finished && job.stage.endsWith(` ${name}`);
    return state.view && state.view.jobs.find(works);
  };
  const fetchModel = (name, accepted) => {
    asked.add(name);
    offered = "";
    draw();
    change(server, "fetch_model", { name, accepted }).catch(() => {
      asked.delete(name);
      draw();
    });
  };
  const verifyModel = (name) => {
    change(server, "verify_model", { name }).catch(() => {});
  };
  const changeModels = (name, model) =>
    change(server, name, { project_id: undefined, name: model.name }).then(
      (answer) => {
        take(answer);
        set({ segmenter: model.name });
      },
      () => {},
    );

  const fetching = (model, job) => {
    const stop = () => ask(servers.job, "stop_job", { project_id: state.view.id, job_id: job.id }).catch(() => {});
    const label = `${WORK[job.kind]} ${model.title}`;
    const [word, title] = job.kind === "fetch" ? PAUSE : ["Stop", "Check it another time"];
    return [
      make("progress", { class: "vs-job-bar", max: 1, value: job.fraction, "aria-label": label }),
      make("span", { class: "vs-quiet" }, `${WORK[job.kind].toLowerCase()}, ${Math.round(job.fraction * 100)} %`),
      textButton(word, title, stop),
    ];
  };
  const actions = (model) => {
    const job = jobOf(model.name);
    if (job) return fetching(model, job);
    if (asked.has(model.name)) return [make("span", { class: "vs-quiet" }, "starting …")];
    if (fixed) return [];
    const remove = `Delete ${model.title} from this disk; it can be fetched again`;
    const removal = () => textButton("Remove", remove, () => changeModels("remove_model", model));
    if (model.state === "begun") {
      const title = `Fetch what is missing of ${model.title}`;
      return [textButton("Resume", title, () => fetchModel(model.name, false), { disabled: !state.view }), removal()];
    }
    if (model.state === "not yet") return [];
    if (model.state === "absent") {
      if (offered === model.name) return [];
      const title = `Fetch ${model.title} from the network, once; its licence: ${model.licence}`;
      const more = { "data-icon": "download", disabled: !state.view };
      const offer = () => {
        offered = model.name;
        draw();
        ref.list.querySelector(".vs-terms input").focus();
      };
      return [textButton(`Fetch ${model.size}`.trim(), title, offer, more)];
    }
    const later = `Let ${model.title} paint and propagate once the program is started again`;
    const verify = `Compare the files of ${model.title} with the hashes that the hub tells`;
    const needsProject = { disabled: !state.view };
    const use = `Let ${model.title} answer clicks and track objects from now on`;
    return [
      model.kind === "segmenter" && !model.used
        ? textButton("Use", use, () => changeModels("use_segmenter", model))
        : null,
      model.kind === "video" && !model.used && !model.next_start && model.fits
        ? textButton("Use from the next start", later, () => changeModels("use_video_model", model))
        : null,
      model.state === "fetched" ? textButton("Verify", verify, () => verifyModel(model.name), needsProject) : null,
      model.state === "fetched" ? removal() : null,
    ];
  };
  const terms = (model) => {
    const fetchIt = textButton(
      `Fetch ${model.size}`.trim(),
      `Fetch ${model.title} now`,
      () => fetchModel(model.name, true),
      {
        class: "vs-button vs-small vs-primary",
        disabled: true,
      },
    );
    const tick = make("input", {
      type: "checkbox",
      onchange: (event) => {
        fetchIt.disabled = !event.target.checked;
      },
    });
    const links = model.licences.map((licence) =>
      make("a", { href: licence.address, target: "_blank", rel: "noreferrer" }, termsOf(licence)),
    );
    const cancel = () => {
      offered = "";
      draw();
    };
    const words = links.flatMap((link, i) => (i ? [" and ", link] : [link]));
    return make(
      "div",
      { class: "vs-terms" },
      make("label", {}, tick, make("span", {}, "I accept the licence: ", ...words)),
      textButton("Cancel", "Fetch nothing", cancel),
      fetchIt,
    );
  };
  const row = (model) => {
    const words = make("span", { class: "vs-quiet" }, modelWords(model));
    const wayIn = model.way_in && model.state === "absent" ? `Before fetching: ${model.way_in}.` : "";
    const gate = wayIn ? [make("span", { class: "vs-quiet" }, wayIn)] : [];
    const shown = offered === model.name && model.state === "absent" && !asked.has(model.name) ? [terms(model)] : [];
    const first = model.first && !model.used ? make("span", { class: "vs-first" }, "take this first") : null;
    const title = make("span", {}, make("strong", {}, model.title), first);
    const brings = model.brings ? [make("span", {}, model.brings)] : [];
    const name = make("span", { class: "vs-grow" }, title, ...brings, words, ...gate);
    return make("li", { "data-model": model.name, "data-used": String(model.used) }, name, ...actions(model), ...shown);
  };
  const section = ([kind, [title, words]]) => {
    const rows = models.filter((model) => model.kind === kind).map(row);
    const note = kind === "video" && lead ? make("p", { class: "vs-note" }, lead) : null;
    return make(
      "section",
      {},
      make("h3", {}, title),
      make("p", { class: "vs-quiet" }, words),
      note,
      make("ul", {}, ...rows),
    );
  };
  const draw = () => {
    if (!ref.dialog.open) return;
    const progress = models.map((model) => jobOf(model.name)).map((job) => job && Math.round(job.fraction * 100));
    const key = JSON.stringify([models, fixed, lead, [...asked], offered, progress, Boolean(state.view)]);
    if (key === drawn) return;
    drawn = key;
    const focused = [...ref.list.querySelectorAll("button")].indexOf(document.activeElement);
    ref.lead.textContent = fixed ? "What this server works with." : LEAD;
    ref.list.replaceChildren(...Object.entries(KINDS).map(section));
    drawIcons(ref.list);
    if (focused < 0) return;
    const buttons = ref.list.querySelectorAll("button");
    (buttons[Math.min(focused, buttons.length - 1)] || ref.dialog.querySelector("form button")).focus();
  };

  register({
    showModels: () => {
      drawn = offered = "";
      ref.dialog.showModal();
      draw();
      refresh();
    },
  });
  ref.dialog.addEventListener("click", (event) => {
    if (event.target === ref.dialog) ref.dialog.close();
  });
  ref.dialog.addEventListener("keydown", (event) => event.stopPropagation());
  let ended = ""; // ids of the fetches and checks that have ended, whichever way
  on("view", () => {
    const before = ended;
    ended = (state.view ? state.view.jobs : [])
      .filter((job) => WORK[job.kind] && job.finished)
      .map((job) => job.id)
      .join();
    if (ended !== before && ref.dialog.open) refresh();
    for (const name of [...asked]) if (jobOf(name)) asked.delete(name);
    if (asked.size && state.view && !unfinishedJob("fetch")) {
      asked = new Set();
      refresh();
    }
    draw();
  });
  onJobDone("fetch", (job) => {
    asked.clear();
    refresh();
    set({ fetched: job.id });
    showMessage(`Fetched: ${job.result.model}.`);
  });
  onJobDone("verify", (job) =>
    showMessage(`${job.result.model} is as the hub has it: ${plural(job.result.files, "file")} checked.`),
  );
};
