"""Check the rules of the code that no linter knows.

    python -m scripts.check_structure [RULE ...]

`files`: no Python file has more than 400 lines. `parameters`: no function in app and core has more
than 8. `arguments`: public functions with three or more parameters say Args in their docstring, or
name the method that they fulfil: As `Protocol.method`.
`duplicates`: no run of 12 lines of code stands twice. Without a RULE all of them are checked.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("app", "core", "ui_components", "scripts", "tests")
LINES, PARAMETERS, DOCUMENTED, DUPLICATED = 400, 8, 3, 12

Function = ast.FunctionDef | ast.AsyncFunctionDef


def files(*folders: str) -> Iterator[Path]:
    """The Python files of some folders."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def long_files() -> Iterator[str]:
    """Files with too many lines."""
    for path in files(*FOLDERS):
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > LINES:
            yield f"{_place(path)}: {count} lines, at most {LINES}"


def many_parameters() -> Iterator[str]:
    """Functions with too many parameters."""
    for path in files("app", "core"):
        for node in ast.walk(_tree(path)):
            if isinstance(node, Function) and len(parameters(node)) > PARAMETERS:
                yield f"{_place(path, node)}: {node.name} has {len(parameters(node))} parameters, at most {PARAMETERS}"


def undocumented_arguments() -> Iterator[str]:
    """Public functions whose docstring does not say what their arguments are, or whose it is that
    says so: that of the protocol which they fulfil.
    """
    for path in files("app", "core", "ui_components"):
        for node in _public(_tree(path)):
            said = ast.get_docstring(node) or ""
            if len(parameters(node)) >= DOCUMENTED and "Args:" not in said and not said.startswith("As `"):
                yield f"{_place(path, node)}: the docstring of {node.name} has no section Args"


def duplicates() -> Iterator[str]:
    """Runs of lines that stand in two places. Imports, comments and blank lines don't count."""
    seen: dict[tuple[str, ...], str] = {}
    reported = ""
    for path in files("app", "core", "ui_components"):
        text = path.read_text(encoding="utf-8")
        imports = {line for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom) for line in _lines_of(node)}
        code = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if number not in imports]
        code = [(number, line) for number, line in code if line and not line.startswith("#")]
        for start in range(len(code) - DUPLICATED + 1):
            run = tuple(line for _, line in code[start : start + DUPLICATED])
            here = f"{_place(path)}:{code[start][0]}"
            other = seen.setdefault(run, here)
            if other != here and other.split(":")[0] + here.split(":")[0] != reported:
                reported = other.split(":")[0] + here.split(":")[0]
                yield f"{here}: {DUPLICATED} lines as in {other}"


def parameters(node: Function) -> list[str]:
    """The names of a function's parameters, without self and cls, *args and **kwargs."""
    given = node.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


RULES: dict[str, Callable[[], Iterator[str]]] = {
    "files": long_files,
    "parameters": many_parameters,
    "arguments": undocumented_arguments,
    "duplicates": duplicates,
}


def main(arguments: list[str]) -> int:
    """Print what breaks the rules that are named, or any of them; returns the exit code."""
    if unknown := [name for name in arguments if name not in RULES]:
        print(f"there is no rule '{unknown[0]}' (known: {', '.join(RULES)})", file=sys.stderr)
        return 2
    broken = [line for name in arguments or RULES for line in RULES[name]()]
    print("\n".join([*broken, f"{len(broken)} broken rules" if broken else "all rules are kept"]))
    return 1 if broken else 0


def _public(node: ast.AST) -> Iterator[Function]:
    """The functions and methods of a module whose names, and whose classes' names, begin with no
    underscore.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function) and not child.name.startswith("_"):
            yield child
        elif isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from _public(child)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _lines_of(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _place(path: Path, node: Function | None = None) -> str:
    return str(path.relative_to(ROOT)) + (f":{node.lineno}" if node else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
