// Numbers and sentences as a person reads them.

/**
 * A message as a sentence: with a capital at the start, unless a file's name stands there, and a
 * full stop.
 */
export const sentence = (text) => {
  const trimmed = text.trim();
  const whole = /^[a-z]+[\s,]/.test(trimmed) ? capital(trimmed) : trimmed;
  return /[.!?)]$/.test(whole) ? whole : `${whole}.`;
};

export const uncapital = (text) => text.charAt(0).toLowerCase() + text.slice(1);

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export const firstSentence = (text) => text.split(/(?<=\.)\s/)[0];

/** "1 window", "2 windows". */
export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

/** Seconds of a long task, in the unit that fits. */
export const duration = (seconds) => {
  if (seconds >= 5400) return `${Math.round(seconds / 360) / 10} h`;
  return seconds >= 90 ? `${Math.round(seconds / 60)} min` : `${Math.max(1, Math.round(seconds))} s`;
};

/** Seconds that a try took, which may be less than one. */
export const shortDuration = (seconds) => {
  if (seconds >= 90) return `${Math.round(seconds / 60)} min`;
  return seconds >= 10 ? `${Math.round(seconds)} s` : `${seconds.toFixed(1)} s`;
};

export const timeLeft = (seconds) =>
  seconds >= 90 ? `${Math.round(seconds / 60)} min left` : `${Math.max(1, Math.round(seconds))} s left`;

export const memory = (megabytes) =>
  megabytes >= 1000 ? `${(megabytes / 1000).toFixed(1)} GB` : `${Math.round(megabytes)} MB`;

export const fileSize = (bytes) => {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`;
};

export const ordinal = (number) => {
  const teen = (number % 100) - (number % 10) === 10;
  return `${number}${{ 1: "st", 2: "nd", 3: "rd" }[teen ? 0 : number % 10] || "th"}`;
};

/** Where a job stands in the queue when `ahead` others come before it; what runs is the first. */
export const placeInLine = (ahead) => `${ordinal(ahead + 1)} in line`;

/** How long ago a time (ISO text) was, seen from `now` (a Date). */
export const ago = (iso, now = new Date()) => {
  const then = new Date(iso);
  const minutes = (now - then) / 60000;
  if (minutes < 1.5) return "just now";
  if (minutes < 60) return `${Math.round(minutes)} min ago`;
  const midnight = (date) => new Date(date).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(now) - midnight(then)) / 864e5);
  const clock = then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (days < 2) return `${days ? "yesterday" : "today"}, ${clock}`;
  return days < 7 ? `${days} days ago` : then.toLocaleDateString();
};

/** A colour ([r, g, b]) for CSS. */
export const rgb = ([red, green, blue], alpha = 1) => `rgba(${red},${green},${blue},${alpha})`;
