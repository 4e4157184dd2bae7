// Uploads of videos. They stream to the server's disk; the browser keeps nothing of them.

import { clearMessage, forgetRefusals, showMessage } from "../state/messages.js";
import { set, state } from "../state/store.js";

/**
 * Send a video. `beside` is the id of the project that it may be masks for, null for none.
 * `onProgress` gets numbers from 0 to 1; resolves with the program's answer, or with null, a
 * message shown, when it did not arrive.
 */
export const upload = (file, beside, onProgress) =>
  new Promise((done) => {
    forgetRefusals();
    const request = new XMLHttpRequest();
    const query = `name=${encodeURIComponent(file.name)}${beside ? `&beside=${beside}` : ""}`;
    request.open("POST", `/studio/upload?${query}`);
    request.setRequestHeader("X-Vivid-Studio", "1");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    request.onloadend = () => {
      set({ uploading: false });
      if (request.status === 200) {
        clearMessage("upload");
        done(JSON.parse(request.responseText));
        return;
      }
      const brokeOff =
        `The upload of ${file.name} broke off: see that the program still runs, ` + "then choose the file again.";
      const report = request.getResponseHeader("X-Vivid-Report");
      showMessage(request.responseText || brokeOff, "error", { about: "upload", report });
      done(null);
    };
    set({ uploading: true, playing: false });
    onProgress(0);
    request.send(file);
  });

/** Whether a video may be sent now: one at a time. */
export const canUpload = () => !state.uploading && !state.opening;
