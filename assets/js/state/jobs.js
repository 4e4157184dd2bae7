// Jobs: which one works, which ones this browser watches, and who wants to know when one is done.

import { recallItem, rememberItem } from "./storage.js";
import { state } from "./store.js";

// Jobs that were under way when this browser looked last: one that ended while no page was open is
// reported all the same.
const watched = new Set(recallItem("vivid-watched", []));
const reported = new Set();
const reactions = {};

const REMEMBERED = 50;

/**
 * What the machine works on, else what waits; not a model that is fetched or checked, which keeps
 * nothing else from being done.
 */
export const activeJob = () => {
  if (!state.view) return null;
  return state.view.jobs.filter((job) => !job.finished && job.kind !== "fetch" && job.kind !== "verify").pop() || null;
};

/** The running or waiting job of a kind; null when there is none. */
export const unfinishedJob = (kind) => state.view.jobs.find((job) => job.kind === kind && !job.finished) || null;

/** Whether the active job is of a kind. */
export const isActive = (kind) => {
  const job = activeJob();
  return Boolean(job && job.kind === kind);
};

/**
 * Part of an overlay's address that changes while masks are being tracked; empty at other times.
 */
export const trackingMark = () => {
  const job = activeJob();
  return job && job.kind === "track" && job.state === "running" ? `-${job.id}-${job.done}` : "";
};

/** Report the job's end here, even when it ends before it was ever seen. */
export const watch = (id) => {
  watched.add(id);
  reported.delete(id);
};

/** Call `react` with each job of a kind that ends well. One reaction a kind. */
export const onJobDone = (kind, react) => {
  reactions[kind] = react;
};

export const jobDone = (job) => reactions[job.kind]?.(job);

/**
 * The watched jobs of a view that have ended since the last call; what is under way is watched from
 * here on.
 */
export const endedJobs = (jobs) => {
  const ended = jobs.filter((job) => job.finished && !reported.has(job.id));
  for (const job of ended) reported.add(job.id);
  const wanted = ended.filter((job) => watched.has(job.id));
  const changed = jobs.filter((job) => watched.has(job.id) === job.finished);
  for (const job of changed) {
    if (job.finished) watched.delete(job.id);
    else watched.add(job.id);
  }
  if (changed.length) rememberItem("vivid-watched", [...watched].slice(-REMEMBERED));
  return wanted;
};
