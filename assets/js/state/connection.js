// Whether the program answers. When it is gone the page asks every second; when it is back the page
// goes on by itself.

import { showMessage } from "./messages.js";
import { set, state } from "./store.js";

const WATCH = 10000; // milliseconds between looks while all is well and the page is seen
const ASK_AGAIN = 1000; // and while the program is gone

// of the page that runs here
const [, VERSION] = import.meta.url.match(/\/studio\/js\/([^/]+)\//) || [];
let start = null; // which start of the program this page talks to
let timer = 0;

const look = async () => {
  const answer = await fetch("/studio/alive", { cache: "no-store" }).catch(() => null);
  if (answer && answer.status === 401) location.reload(); // signed out: the server then asks to sign in
  return answer && answer.ok ? answer.json().catch(() => null) : null;
};

const back = (alive) => {
  if (VERSION && alive.page !== VERSION) {
    location.reload(); // the program was updated meanwhile
    return;
  }
  const restarted = start !== null && start !== alive.start;
  start = alive.start;
  const was = state.offline;
  // its moments are those of another clock: the next view is taken whatever its moment
  if (restarted && state.view) state.view.moment = 0;
  set({ offline: false, reconnected: state.reconnected + Number(was || restarted) });
  if (was) showMessage("The program answers again.");
};

/** Ask now; returns whether the program answers. */
export const checkConnection = async () => {
  clearTimeout(timer);
  const alive = await look();
  if (alive) back(alive);
  else set({ offline: true, playing: false });
  clearTimeout(timer);
  timer = setTimeout(checkConnection, state.offline ? ASK_AGAIN : WATCH);
  return Boolean(alive);
};

/** Ask from now on, and at once whenever the page comes into sight. */
export const watchConnection = () => {
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) checkConnection();
  });
  timer = setTimeout(checkConnection, 1000);
};
