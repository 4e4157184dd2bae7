import { endedJobs, watch } from "/js/state/jobs.js";
import { clearMessage, dismissMessage, forgetRefusals, showMessage } from "/js/state/messages.js";
import { accept } from "/js/state/project.js";
import { on, set, state } from "/js/state/store.js";
import { equal, test } from "./harness.js";

const settled = () => new Promise((done) => setTimeout(done));
const shown = () => state.message && state.message.words;
const clear = () => {
  while (state.message) dismissMessage();
};

test("subscribers run once after all changes, with the keys that changed", async () => {
  const calls = [];
  on("wipe loop", (keys) => calls.push([...keys].sort()));
  set({ wipe: 0.1 });
  set({ wipe: 0.2, loop: true, showRegion: true });
  await settled();
  equal(calls, [[], ["loop", "showRegion", "wipe"]]);
  set({ wipe: 0.2 });
  await settled();
  equal(calls.length, 2);
});

test("a message gives way to the next, one with a report comes back", () => {
  clear();
  showMessage("it broke", "error", { report: "id" });
  showMessage("the first");
  showMessage("the second");
  equal(shown(), "The second.");
  dismissMessage();
  equal(shown(), "It broke.");
  clear();
});

test("a message goes when what it is about succeeds, one with a report stays", () => {
  clear();
  showMessage("it failed", "error", { about: "upload", report: "id" });
  showMessage("also failed", "error", { about: "upload" });
  clearMessage("upload");
  equal(shown(), "It failed.");
  clear();
});

test("a refusal outlives what is said in passing, and goes with the next action", () => {
  clear();
  showMessage("write a caption", "error", { about: "start_tries" });
  showMessage("it is fetched");
  equal([shown(), state.message.stays], ["It is fetched.", false]);
  dismissMessage();
  equal([shown(), state.message.stays], ["Write a caption.", true]);
  forgetRefusals();
  equal(shown(), null);
});

test("leaving the step clears what was about it", async () => {
  clear();
  await settled();
  showMessage("a job failed", "error", { about: "job export", job: true });
  showMessage("not open yet", "info", { about: "step" });
  set({ step: "adjust" });
  await settled();
  equal(shown(), "A job failed.");
  clear();
});

const job = (id, finished) => ({ id, kind: "track", finished });

test("a job's end is reported once, and only if it was watched", () => {
  equal(endedJobs([job("old", true), job("new", false)]), []);
  equal(
    endedJobs([job("old", true), job("new", true)]).map(({ id }) => id),
    ["new"],
  );
  equal(endedJobs([job("new", true)]), []);
});

test("a job that ends before it was ever seen is reported when it is watched", () => {
  watch("quick");
  equal(
    endedJobs([job("quick", true)]).map(({ id }) => id),
    ["quick"],
  );
});

const view = (id, moment, more = {}) => ({
  id,
  moment,
  clip: { start: 5, frames: 50 },
  objects: [],
  edits: [],
  accepted: null,
  ...more,
});

test("an earlier answer never replaces a later one", () => {
  accept(view("p", 10, { name: "later" }));
  accept(view("p", 9, { name: "earlier" }));
  equal(state.view.name, "later");
});

test("another project begins at its first frame, with its last try chosen", () => {
  set({ frame: 40, tryId: "x", viewport: { zoom: 4, x: 0, y: 0 } });
  accept(view("q", 1, { objects: [{ id: 7 }], edits: [{ id: "a" }, { id: "b" }] }));
  equal([state.frame, state.object, state.tryId, state.step, state.viewport.zoom], [5, 7, "b", "video", 1]);
  equal(history.state.project, "q");
});

test("what is selected is dropped when it is gone", () => {
  accept(view("q", 2, { objects: [{ id: 8 }], edits: [{ id: "a" }] }));
  equal([state.object, state.tryId], [8, null]);
});
