// Masks that were brought in and look as if something else was meant: one question, one click.

import { request } from "../state/requests.js";
import { objectById, timelineOf } from "../state/selection.js";
import { state } from "../state/store.js";
import { question } from "../widgets/question.js";

/** Ask about the masks of an object that has just been brought in, where there is a doubt. */
export const askAboutMasks = async (server, id) => {
  const { doubt } = timelineOf(state.view, id);
  if (!doubt) return;
  const text = `The masks of “${objectById(state.view, id).name}” ${doubt}. Should black and white be swapped?`;
  const answers = [
    ["invert", "Invert them", "Select what the masks leave out"],
    ["keep", "They are right", "Select what is white in them"],
  ];
  const answer = await question("Inverted masks?", text, answers);
  if (answer === "invert") request(server, "invert_object", { object_id: id });
};
