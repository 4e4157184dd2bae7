"use strict";
// The page's memory: what is looked at (step, frame, object) and what the server last said (view). Parts subscribe to keys and redraw.
(() => {
  const state = {
    view: null, step: "video", frame: 0, object: null, tryId: null, playing: false,
    showMasks: true, compareTry: "wipe", compareResult: "side", wipe: 0.5, pending: [], uploading: false,
  };
  const listeners = [];
  let dirty = new Set();

  const flush = () => {
    const keys = dirty;
    dirty = new Set();
    for (const { wanted, react } of listeners) if (wanted.some((key) => keys.has(key))) react(state, keys);
  };

  const set = (changes) => {
    for (const [key, value] of Object.entries(changes)) {
      if (state[key] === value) continue;
      state[key] = value;
      if (!dirty.size) queueMicrotask(flush);
      dirty.add(key);
    }
  };

  const on = (keys, react) => {
    listeners.push({ wanted: keys.split(" "), react });
    react(state, new Set());
  };

  // A later view replaces an earlier one, never the other way: answers may overtake each other.
  const accept = (view) => {
    const old = state.view;
    if (old && old.id === view.id && old.moment >= view.moment) return;
    const changes = { view };
    if (!old || old.id !== view.id) {
      Object.assign(changes, { frame: view.clip.start, object: null, tryId: view.accepted || (view.edits.length ? view.edits[view.edits.length - 1].id : null), playing: false, pending: [] });
      if (old) changes.step = "video";
      const url = new URL(location.href);
      if (url.searchParams.get("project") !== view.id) {
        url.searchParams.set("project", view.id);
        if (old) url.hash = "";
        history.pushState(null, "", url);
      }
      remember(view.id);
    }
    const object = "object" in changes ? null : state.object;
    if (!view.objects.some((o) => o.id === object)) changes.object = view.objects.length ? view.objects[0].id : null;
    if (state.tryId && !view.edits.some((e) => e.id === state.tryId) && !("tryId" in changes)) changes.tryId = null;
    set(changes);
  };

  const remember = (id) => {
    const known = recall().filter((other) => other !== id);
    try { localStorage.setItem("vivid-projects", JSON.stringify([id, ...known].slice(0, 50))); } catch { /* private window: the URL has it */ }
  };
  const forget = (id) => {
    try { localStorage.setItem("vivid-projects", JSON.stringify(recall().filter((other) => other !== id))); } catch { /* nothing was kept */ }
  };
  const recall = () => {
    try { return JSON.parse(localStorage.getItem("vivid-projects")) || []; } catch { return []; }
  };
  // The step each project was left in; the address has it too, but people come back by the bare one.
  const leftIn = () => { try { return JSON.parse(localStorage.getItem("vivid-steps")) || {}; } catch { return {}; } };
  const leave = (id, step) => {
    const known = new Set(recall());
    const kept = Object.entries({ ...leftIn(), [id]: step }).filter(([other]) => known.has(other));
    try { localStorage.setItem("vivid-steps", JSON.stringify(Object.fromEntries(kept))); } catch { /* then the address has to do */ }
  };
  const lastStep = () => (state.view && leftIn()[state.view.id]) || "video";

  // Questions go out at once; changes go out one after the other, so that none is lost and their order stays.
  const ask = async (server, name, values = {}) => {
    // gradio's client gives back nothing, or throws, when the program is gone
    const answer = await server[name](values).catch(() => null);
    if (!answer || typeof answer !== "object") {
      if (!state.offline && await studio.checkConnection()) studio.toast("The program did not take that: do it again.", "error", { about: name });
      throw new Error("no answer");
    }
    if (answer.error) {
      studio.toast(answer.error, "error", { about: name, report: answer.report });
      throw new Error(answer.error);
    }
    studio.settle(name);
    if (answer.job && studio.watch) studio.watch(answer.job);
    if (answer.view && (!state.view || !values.project_id || answer.view.id === state.view.id)) accept(answer.view);
    return answer;
  };
  let tail = Promise.resolve();
  const change = (server, name, values = {}) => {
    const whole = { project_id: state.view && state.view.id, ...values };
    const answer = tail.then(() => ask(server, name, whole));
    tail = answer.catch(() => {});
    return answer;
  };

  const icons = {};
  const dress = (root) => {
    for (const node of root.querySelectorAll("[data-icon]")) {
      const svg = icons[node.dataset.icon];
      if (svg && !node.querySelector("svg")) node.insertAdjacentHTML("afterbegin", svg);
    }
  };
  const refs = (element) => Object.fromEntries([...element.querySelectorAll("[data-ref]")].map((node) => [node.dataset.ref, node]));

  const parts = {};
  const mount = (name, element, server) => {
    element.classList.add("vs-root");
    dress(element);
    studio.servers[name] = server;
    parts[name](refs(element), server, element);
  };

  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (value === true) node.setAttribute(key, "");
      else if (value !== false && value != null) node.setAttribute(key, value);
    }
    node.append(...children.filter((child) => child != null));
    return node;
  };

  const goTo = (frame) => {
    const clip = state.view && state.view.clip;
    if (clip) set({ frame: Math.max(0, Math.min(clip.frames - 1, Math.round(frame))) });
  };
  const openStep = (step) => {
    const info = state.view ? state.view.steps[step] : null;
    if (step !== "video" && !(info && info.open)) {
      studio.toast(info ? info.reason : "Open a video first.", "info", { about: "step" });
      return;
    }
    set({ step, playing: false });
    const url = new URL(location.href); // whole: gradio's <base> would swallow the query of a bare "#step"
    url.hash = step;
    history.replaceState(null, "", url);
  };
  on("step", () => { if (state.view) leave(state.view.id, state.step); });
  const whole = (input) => (input.value === "" ? null : Math.round(Number(input.value)));
  const rgb = (colour, alpha = 1) => `rgba(${colour[0]},${colour[1]},${colour[2]},${alpha})`;
  const address = (path) => `/studio/${state.view.id}/${path}`;
  // what the machine works on; a model that is fetched meanwhile keeps nothing else from being done
  const activeJob = () => (state.view ? state.view.jobs.filter((job) => !job.finished && job.kind !== "fetch").pop() || null : null);

  const studio = { state, set, on, ask, change, accept, parts, mount, make, icons, dress, recall, forget, lastStep, servers: {}, whenDone: {}, goTo, openStep, whole, rgb, address, activeJob };
  window.studio = studio;
})();
