// The line that says that the program does not answer.

import { on, state } from "../state/store.js";
import { make } from "./dom.js";

const WORDS =
  "The program doesn't answer: it was stopped, or the network is down. Your work is saved. " +
  "Start it again; this page then goes on by itself.";

export const mountOfflineBanner = () => {
  const banner = make("div", { class: "vs-offline", role: "alert", hidden: true });
  on("offline", () => {
    if (state.offline && !banner.isConnected) document.body.append(banner);
    banner.hidden = !state.offline;
    banner.textContent = state.offline ? WORDS : "";
  });
};
