// Prompts on their way to the program: shown as pending until it has answered.

import { promptBox, promptPoint } from "../state/geometry.js";
import { clearMessage, showMessage } from "../state/messages.js";
import { change } from "../state/requests.js";
import { objectById } from "../state/selection.js";
import { set, state } from "../state/store.js";

export const DOUBTED = "click";
const DOUBT = "The clicks may have taken more than the object: drag a box around it, or right-click what is too much.";
const NEW_COLOUR = [239, 83, 80]; // of a stroke that begins an object

/**
 * Functions that send clicks, boxes and strokes of a frame to the stage's `server`, for the
 * selected object.
 */
export const promptSender = (server) => {
  const send = (name, prompt, values) => {
    set({ pending: [...state.pending, prompt] });
    const done = () => set({ pending: state.pending.filter((other) => other !== prompt) });
    change(server, name, { object_id: state.object, frame: prompt.frame, ...values }).then((answer) => {
      if (state.object === null && answer.object) set({ object: answer.object });
      if (answer.doubtful) showMessage(DOUBT, "info", { about: DOUBTED });
      else clearMessage(DOUBTED);
      if (name !== "paint") set({ clicked: { frame: prompt.frame, object: state.object } });
      done();
    }, done);
  };
  return {
    point: (at, frame, positive) => {
      const values = { ...promptPoint(state.view.clip, at), positive };
      send("add_point", { kind: "point", frame, ...values }, values);
    },
    box: (area, frame) => {
      const values = promptBox(area);
      if (values) send("add_box", { kind: "box", frame, ...values }, values);
    },
    stroke: ({ stroke, radius, erase, colour }, frame) => {
      const values = { stroke, radius, erase };
      send("paint", { kind: "stroke", frame, colour, ...values }, values);
    },
  };
};

/** The colour that a stroke is painted in. */
export const strokeColour = () => {
  const object = objectById(state.view, state.object);
  return object ? object.colour : NEW_COLOUR;
};
