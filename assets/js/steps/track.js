// In step 2: what the one Track button does. All objects through the clip, or the selected one from
// this frame: which way, and where that stops.

import { isActive } from "../state/jobs.js";
import { request } from "../state/requests.js";
import { allTracked, markedObjects, objectById, timelineOf } from "../state/selection.js";
import { set, state } from "../state/store.js";
import { covers } from "../state/timeline.js";
import { trackPlan } from "../state/track_plan.js";

const lane = () => (state.view ? timelineOf(state.view, state.object) : null);

/** Mount the choice. Returns `track()`, `trackFromHere()` and `draw()`. */
export const mountTrack = (ref, server) => {
  const ways = [...ref.ways.querySelectorAll("input")];
  for (const radio of ways) radio.addEventListener("change", () => set({ trackWay: radio.value }));
  ref.trackStop.addEventListener("change", () => set({ trackStop: ref.trackStop.value }));

  const track = () => {
    const plan = trackPlan();
    if (!plan) {
      if (state.trackWay === "clip") request(server, "start_tracking", {});
      return;
    }
    const [start, stop] = plan.span;
    const direction = state.trackWay;
    request(server, "start_tracking", { object_id: state.object, frame: state.frame, direction, span: [start, stop] });
  };
  const trackFromHere = () => {
    if (ways[0].disabled || !lane() || !covers(lane().present, state.frame)) return;
    set({ trackWay: "both" });
    track();
  };

  // A frame that was corrected among tracked ones asks to be tracked from on; once nothing asks, all
  // are meant again.
  const isCorrected = ({ tracked, pending, prompted, present }, frame) =>
    Boolean(tracked) &&
    [pending, prompted].every((frames) => frames.includes(frame)) &&
    covers(present, frame) &&
    [frame - 1, frame + 1].some((beside) => covers(present, beside));
  let corrected = "";
  const follow = () => {
    const timeline = lane();
    const here = timeline && isCorrected(timeline, state.frame) ? timeline.object_id : null;
    const key = `${state.view.id} ${here} ${state.frame}`;
    if (here !== null && key !== corrected && state.trackWay === "clip") set({ trackWay: "forward" });
    else if (allTracked(state.view) && corrected && here === null && !timeline?.pending.length)
      set({ trackWay: "clip" });
    corrected = here === null ? "" : key;
  };

  const words = () => {
    const plan = trackPlan();
    if (plan) {
      const [start, stop] = plan.span;
      return `${plan.timeline.name}: frames ${start} to ${stop - 1}`;
    }
    if (state.trackWay !== "clip") return "the object is not here";
    const { start, stop } = state.view.clip;
    const marked = markedObjects(state.view);
    const whose = marked.length === 1 ? marked[0].name : "all objects";
    return marked.length ? `${whose}: frames ${start} to ${stop - 1}` : "";
  };
  const draw = () => {
    follow();
    const busy = isActive("track");
    const marked = markedObjects(state.view).length > 0;
    for (const radio of ways) {
      radio.checked = radio.value === state.trackWay;
      radio.disabled = !marked || (radio.value !== "clip" && !objectById(state.view, state.object)?.marked);
    }
    ref.trackStop.value = state.trackStop;
    ref.trackStop.disabled = !marked || state.trackWay === "clip";
    ref.plan.textContent = words();
    const nothing = state.trackWay !== "clip" && !trackPlan();
    ref.secondary.disabled = busy || !marked || nothing;
  };
  return { track, trackFromHere, draw };
};
