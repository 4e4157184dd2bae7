// The icons of the buttons, by the names that data-icon gives them, and the program's mark.

const svg = (shapes, fill, width) =>
  `<svg viewBox="0 0 24 24" aria-hidden="true" fill="${fill}" stroke="currentColor" stroke-width="${width}"` +
  ` stroke-linecap="round" stroke-linejoin="round">${shapes}</svg>`;
const line = (...shapes) => svg(shapes.join(""), "none", 1.8);
const wide = (...shapes) => svg(shapes.join(""), "none", 2);
const solid = (...shapes) => svg(shapes.join(""), "currentColor", 1.8);

export const icons = {
  undo: line('<path d="M9 7 4 12l5 5"/><path d="M4 12h10a6 6 0 0 1 6 6"/>'),
  redo: line('<path d="m15 7 5 5-5 5"/><path d="M20 12H10a6 6 0 0 0-6 6"/>'),
  theme: line('<circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor"/>'),
  help: line(
    '<circle cx="12" cy="12" r="9"/>',
    '<path d="M9.6 9.4a2.5 2.5 0 1 1 3.5 2.3c-.8.4-1.1.9-1.1 1.8"/>',
    '<path d="M12 16.6v.1"/>',
  ),
  first: solid('<path d="M6 6v12"/><path d="m18 6-8 6 8 6z"/>'),
  last: solid('<path d="M18 6v12"/><path d="m6 6 8 6-8 6z"/>'),
  back: line('<path d="m15 6-7 6 7 6"/>'),
  on: line('<path d="m9 6 7 6-7 6"/>'),
  play: solid('<path d="m8 5 11 7-11 7z"/>'),
  pause: line('<path d="M8 6v12M16 6v12" stroke-width="3.4"/>'),
  eye: line(
    '<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/>',
    '<circle cx="12" cy="12" r="2.8"/>',
  ),
  film: line(
    '<rect x="3" y="5" width="18" height="14" rx="2"/>',
    '<path d="M8 5v14M16 5v14M3 10h5M3 14h5M16 10h5M16 14h5"/>',
  ),
  upload: line(
    '<path d="M12 16V5m-4.5 4L12 4.5 16.5 9"/>',
    '<path d="M4 15v3.5A1.5 1.5 0 0 0 5.5 20h13a1.5 1.5 0 0 0 1.5-1.5V15"/>',
  ),
  download: line(
    '<path d="M12 4.5v11m-4.5-4 4.5 4.5 4.5-4.5"/>',
    '<path d="M4 16v2.5A1.5 1.5 0 0 0 5.5 20h13a1.5 1.5 0 0 0 1.5-1.5V16"/>',
  ),
  plus: line('<path d="M12 5v14M5 12h14"/>'),
  remove: line('<path d="m7 7 10 10M17 7 7 17"/>'),
  dice: line(
    '<rect x="4" y="4" width="16" height="16" rx="3"/>',
    '<path d="M9 9v.1M15 15v.1M15 9v.1M9 15v.1M12 12v.1" stroke-width="2.6"/>',
  ),
  minus: line('<path d="M5 12h14"/>'),
  mark: line('<path d="m6 3 13 8.5-5.8 1.3L10 19z"/><path d="M19.5 17v5M17 19.5h5"/>'),
  unmark: line('<path d="m6 3 13 8.5-5.8 1.3L10 19z"/><path d="M17 19.5h5"/>'),
  box: line('<path d="M5 5h14v14H5z" stroke-dasharray="3.2 2.6"/>'),
  brush: line(
    '<path d="M20 4c-4 2-8 6-10 9l1.6 1.6C14.5 12.5 18 8.5 20 4z"/>',
    '<path d="M9.5 13.5c-2.5 0-3.3 1.7-3.5 3.5-.15 1.3-1 2-2 2.3 3 1.2 7.3.6 7.3-3.8z"/>',
  ),
  eraser: line('<path d="m13 5 6 6-8.5 8.5H7L4 16.5a1.5 1.5 0 0 1 0-2.1z"/>', '<path d="m8.5 9.5 6 6M11 19.5h9"/>'),
  shape: line(
    '<path d="M6 17.5 4.5 8 14 5l6 8.5-7 5.5z"/>',
    '<path d="M6 17.5v.1M4.5 8v.1M14 5v.1M20 13.5v.1M13 19v.1" stroke-width="3.6"/>',
  ),
  eyeoff: line(
    '<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z" opacity=".45"/>',
    '<path d="M4 20 20 4"/>',
  ),
  check: line('<path d="m5 12.5 4.5 4.5L19 7"/>'),
  warn: line('<path d="M12 4 2.8 19.5h18.4z"/><path d="M12 10v4.5M12 17v.1"/>'),
  merge: line('<path d="M6 4v4c0 4 6 4 6 8v4M18 4v4c0 4-6 4-6 8"/>'),
  trash: line('<path d="M4.5 6.5h15M9.5 6.5V4h5v2.5M6.5 6.5 7.5 20h9l1-13.5M10.5 10.5v5.5m3-5.5v5.5"/>'),
  pen: line('<path d="m14.5 5.5 4 4L8 20H4v-4z"/>'),
  wipe: line('<path d="m8 8-4 4 4 4M16 8l4 4-4 4"/>'),
  star: line('<path d="m12 4 2.5 5.2 5.7.8-4.1 4 1 5.7-5.1-2.7-5.1 2.7 1-5.7-4.1-4 5.7-.8z"/>'),
  fork: line(
    '<circle cx="7" cy="5.5" r="2.2"/>',
    '<circle cx="7" cy="18.5" r="2.2"/>',
    '<circle cx="17" cy="12" r="2.2"/>',
    '<path d="M7 7.7v8.6M7 8c0 3 3 4 7.8 4"/>',
  ),
  copy: line('<rect x="8.5" y="8.5" width="11" height="11" rx="2"/>', '<path d="M5.5 15.5h-1v-9a2 2 0 0 1 2-2h9v1"/>'),
  bin: line('<path d="M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v6M13.5 10.5v6"/>'),
  sendout: line(
    '<path d="M11 5H6.5A1.5 1.5 0 0 0 5 6.5v11A1.5 1.5 0 0 0 6.5 19h11a1.5 1.5 0 0 0 1.5-1.5V13"/>',
    '<path d="M14 4.5h5.5V10M19.5 4.5 11 13"/>',
  ),
  bringback: line(
    '<path d="M11 5H6.5A1.5 1.5 0 0 0 5 6.5v11A1.5 1.5 0 0 0 6.5 19h11a1.5 1.5 0 0 0 1.5-1.5V13"/>',
    '<path d="M19.5 4.5 11.5 12.5M11.5 7v5.5H17"/>',
  ),
  up: line('<path d="m6 14 6-6 6 6"/>'),
  down: line('<path d="m6 10 6 6 6-6"/>'),
  loop: line(
    '<path d="M17 4l3 3-3 3"/>',
    '<path d="M4 12V10a3 3 0 0 1 3-3h13"/>',
    '<path d="M7 20l-3-3 3-3"/>',
    '<path d="M20 12v2a3 3 0 0 1-3 3H4"/>',
  ),
  models: line(
    '<path d="m12 3.5 7.5 4.2v8.6L12 20.5l-7.5-4.2V7.7z"/>',
    '<path d="m4.5 7.7 7.5 4.3 7.5-4.3M12 12v8.5"/>',
  ),
  markIn: wide('<path d="M11 4H6v16h5"/><path d="M20 12H11M14 8.5 10.5 12l3.5 3.5"/>'),
  markOut: wide('<path d="M13 4h5v16h-5"/><path d="M4 12h9M10 8.5l3.5 3.5-3.5 3.5"/>'),
};

const MARK =
  '<symbol id="vs-logo" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#5a4fcf"/>' +
  '<path d="M7 9.5 13.2 23a1.6 1.6 0 0 0 2.9 0l2-4.4" fill="none" stroke="#fff" stroke-width="3.2"' +
  ' stroke-linecap="round"/><circle cx="22" cy="11.5" r="3.6" fill="#ffca28"/></symbol>';

/** Put the program's mark on the page, for `<use href="#vs-logo">`. */
export const addMark = () => {
  const hidden = 'width="0" height="0" style="position:absolute" aria-hidden="true"';
  document.body.insertAdjacentHTML("afterbegin", `<svg ${hidden}>${MARK}</svg>`);
};
