// Rules for the page's scripts. Run from the repository's top: eslint -c .ci/js/eslint.config.js assets/js tests/browser/unit
import js from "@eslint/js";
import globals from "globals";

// The page gets all modules as one script (ui_components/page_files.py), so their top-level names share a scope: no two
// modules may have the same, and none one of the browser's, which another module may mean.
const owners = new Map();
const sharedScope = {
  create: (context) => ({
    Program(node) {
      const module = context.sourceCode.getScope(node).childScopes[0];
      for (const { name, defs } of module.variables) {
        if (defs[0].type === "ImportBinding") continue;
        const owner = owners.get(name) || context.filename;
        owners.set(name, owner);
        const other = name in globals.browser || name in globals.builtin ? "the browser" : owner;
        if (other !== context.filename)
          context.report({ node: defs[0].name, message: `${other} has a '${name}', too` });
      }
    },
    ImportSpecifier(node) {
      if (node.imported.name !== node.local.name) context.report({ node, message: "import names as they are" });
    },
    ImportNamespaceSpecifier: (node) => context.report({ node, message: "import names, not modules" }),
    ImportDefaultSpecifier: (node) => context.report({ node, message: "import names, not modules" }),
    ExportDefaultDeclaration: (node) => context.report({ node, message: "export by name" }),
    "ExportNamedDeclaration[declaration=null]": (node) =>
      context.report({ node, message: "export where it is declared" }),
    ImportExpression: (node) => context.report({ node, message: "import at the top" }),
  }),
};

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
  {
    files: ["assets/js/**/*.js"],
    plugins: { page: { rules: { "shared-scope": sharedScope } } },
    rules: { "page/shared-scope": "error" },
  },
  ...roomRules,
];
