// The job bar: what works, how far it is, and what waits. While tracking the playhead follows the
// masks, and comes back at the end, unless a person takes it elsewhere.

import { capital, placeInLine, timeLeft } from "../state/format.js";
import { activeJob, endedJobs, jobDone } from "../state/jobs.js";
import { clearMessage, showMessage } from "../state/messages.js";
import { missingWindows } from "../state/result.js";
import { ask, refreshView } from "../state/requests.js";
import { on, set, state } from "../state/store.js";
import { lastNewFrame } from "../state/timeline.js";
import { make, textButton } from "./dom.js";

const ASK_EVERY = 300; // milliseconds between questions while something runs
const NAMES = {
  track: "Tracking",
  find: "Looking",
  shadow: "Looking for shadows",
  masks: "Writing",
  keyframe: "Trying",
  propagate: "Propagating",
  mix: "Mixing",
  export: "Exporting",
  measure: "Measuring this machine",
  fetch: "Fetching",
  verify: "Checking",
};
const nameOf = (job) => NAMES[job.kind] || job.kind;
const percent = (job) => `${Math.round(job.fraction * 100)} %`;

// What a job that is asked to stop leaves behind: it ends within a step, and that is said at once.
const stoppingWords = (job) => {
  const { result } = state.view;
  if (job.kind === "track") return "Stopping, what was tracked stays";
  if (job.kind === "keyframe") return "Stopping, finished tries stay";
  if (job.kind !== "propagate" || !result || result.done || !result.windows.length) return "Stopping";
  const made = result.windows.length - missingWindows(result);
  const of = `of ${result.windows.length}`;
  if (!made) return `Stopping, no window ${of} is finished yet`;
  return made === 1 ? `Stopping, window 1 ${of} is kept` : `Stopping, ${made} ${of} windows are kept`;
};

/** The text of the bar and how full it is; null stands for no job. */
const jobProgress = (job, interrupted, stopping) => {
  if (job && stopping) return [stoppingWords(job), job.fraction];
  if (interrupted) return [`${nameOf(interrupted)}: interrupted`, 0];
  if (!job) return ["Ready", 0];
  if (job.state === "queued") return [job.ahead ? `${nameOf(job)}: ${placeInLine(job.ahead)}` : "Starting", 0];
  if (job.remaining !== null) return [`${nameOf(job)} ${percent(job)} · ${timeLeft(job.remaining)}`, job.fraction];
  return [job.stage ? capital(job.stage) : `${nameOf(job)} ${percent(job)}`, job.fraction];
};

const announceEnd = (job) => {
  if (job.state === "done") {
    clearMessage(`job ${job.kind}`);
    jobDone(job);
  } else if (job.state === "failed") {
    showMessage(job.message, "error", { about: `job ${job.kind}`, job: true, report: job.result.report });
  } else if (job.state === "cancelled") {
    const { result } = state.view;
    const paused = job.message === "paused" && result && !result.done;
    const words = paused
      ? "Stopped. Resume in step 5 makes only what is missing."
      : "Stopped. What was finished stays.";
    showMessage(words, "info", { about: `job ${job.kind}` });
  }
};

// Lets the playhead follow the masks of a tracking job.
const maskFollower = () => {
  let followed = null; // { id, home, frame, timelines, lost }: the playhead was put on `frame`
  const end = () => {
    if (followed && !followed.lost && state.frame === followed.frame) set({ frame: followed.home });
    followed = null;
  };
  return (job) => {
    if (!job || job.kind !== "track" || job.state !== "running") return end();
    const timelines = state.view.lanes;
    if (!followed || followed.id !== job.id) {
      followed = { id: job.id, home: state.frame, frame: state.frame, timelines, lost: false };
      return;
    }
    if (followed.lost || state.frame !== followed.frame) {
      followed.lost = true;
      return;
    }
    const frame = lastNewFrame(followed.timelines, timelines);
    followed.timelines = timelines;
    if (frame === null) return;
    followed.frame = frame;
    set({ frame });
  };
};

export const mountJobBar = (ref, server) => {
  let timer = null;

  const refresh = async () => {
    timer = null;
    if (state.view) await refreshView();
    schedule();
  };
  // what works; else a model that is being fetched
  const shownJob = () => activeJob() || (state.view && state.view.jobs.filter((job) => !job.finished).pop()) || null;
  const schedule = () => {
    if (!timer && shownJob()) timer = setTimeout(refresh, ASK_EVERY);
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && state.view && !timer) refresh();
  });
  on("reconnected", () => {
    if (state.reconnected && state.view) refreshView();
  });

  const tell = (name, job) => ask(server, name, { project_id: state.view.id, job_id: job.id });
  const stopping = new Set(); // ids of the jobs that were asked to stop
  const stop = (job) => {
    if (!job) return;
    if (job.state === "running") stopping.add(job.id);
    draw();
    tell("stop_job", job).catch(() => {
      stopping.delete(job.id); // it goes on, and can be stopped again
      draw();
    });
  };
  ref.stop.addEventListener("click", () => stop(shownJob()));

  // What the program had still to do when it was stopped, the oldest first.
  const interruptedJob = () =>
    (state.view && state.view.jobs.filter((job) => job.state === "interrupted").pop()) || null;
  const answer = (name) => {
    const job = interruptedJob();
    if (job) tell(name, job).catch(() => {});
  };
  ref.again.addEventListener("click", () => answer("resume_job"));
  ref.dismiss.addEventListener("click", () => answer("dismiss_job"));

  const drawQueue = queue(ref, stop);
  const followMasks = maskFollower();

  const draw = () => {
    const jobs = state.view ? state.view.jobs : [];
    const job = shownJob();
    const interrupted = job ? null : interruptedJob();
    ref.job.dataset.state = job ? job.state : interrupted ? "interrupted" : "idle";
    const ends = Boolean(job) && stopping.has(job.id);
    ref.stop.disabled = !job || ends;
    ref.stop.hidden = Boolean(interrupted);
    ref.again.hidden = ref.dismiss.hidden = !interrupted;
    ref.stop.title =
      job && job.kind === "propagate" ? "Finished windows stay; Resume in step 5 goes on from there" : "Give this up";
    [ref.text.textContent, ref.bar.value] = jobProgress(job, interrupted, ends);
    drawQueue(jobs);
  };
  on("view", () => {
    draw();
    const jobs = state.view ? state.view.jobs : [];
    endedJobs(jobs).reverse().forEach(announceEnd); // the newest last
    followMasks(shownJob());
    schedule();
  });
};

// The queue: what runs, then what waits in its order. Other people's jobs are a number, no more.
const queue = (ref, stop) => {
  const open = (shown) => {
    ref.queue.hidden = !shown;
    ref.more.setAttribute("aria-expanded", String(shown));
  };
  ref.more.addEventListener("click", () => open(ref.queue.hidden));
  document.addEventListener("pointerdown", (event) => {
    if (!ref.queue.hidden && !event.target.closest(".vs-job")) open(false);
  });
  ref.job.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || ref.queue.hidden) return;
    event.stopPropagation();
    open(false);
    ref.more.focus();
  });
  const row = (job) => {
    const runs = job.state === "running";
    const words = make("span", {}, make("strong", {}, nameOf(job)), ` ${runs ? percent(job) : placeInLine(job.ahead)}`);
    const title = runs ? "Give this up" : "Take it out of the queue";
    return make(
      "li",
      {},
      words,
      textButton(runs ? "Stop" : "Leave", title, () => stop(job)),
    );
  };
  return (jobs) => {
    const waiting = jobs.filter((job) => !job.finished).reverse();
    ref.more.hidden = waiting.length < 2;
    ref.more.textContent = `+${waiting.length - 1} waiting`;
    ref.more.title = "Show the queue";
    if (waiting.length < 2) open(false);
    ref.list.replaceChildren(...waiting.map(row));
  };
};
