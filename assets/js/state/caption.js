// The words of a caption and the chips below it, as text. Nothing here touches the page.

/** Groups of chips in the order in which their words stand in a caption; the last is the noun. */
export const WORD_ORDER = ["size", "colour", "material", "kind"];

export const wordsOf = (caption) => caption.toLowerCase().match(/[\p{L}-]+/gu) || [];

/**
 * The caption after a chip is pressed: its word takes the place of another of its group, or goes if
 * it is there. Words that are no chips stay, unless a noun is picked in their place. `groups` maps
 * each group to its words.
 */
export const toggleWord = (caption, group, word, groups) => {
  const words = wordsOf(caption);
  const picked = Object.fromEntries(
    WORD_ORDER.map((name) => [name, groups[name].filter((one) => words.includes(one))]),
  );
  picked[group] = words.includes(word) ? [] : [word];
  const known = new Set(WORD_ORDER.flatMap((name) => groups[name]));
  const others = words.filter((one) => !known.has(one) && !["a", "an", "the"].includes(one));
  const noun = picked.kind.length ? picked.kind : others;
  const list = [...WORD_ORDER.slice(0, 3).flatMap((name) => picked[name]), ...noun];
  if (!list.length) return "";
  return `${/^[aeiou]/.test(list[0]) ? "an" : "a"} ${list.join(" ")}`;
};
