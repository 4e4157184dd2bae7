// One calm line at the foot of the picture: the message that is shown, and what can be done with
// its report.

import { dismissMessage } from "../state/messages.js";
import { on, state } from "../state/store.js";
import { make, studioElement, textButton } from "./dom.js";

const STAY = 6000; // milliseconds, of what is no refusal

let bar = null;
let dismissTimer = null;

const makeBar = () => {
  const dismiss = { type: "button", class: "vs-icon-button", "aria-label": "Dismiss", title: "Dismiss" };
  const words = make("span");
  const actions = make("span", { class: "vs-toast-actions" });
  const made = make(
    "div",
    { class: "vs-toast" },
    words,
    actions,
    make("button", { ...dismiss, onclick: dismissMessage }, "×"),
  );
  made.addEventListener("keydown", (event) => {
    if (event.key === "Escape") dismissMessage();
  });
  return made;
};

const showLatest = () => {
  const { message } = state;
  clearTimeout(dismissTimer);
  if (!message) {
    if (bar) bar.classList.remove("vs-on");
    return;
  }
  bar ??= makeBar();
  bar.classList.add("vs-on");
  // a dialog lies above everything else: inside it the message can be seen
  const home = [...document.querySelectorAll("dialog:modal")].pop() || studioElement() || document.body;
  if (bar.parentElement !== home) home.append(bar);
  bar.dataset.kind = message.kind;
  bar.setAttribute("role", message.kind === "error" ? "alert" : "status");
  bar.firstChild.textContent = message.words;
  const actions = message.report ? reportActions(message.report) : message.offer ? [offerButton(message.offer)] : [];
  bar.children[1].replaceChildren(...actions);
  if (!message.report && !message.stays) dismissTimer = setTimeout(dismissMessage, STAY);
};

const offerButton = ({ label, title, run }) =>
  textButton(label, title, () => {
    dismissMessage();
    run();
  });

const reportActions = (report) => {
  const address = `/studio/report/${report}.txt`;
  const button = { type: "button", class: "vs-button vs-small", title: "Copy the report, to paste it into a message" };
  const copy = make("button", button, "Copy report");
  copy.addEventListener("click", async () => {
    const text = await fetch(address).then(
      (answer) => answer.text(),
      () => "",
    );
    // without a secure address a browser has no clipboard for a page: then saving it has to do
    const written = navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
    copy.textContent = text && (await written) ? "Copied" : "Save it instead";
  });
  const title = "Save the report as a file; it is in the workspace's folder logs too";
  return [copy, make("a", { class: "vs-button vs-small", href: address, download: "", title }, "Save report")];
};

export const mountMessageBar = () => {
  const leaveDialog = () => {
    if (bar && bar.closest("dialog")) studioElement().append(bar);
  };
  document.addEventListener("close", leaveDialog, true);
  on("message", showLatest);
};
