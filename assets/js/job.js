"use strict";
// Following the job: ask, draw, ask again. While tracking the playhead follows the masks, and comes back at the end, unless a person
// takes it elsewhere.
(() => {
  const { state } = studio;
  const EVERY = 300; // milliseconds between questions while something runs
  const NAMES = { track: "Tracking", find: "Looking", masks: "Writing", keyframe: "Trying", propagate: "Propagating", export: "Exporting", measure: "Measuring this machine", fetch: "Fetching" };
  const ordinal = (n) => `${n}${{ 1: "st", 2: "nd", 3: "rd" }[n % 100 - n % 10 === 10 ? 0 : n % 10] || "th"}`;
  const place = (ahead) => `${ordinal(ahead + 1)} in line`; // what runs is the first

  const seconds = (value) => (value >= 90 ? `${Math.round(value / 60)} min left` : `${Math.max(1, Math.round(value))} s left`);

  studio.parts.job = (ref, server) => {
    let timer = null;
    let following = null; // { id, frame, lanes }: the frame we put the playhead on, to see whether a person moved it
    const seen = new Set();
    // which jobs were under way when this browser last looked: one that ended while no page was open is told of all the same
    const recall = () => { try { return new Set(JSON.parse(localStorage.getItem("vivid-watched"))); } catch { return new Set(); } };
    const remember = (ids) => { try { localStorage.setItem("vivid-watched", JSON.stringify([...ids].slice(-50))); } catch { /* then only while the page is open */ } };
    const watched = recall();
    // one that was asked for here is told of, even when it ends before it was ever seen
    studio.watch = (id) => { watched.add(id); seen.delete(id); };

    const ask = async () => {
      timer = null;
      if (state.view) await studio.ask(server, "follow", { project_id: state.view.id }).catch(() => {});
      schedule();
    };
    const shownJob = () => studio.activeJob() || (state.view && state.view.jobs.filter((job) => !job.finished).pop()) || null;
    const schedule = () => { if (!timer && shownJob()) timer = setTimeout(ask, EVERY); };

    const reached = (before, now) => {
      let far = null;
      now.forEach((lane) => {
        const old = before.find((other) => other.object_id === lane.object_id);
        const had = new Set();
        for (const [start, stop] of old ? old.present : []) for (let f = start; f < stop; f++) had.add(f);
        for (const [start, stop] of lane.present) for (let f = start; f < stop; f++) if (!had.has(f) && (far === null || f > far)) far = f;
      });
      return far;
    };
    const followMasks = (job) => {
      if (!job || job.kind !== "track" || job.state !== "running") {
        if (following && !following.lost && state.frame === following.frame) studio.set({ frame: following.home });
        following = null;
        return;
      }
      if (!following || following.id !== job.id) { following = { id: job.id, home: state.frame, frame: state.frame, lanes: state.view.lanes }; return; }
      if (following.lost || state.frame !== following.frame) { following.lost = true; return; }
      const frame = reached(following.lanes, state.view.lanes);
      following.lanes = state.view.lanes;
      if (frame !== null) { following.frame = frame; studio.set({ frame }); }
    };

    const tell = (name, job) => { if (job) studio.ask(server, name, { project_id: state.view.id, job_id: job.id }).catch(() => {}); };
    ref.stop.addEventListener("click", () => tell("stop_job", shownJob()));
    ref.pause.addEventListener("click", () => tell("pause_job", studio.activeJob()));

    // What a program before this one had still to do, the oldest first.
    const interrupted = () => (state.view ? state.view.jobs.filter((job) => job.state === "interrupted").pop() || null : null);
    ref.again.addEventListener("click", () => tell("resume_job", interrupted()));
    ref.dismiss.addEventListener("click", () => tell("dismiss_job", interrupted()));

    // The queue: what runs, then what waits in its order. Other people's work is a number, no more.
    const openQueue = (open) => { ref.queue.hidden = !open; ref.more.setAttribute("aria-expanded", String(open)); };
    ref.more.addEventListener("click", () => openQueue(ref.queue.hidden));
    document.addEventListener("pointerdown", (event) => { if (!ref.queue.hidden && !event.target.closest(".vs-job")) openQueue(false); });
    ref.job.addEventListener("keydown", (event) => { if (event.key === "Escape" && !ref.queue.hidden) { event.stopPropagation(); openQueue(false); ref.more.focus(); } });
    const drawQueue = (jobs) => {
      const waiting = jobs.filter((job) => !job.finished).reverse();
      ref.more.hidden = waiting.length < 2;
      ref.more.textContent = `+${waiting.length - 1} waiting`;
      ref.more.title = "Show the queue";
      if (waiting.length < 2) openQueue(false);
      ref.list.replaceChildren(...waiting.map((job) => studio.make("li", {},
        studio.make("span", {}, studio.make("strong", {}, NAMES[job.kind] || job.kind), ` ${job.state === "running" ? `${Math.round(job.fraction * 100)} %` : place(job.ahead)}`),
        studio.make("button", { type: "button", class: "vs-button vs-small", title: job.state === "running" ? "Give this up" : "Take it out of the queue", onclick: () => tell("stop_job", job) }, job.state === "running" ? "Stop" : "Leave"))));
    };

    studio.on("view", () => {
      const jobs = state.view ? state.view.jobs : [];
      const job = shownJob();
      const left = job ? null : interrupted();
      ref.job.dataset.state = job ? job.state : left ? "interrupted" : "idle";
      ref.stop.disabled = !job;
      ref.stop.hidden = Boolean(left);
      ref.again.hidden = ref.dismiss.hidden = !left;
      ref.pause.hidden = !job || job.kind !== "propagate" || job.state !== "running";
      drawQueue(jobs);
      if (left) { ref.text.textContent = `${NAMES[left.kind] || left.kind}: interrupted`; ref.bar.value = 0; }
      else if (!job) { ref.text.textContent = "Ready"; ref.bar.value = 0; }
      else if (job.state === "queued") { ref.text.textContent = job.ahead ? `${NAMES[job.kind] || job.kind}: ${place(job.ahead)}` : "Starting"; ref.bar.value = 0; }
      else {
        const words = [`${NAMES[job.kind] || job.kind} ${Math.round(job.fraction * 100)} %`];
        if (job.remaining !== null) words.push(seconds(job.remaining));
        else if (job.stage) words[0] = job.stage.charAt(0).toUpperCase() + job.stage.slice(1);
        ref.text.textContent = words.join(" · ");
        ref.bar.value = job.fraction;
      }
      for (const done of jobs.filter((other) => other.finished && !seen.has(other.id))) {
        seen.add(done.id);
        if (!watched.has(done.id)) continue;
        if (done.state === "done") studio.settle(`job ${done.kind}`);
        if (done.state === "done" && studio.whenDone[done.kind]) studio.whenDone[done.kind](done);
        if (done.state === "failed") studio.toast(done.message, "error", { about: `job ${done.kind}`, job: true, report: done.result.report });
        else if (done.state === "cancelled") studio.toast(done.message === "paused" ? "Paused. Resume makes only what is missing." : "Stopped. What was finished stays.");
        else if (done.state === "done" && done.kind === "export") studio.toast(`Exported: ${done.result.file.split("/").pop()} is in step 5.`);
      }
      const changed = jobs.filter((other) => watched.has(other.id) === other.finished);
      for (const other of changed) if (other.finished) watched.delete(other.id); else watched.add(other.id);
      if (changed.length) remember(watched);
      followMasks(job);
      schedule();
    });
    document.addEventListener("visibilitychange", () => { if (!document.hidden && state.view && !timer) ask(); });
  };
})();
