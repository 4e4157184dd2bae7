"use strict";
// One calm line at the foot of the picture, and the picture library of the buttons.
(() => {
  const STAY = { info: 6000, error: 12000, job: 20000 }; // milliseconds
  let box = null;
  let timer = null;
  let messages = []; // the last one is shown; what has to be seen comes back when another that came over it has gone
  const { make } = studio;

  // `about` says what a message answers to: it goes when that is next done well, when another clip is opened or the step is left.
  // The error of a `job` may come while nobody is there: its time begins when somebody is. `report` is the id of the report on a fault of
  // ours: it can be copied or saved, and the line stays until it is put away.
  studio.toast = (text, kind = "info", { about = "", job = false, report = null } = {}) => {
    const words = sentence(text);
    messages = messages.filter((other) => (other.job || other.report) && other.words !== words);
    messages.push({ words, kind, about, job, report });
    show();
  };
  studio.settle = (about) => keep((message) => message.report || message.about !== about);
  const keep = (wanted) => {
    const shown = messages[messages.length - 1];
    messages = messages.filter(wanted);
    if (shown !== messages[messages.length - 1]) show();
  };
  const lasting = (message) => message.job || message.report || !message.about;
  const hide = () => { messages.pop(); show(); };
  const wait = (ms) => { clearTimeout(timer); timer = setTimeout(hide, ms); };

  const show = () => {
    clearTimeout(timer);
    const message = messages[messages.length - 1];
    if (box) box.classList.toggle("vs-on", Boolean(message));
    if (!message) return;
    if (!box) {
      box = make("div", { class: "vs-toast vs-on" });
      box.append(make("span", {}), make("span", { class: "vs-toast-actions" }), make("button", { type: "button", class: "vs-icon-button", "aria-label": "Dismiss", title: "Dismiss", onclick: hide }, "×"));
      box.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
    }
    const home = [...document.querySelectorAll("dialog:modal")].pop() || document.getElementById("studio") || document.body; // else it would lie behind it
    if (box.parentElement !== home) home.append(box);
    box.dataset.kind = message.kind;
    box.setAttribute("role", message.kind === "error" ? "alert" : "status");
    box.firstChild.textContent = message.words;
    box.children[1].replaceChildren(...(message.report ? reportActions(message.report) : []));
    if (!message.report && (!message.job || message.seen)) wait(STAY[message.job ? "job" : message.kind]);
  };
  const somebodyIsThere = () => {
    const message = messages[messages.length - 1];
    if (!message || !message.job || message.report || message.seen) return;
    message.seen = true;
    wait(STAY.job);
  };
  for (const sign of ["pointermove", "pointerdown", "keydown"]) window.addEventListener(sign, somebodyIsThere, { capture: true, passive: true });
  document.addEventListener("close", () => { if (box && box.closest("dialog")) { document.getElementById("studio").append(box); } }, true);
  let clip = null;
  studio.on("step", () => keep(lasting));
  studio.on("view", () => { if (studio.state.view && clip !== studio.state.view.id) { clip = studio.state.view.id; keep(lasting); } });

  const reportActions = (report) => {
    const address = `/studio/report/${report}.txt`;
    const copy = make("button", { type: "button", class: "vs-button vs-small", title: "Copy the report, to paste it into a message" }, "Copy report");
    copy.addEventListener("click", async () => {
      const text = await fetch(address).then((answer) => answer.text()).catch(() => "");
      // without a secure address a browser has no clipboard for a page: then saving it has to do
      const done = text && await navigator.clipboard?.writeText(text).then(() => true, () => false);
      copy.textContent = done ? "Copied" : "Save it instead";
    });
    return [copy, make("a", { class: "vs-button vs-small", href: address, download: "", title: "Save the report as a file; it is in the workspace's folder logs too" }, "Save report")];
  };

  const sentence = (text) => {
    const trimmed = text.trim();
    const whole = /^[a-z]+[\s,]/.test(trimmed) ? trimmed.charAt(0).toUpperCase() + trimmed.slice(1) : trimmed; // a file's name stays as it is
    return /[.!?)]$/.test(whole) ? whole : `${whole}.`;
  };
  studio.sentence = sentence;

  const line = (body, fill = "none") => `<svg viewBox="0 0 24 24" aria-hidden="true" fill="${fill}" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">${body}</svg>`;
  Object.assign(studio.icons, {
    undo: line('<path d="M9 7 4 12l5 5"/><path d="M4 12h10a6 6 0 0 1 6 6"/>'),
    redo: line('<path d="m15 7 5 5-5 5"/><path d="M20 12H10a6 6 0 0 0-6 6"/>'),
    theme: line('<circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor"/>'),
    help: line('<circle cx="12" cy="12" r="9"/><path d="M9.6 9.4a2.5 2.5 0 1 1 3.5 2.3c-.8.4-1.1.9-1.1 1.8"/><path d="M12 16.6v.1"/>'),
    first: line('<path d="M6 6v12"/><path d="m18 6-8 6 8 6z"/>', "currentColor"),
    last: line('<path d="M18 6v12"/><path d="m6 6 8 6-8 6z"/>', "currentColor"),
    back: line('<path d="m15 6-7 6 7 6"/>'),
    on: line('<path d="m9 6 7 6-7 6"/>'),
    play: line('<path d="m8 5 11 7-11 7z"/>', "currentColor"),
    pause: line('<path d="M8 6v12M16 6v12" stroke-width="3.4"/>'),
    eye: line('<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/><circle cx="12" cy="12" r="2.8"/>'),
    film: line('<rect x="3" y="5" width="18" height="14" rx="2"/><path d="M8 5v14M16 5v14M3 10h5M3 14h5M16 10h5M16 14h5"/>'),
    upload: line('<path d="M12 16V5m-4.5 4L12 4.5 16.5 9"/><path d="M4 15v3.5A1.5 1.5 0 0 0 5.5 20h13a1.5 1.5 0 0 0 1.5-1.5V15"/>'),
    download: line('<path d="M12 4.5v11m-4.5-4 4.5 4.5 4.5-4.5"/><path d="M4 16v2.5A1.5 1.5 0 0 0 5.5 20h13a1.5 1.5 0 0 0 1.5-1.5V16"/>'),
    plus: line('<path d="M12 5v14M5 12h14"/>'),
    remove: line('<path d="m7 7 10 10M17 7 7 17"/>'),
    dice: line('<rect x="4" y="4" width="16" height="16" rx="3"/><path d="M9 9v.1M15 15v.1M15 9v.1M9 15v.1M12 12v.1" stroke-width="2.6"/>'),
    minus: line('<path d="M5 12h14"/>'),
    mark: line('<path d="m6 3 13 8.5-5.8 1.3L10 19z"/><path d="M19.5 17v5M17 19.5h5"/>'),
    unmark: line('<path d="m6 3 13 8.5-5.8 1.3L10 19z"/><path d="M17 19.5h5"/>'),
    box: line('<path d="M5 5h14v14H5z" stroke-dasharray="3.2 2.6"/>'),
    brush: line('<path d="M20 4c-4 2-8 6-10 9l1.6 1.6C14.500 12.500 18 8.500 20 4z"/><path d="M9.500 13.500c-2.500 0-3.300 1.700-3.500 3.500-.15 1.300-1 2-2 2.300 3 1.200 7.300.6 7.300-3.800z"/>'),
    eraser: line('<path d="m13 5 6 6-8.500 8.500H7L4 16.500a1.500 1.500 0 0 1 0-2.100z"/><path d="m8.500 9.500 6 6M11 19.500h9"/>'),
    eyeoff: line('<path d="M2.5 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12z" opacity=".45"/><path d="M4 20 20 4"/>'),
    check: line('<path d="m5 12.500 4.500 4.500L19 7"/>'),
    warn: line('<path d="M12 4 2.800 19.500h18.400z"/><path d="M12 10v4.500M12 17v.1"/>'),
    merge: line('<path d="M6 4v4c0 4 6 4 6 8v4M18 4v4c0 4-6 4-6 8"/>'),
    trash: line('<path d="M4.5 6.5h15M9.500 6.500V4h5v2.500M6.500 6.500 7.500 20h9l1-13.500M10.500 10.500v5.500m3-5.500v5.500"/>'),
    pen: line('<path d="m14.500 5.500 4 4L8 20H4v-4z"/>'),
    trackback: line('<path d="M20 12H5"/><path d="m11 6-6 6 6 6"/><path d="M20 6v12"/>'),
    trackon: line('<path d="M4 12h15"/><path d="m13 6 6 6-6 6"/><path d="M4 6v12"/>'),
    trackboth: line('<path d="M3 12h18"/><path d="m8 7-5 5 5 5M16 7l5 5-5 5"/>'),
    wipe: line('<path d="m8 8-4 4 4 4M16 8l4 4-4 4"/>'),
  });

  const logo = '<symbol id="vs-logo" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#5a4fcf"/><path d="M7 9.5 13.2 23a1.6 1.6 0 0 0 2.9 0l2-4.4" fill="none" stroke="#fff" stroke-width="3.2" stroke-linecap="round"/><circle cx="22" cy="11.5" r="3.6" fill="#ffca28"/></symbol>';
  const addSymbols = () => document.body.insertAdjacentHTML("afterbegin", `<svg width="0" height="0" style="position:absolute" aria-hidden="true">${logo}</svg>`);
  if (document.body) addSymbols(); else document.addEventListener("DOMContentLoaded", addSymbols);
})();
