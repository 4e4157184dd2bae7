// Copying words, and saying so.

import { showMessage } from "../state/messages.js";

/** Copy words for another program; where the browser lets nothing be copied they are shown. */
export const copyWords = async (words) => {
  // without a secure address a browser has no clipboard for a page
  const written = await navigator.clipboard?.writeText(words).then(
    () => true,
    () => false,
  );
  showMessage(written ? `Copied: ${words}` : `The browser lets nothing be copied here: ${words}`);
};
