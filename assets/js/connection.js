"use strict";
// Whether the program answers. When it is gone the page says so and asks every second; when it is back the page goes on by itself.
(() => {
  const { state } = studio;
  const WATCH = 10000; // milliseconds between looks while all is well and the page is seen
  const AGAIN = 1000; // and while the program is gone
  let start = null; // which start of the program this page talks to
  let timer = 0;
  studio.set({ offline: false });

  const look = async () => {
    const answer = await fetch("/studio/alive", { cache: "no-store" }).catch(() => null);
    return answer && answer.ok ? answer.json().catch(() => null) : null;
  };

  const banner = studio.make("div", { class: "vs-offline", role: "alert", hidden: true });
  const showBanner = () => {
    if (!banner.isConnected) document.body.append(banner);
    banner.hidden = !state.offline;
    banner.textContent = state.offline ? "The program doesn't answer: it was stopped, or the network is down. Your work is saved. Start it again; this page then goes on by itself." : "";
  };

  const back = (alive) => {
    const page = [...document.querySelectorAll("[href*='/studio/page.css'], [src*='/studio/page.js']")].map((node) => (node.href || node.src).split("v=")[1]);
    if (page.length && !alive.page.split(" ").every((mark) => page.includes(mark))) return location.reload(); // the program was updated meanwhile
    const restarted = start !== null && start !== alive.start;
    start = alive.start;
    const was = state.offline;
    studio.set({ offline: false });
    showBanner();
    if (restarted && state.view) state.view.moment = 0; // the clock of another machine, or of another day
    if ((was || restarted) && state.view && studio.servers.job) studio.ask(studio.servers.job, "follow", { project_id: state.view.id }).catch(() => {});
    if (was) studio.toast("The program answers again.");
  };

  const check = async () => {
    clearTimeout(timer);
    const alive = await look();
    if (alive) back(alive);
    else { studio.set({ offline: true, playing: false }); showBanner(); }
    clearTimeout(timer);
    timer = setTimeout(check, state.offline ? AGAIN : WATCH);
    return Boolean(alive);
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) check(); });
  timer = setTimeout(check, 1000);
  studio.checkConnection = check;

  // A fault of the page's own script is a fault of ours too: the program keeps its story.
  const told = new Set();
  const tell = async (error) => {
    const story = String((error && error.stack) || error).slice(0, 8000);
    if (state.offline || told.size >= 3 || told.has(story) || /ResizeObserver loop/.test(story)) return;
    told.add(story);
    const body = [story, navigator.userAgent, `${innerWidth} x ${innerHeight}, step ${state.step}, frame ${state.frame}`].join("\n");
    const answer = await fetch("/studio/fault", { method: "POST", body, headers: { "X-Vivid-Studio": "1" } }).catch(() => null);
    if (answer && answer.ok) studio.toast("Something went wrong on this page; your work is saved. If it looks odd, reload it.", "error", { report: (await answer.json()).report });
  };
  const ours = (error, file) => /studio\/page\.js/.test(`${file || ""} ${(error && error.stack) || ""}`);
  window.addEventListener("error", (event) => { if (ours(event.error, event.filename)) tell(event.error || event.message); });
  window.addEventListener("unhandledrejection", (event) => { if (ours(event.reason)) tell(event.reason); });
})();
