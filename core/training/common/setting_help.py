"""Explains the settings of a recipe: name, default, and the string below the field in its class."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from typing import Any

_COLUMN = 34


def explain(config: Any) -> str:
    """One line for each setting of a configuration dataclass; groups come last, as `group.name`."""
    return "\n".join(_lines(config, ""))


def _lines(config: Any, prefix: str) -> list[str]:
    notes = _notes(type(config))
    lines: list[str] = []
    groups: list[str] = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            groups += _lines(value, f"{prefix}{field.name}.")
            continue
        shown = ",".join(map(str, value)) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)
        head = f"  {prefix}{field.name}={shown}"
        note = textwrap.wrap(notes.get(field.name, ""), 100)
        lines.append(f"{head:{_COLUMN}} {note[0]}".rstrip() if note else head)
        lines += [" " * (_COLUMN + 1) + rest for rest in note[1:]]
    return lines + groups


def _notes(kind: type) -> dict[str, str]:
    """The string below each field, in the class and in those that it extends."""
    notes: dict[str, str] = {}
    for part in reversed(kind.__mro__):
        if not dataclasses.is_dataclass(part):
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(part))).body
        assert isinstance(definition, ast.ClassDef)
        for statement, after in zip(definition.body, definition.body[1:], strict=False):
            named = isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
            if named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                notes[statement.target.id] = " ".join(str(after.value.value).split())  # type: ignore[attr-defined]
    return notes
