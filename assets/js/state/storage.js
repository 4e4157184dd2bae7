// What this browser remembers. In a private window it may remember nothing: then a setting lasts as
// long as the page.

/** The remembered value of `key`; `fallback` when there is none or it can't be read. */
export const recallItem = (key, fallback) => {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? fallback;
  } catch {
    return fallback;
  }
};

/** Remember `value`, which JSON can hold, under `key`. */
export const rememberItem = (key, value) => rememberText(key, JSON.stringify(value));

/** The remembered text of `key`; null when there is none. */
export const recallText = (key) => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
};

/** Remember `text` as it is under `key`. */
export const rememberText = (key, text) => {
  try {
    localStorage.setItem(key, text);
  } catch {
    // the setting lasts as long as the page
  }
};
