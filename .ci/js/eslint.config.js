// Rules for the page's scripts. Run from the repository's top: eslint -c .ci/js/eslint.config.js assets/js tests/browser/unit
import js from "@eslint/js";
import globals from "globals";

// What each room may not import: state < widgets < stage < steps < main.js.
const ROOMS = ["state", "widgets", "stage", "steps"];
const roomRules = ROOMS.map((room, i) => ({
  files: [`assets/js/${room}/**/*.js`],
  rules: {
    "no-restricted-imports": [
      "error",
      { patterns: [{ group: ["../main.js", ...ROOMS.slice(i + 1).map((other) => `../${other}/*`)] }] },
    ],
  },
}));

export default [
  js.configs.recommended,
  {
    files: ["assets/js/**/*.js", "tests/browser/unit/**/*.js"],
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "max-lines": ["error", 400],
      "max-len": ["error", { code: 120 }],
      "max-params": ["error", 7],
      "no-console": "error",
      "no-shadow": "error",
      "no-undef": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  ...roomRules,
];
