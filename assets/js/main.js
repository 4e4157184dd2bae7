// Where the page's scripts begin. gradio mounts the parts of the page one by one, perhaps before
// this file has come: the inline script in the page's head queues them in `studio.mounts`.

import { run } from "./state/commands.js";
import { watchConnection } from "./state/connection.js";
import { shortDuration } from "./state/format.js";
import { activeJob } from "./state/jobs.js";
import { showMessage } from "./state/messages.js";
import { goTo, knownProjects, openStep } from "./state/project.js";
import { ask, change, servers } from "./state/requests.js";
import { set, state } from "./state/store.js";
import { chosenTry } from "./state/tries.js";
import { get } from "./stage/pictures.js";
import { mountPlayer } from "./stage/player.js";
import { mountStage } from "./stage/stage.js";
import { mountTimeline } from "./stage/timeline.js";
import { brush } from "./stage/tools.js";
import { mountTransport } from "./stage/transport.js";
import { place } from "./stage/viewport.js";
import { mountAdjust } from "./steps/adjust.js";
import { mountKeyframe } from "./steps/keyframe.js";
import { mountPropagate } from "./steps/propagate.js";
import { mountSelect } from "./steps/select.js";
import { mountTries } from "./steps/tries.js";
import { mountVideo } from "./steps/video.js";
import { drawIcons, make, refs } from "./widgets/dom.js";
import { watchDrops } from "./widgets/drop_handling.js";
import { watchErrors } from "./widgets/error_reports.js";
import { mountHeader } from "./widgets/header.js";
import { addMark } from "./widgets/icons.js";
import { mountJobBar } from "./widgets/job_bar.js";
import { mountKeyboard } from "./widgets/keyboard.js";
import { mountMessageBar } from "./widgets/message_bar.js";
import { mountModelsDialog } from "./widgets/models_dialog.js";
import { mountOfflineBanner } from "./widgets/offline_banner.js";

// by the names that the page's Python gives its parts
const PARTS = {
  steps: mountHeader,
  models: mountModelsDialog,
  canvas: mountStage,
  player: mountPlayer,
  tries: mountTries,
  video: mountVideo,
  select: mountSelect,
  adjust: mountAdjust,
  keyframe: mountKeyframe,
  propagate: mountPropagate,
  transport: mountTransport,
  job: mountJobBar,
  timeline: mountTimeline,
};

const mount = (name, element, server) => {
  element.classList.add("vs-root");
  drawIcons(element);
  servers[name] = server;
  PARTS[name](refs(element), server, element);
};

watchErrors();
watchConnection();
watchDrops();
addMark();
mountMessageBar();
mountOfflineBanner();
mountKeyboard();

// For the browser's console and for tests: nothing on the page reads this.
Object.assign(window.studio, {
  ...{ state, set, servers, ask, change, run, activeJob, chosenTry, goTo, openStep, knownProjects, showMessage },
  ...{ brush, make, picture: get, shortDuration },
});
Object.defineProperty(window.studio, "place", { get: () => place });

window.studio.mount = mount;
for (const part of window.studio.mounts.splice(0)) {
  try {
    mount(...part);
  } catch (error) {
    reportError(error); // the other parts work without this one
  }
}
