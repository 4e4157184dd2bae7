// A small test runner: every case is registered with `test`, and `runAll` says what failed.

const cases = [];

/** Register a case; it fails when `check` throws or rejects. */
export const test = (name, check) => cases.push({ name, check });

const written = (_, value) => {
  if (value instanceof Map || value instanceof Set) return [...value];
  return value === undefined || (typeof value === "number" && !Number.isFinite(value)) ? String(value) : value;
};
const show = (value) => JSON.stringify(value, written);

/** Fail unless both are written alike; Maps and Sets count as lists. */
export const equal = (actual, expected) => {
  if (show(actual) !== show(expected)) throw new Error(`got ${show(actual)}, expected ${show(expected)}`);
};

/** Fail unless two numbers, or the numbers of two objects, differ by no more than `tolerance`. */
export const near = (actual, expected, tolerance = 1e-6) => {
  const pairs =
    typeof expected === "number"
      ? [[actual, expected]]
      : Object.keys(expected).map((key) => [actual[key], expected[key]]);
  if (pairs.some(([a, b]) => !(Math.abs(a - b) <= tolerance)))
    throw new Error(`got ${show(actual)}, expected ${show(expected)}`);
};

/** Run all cases; resolves with a list of [name, message], the message being null for a case that passed. */
export const runAll = async () => {
  const outcomes = [];
  for (const { name, check } of cases) {
    try {
      await check();
      outcomes.push([name, null]);
    } catch (error) {
      outcomes.push([name, error.message]);
    }
  }
  return outcomes;
};
