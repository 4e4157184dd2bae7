// The windows of a result along the clip, with seams and keyframes; a click goes there.

import { unfinishedJob } from "../state/jobs.js";
import { goTo, openStep } from "../state/project.js";
import { lanesOf, missingWindows, seamsOf, VISIBLE_SEAM, worstSeam } from "../state/result.js";
import { on, state } from "../state/store.js";
import { make, textButton } from "../widgets/dom.js";

const SEAM_TITLE =
  "Where windows meet one another or a keyframe: how much each seam differs, against its neighbouring frames:";

// What makes a seam show, and where it is put right: the step to go to, and what the button says.
const CAUSES = {
  mask: {
    words: (frame) => `At frame ${frame} the mask grows or shrinks at once, and the result with it.`,
    step: "select",
    label: "Correct the mask",
  },
  colour: {
    words: (frame) => `The colour has drifted by frame ${frame}.`,
    step: "keyframe",
    label: "Add a keyframe there",
  },
  window: { words: (frame) => `Windows meet at frame ${frame}, which may show.`, step: null, label: "Look at it" },
};
const causeOf = ({ cause }) => CAUSES[cause] || CAUSES.window; // earlier versions named none

const shareOf = (part, whole) => `${(part / whole) * 100}%`;

const placed = (node, style) => {
  Object.assign(node.style, style);
  return node;
};

/** What there is to say of the seams: words, and where one shows a button that leads there. */
const seamNotes = (worst) => {
  if (!worst) return [];
  if (worst.score <= VISIBLE_SEAM) return ["Where windows meet, nothing shows."];
  const { words, step, label } = causeOf(worst);
  const go = () => {
    if (step) openStep(step, { frame: worst.frame });
    else goTo(worst.frame);
  };
  return [`${words(worst.frame)} `, textButton(label, `Go to frame ${worst.frame}`, go)];
};

/** Mount the strip; returns `draw()`, to be called with a clip open. */
export const mountWindowStrip = (ref) => {
  let drawn = "";
  let noted = "";

  const windowButton = ([from, to, made], next, lane, [start, stop]) => {
    const what = made ? "done" : next ? "in the making" : "missing";
    const node = make("button", {
      type: "button",
      class: "vs-window",
      "data-state": what,
      "data-lane": lane,
      title: `Frames ${from} to ${to - 1}: ${what}`,
      "aria-label": `Window, frames ${from} to ${to - 1}, ${what}`,
      onclick: () => goTo(from),
    });
    const width = `calc(${shareOf(to - from, stop - start)} - 2px)`;
    return placed(node, { left: shareOf(from - start, stop - start), width });
  };
  const seamButton = ({ frame, score }, [start, stop]) => {
    const node = make("button", {
      type: "button",
      class: "vs-join",
      "data-state": score > VISIBLE_SEAM ? "seen" : "smooth",
      title: `Seam at frame ${frame}: ${score} times its neighbours`,
      "aria-label": `Seam at frame ${frame}, score ${score}`,
      onclick: () => goTo(frame),
    });
    return placed(node, { left: shareOf(frame - start, stop - start) });
  };
  const keyframeMark = (frame, [start, stop]) => {
    const node = make("span", { class: "vs-keymark", title: `Keyframe, frame ${frame}` });
    return placed(node, { left: shareOf(frame + 0.5 - start, stop - start) });
  };

  const moveHead = () => {
    const head = ref.strip.querySelector(".vs-strip-head");
    if (!head || !state.view.result) return;
    const [start, stop] = state.view.result.span;
    head.hidden = state.frame < start || state.frame >= stop;
    head.style.left = shareOf(state.frame - start + 0.5, stop - start);
  };
  on("frame", () => {
    if (state.view) moveHead();
  });

  return () => {
    const { result } = state.view;
    ref.progress.hidden = !result || !result.windows.length;
    if (ref.progress.hidden) return;
    const { windows, keyframes, span } = result;
    const done = windows.length - missingWindows(result);
    ref.windowsCount.textContent = done === windows.length ? `${done}` : `${done} of ${windows.length} done`;
    const seams = seamsOf(result);
    const worst = worstSeam(seams);
    const job = unfinishedJob("propagate");
    const key = JSON.stringify([result, job && job.state]);
    if (key !== drawn) {
      drawn = key;
      const next = job && job.state === "running" ? windows.findIndex(([, , made]) => !made) : -1;
      const lanes = lanesOf(windows);
      ref.strip.dataset.lanes = lanes.includes("lower") ? "2" : "1";
      ref.strip.replaceChildren(
        ...windows.map((window, i) => windowButton(window, i === next, lanes[i], span)),
        ...seams.map((seam) => seamButton(seam, span)),
        ...keyframes.map((frame) => keyframeMark(frame, span)),
        make("span", { class: "vs-strip-head" }),
      );
    }
    const notes = JSON.stringify([result.id, worst]);
    if (notes !== noted) ref.joins.replaceChildren(...seamNotes(worst));
    noted = notes;
    ref.joins.title = worst ? `${SEAM_TITLE} ${worst.score} times at most; 1 is seamless` : "";
    ref.joins.hidden = !worst;
    moveHead();
  };
};
