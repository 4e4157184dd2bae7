"""The document as JSON, with a schema version: old ones migrate, newer ones are refused."""

from __future__ import annotations

import json
import re
import weakref
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import msgspec

from core.errors import InputError
from core.project.history import History, Step
from core.project.plain import check_plain, parse_json
from core.project.project import Project, SCHEMA_VERSION
from core.project.repair import repaired

_STACKS = ("past", "future")
_FRACTION = re.compile(r"\d{1,18}(/\d{1,18})?|\d{1,18}[.]\d{1,18}")
"""Without an exponent, which would ask for a number of any length."""

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From schema version n to n + 1; each takes and returns the whole JSON object."""


_texts: dict[int, tuple[weakref.ref[Project], str]] = {}
"""By id: states of documents that have been written, for as long as somebody holds them."""


def dumps(history: History) -> str:
    """The project with its undo history as JSON text, a line for each state.

    Every change writes all of it again, but a state never changes: only those that are new are put
    into words.
    """
    parts = [f'"schema": {SCHEMA_VERSION}', f'"project": {_text(history.present)}']
    for name in _STACKS:
        steps = [f'{{"label": {json.dumps(step.label)}, "project": {_text(step.project)}}}' for step in getattr(history, name)]
        parts.append(f'"{name}": [' + ",\n".join(steps) + "]")
    return "{" + ",\n".join(parts) + "}\n"


def _text(project: Project) -> str:
    key = id(project)
    known = _texts.get(key)
    if known is not None and known[0]() is project:
        return known[1]
    text = json.dumps(_storable(project), allow_nan=False)
    _texts[key] = weakref.ref(project, lambda _: _texts.pop(key, None)), text
    return text


def _storable(project: Project) -> Any:
    """The project as JSON knows it; InputError unless it can be read back: a change that has put
    in something else is refused before it is saved.
    """
    try:
        plain = encode(project)
        check_plain(plain)
        decode(Project, plain)
    except (ValueError, TypeError) as error:
        raise InputError(f"a value of this change can't be kept ({error}): give another") from error
    return plain


def loads(text: str) -> History:
    """Read JSON text back; InputError when it is no project or was written by a newer version."""
    try:
        data = parse_json(text)
        version = data["schema"]
    except (json.JSONDecodeError, KeyError, TypeError):
        raise InputError("project.json is not a VIVID Studio project: put back a copy of it, or open another project") from None
    except ValueError as error:
        raise InputError(f"project.json is damaged ({error}): put back a copy of it, or open another project") from error
    if not isinstance(version, int) or version < 1:
        raise InputError(f"project.json is not a VIVID Studio project (schema {version!r}): put back a copy of it, or open another project")
    if version > SCHEMA_VERSION:
        raise InputError(
            f"this project was saved by a newer version (schema {version}; this version reads up to {SCHEMA_VERSION}): update VIVID Studio"
        )
    for number in range(version, SCHEMA_VERSION):
        data = MIGRATIONS[number](data)
    try:
        past, future = (decode(tuple[Step, ...], data[name]) for name in _STACKS)
        return History(decode(Project, data["project"]), past, future).changed_everywhere(repaired)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"project.json is damaged ({error}): put back a copy of it, or open another project") from error


def encode(value: Any) -> Any:
    """A value of the document as what JSON knows: dataclasses and prompts as objects, tuples as
    lists, fractions as text.
    """
    return msgspec.to_builtins(value, enc_hook=_plain)


def decode(kind: Any, value: Any) -> Any:
    """Read back what `encode` gave.

    Args:
        kind: The type of the value: one of the document's classes, or a type made of them.
        value: What JSON knows. Unknown fields are dropped, missing ones get their default.

    Returns:
        The value as a `kind`.

    Raises:
        ValueError: A part of the value has another type than `kind` says; the message names it.
        InputError: A part of the value is one that its class refuses.
    """
    try:
        return msgspec.convert(value, kind, dec_hook=_from_plain)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return str(value)
    for kind in (float, int, str):  # NumPy's numbers, which are subclasses
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"a document can't hold {value!r}")


def _from_plain(kind: type, value: Any) -> Any:
    if kind is Fraction and (isinstance(value, int) or (isinstance(value, str) and _FRACTION.fullmatch(value))):
        try:
            return Fraction(value)
        except ArithmeticError as error:
            raise ValueError(f"{value!r} is not a fraction") from error
    raise ValueError(f"{value!r:.60} is no {kind.__name__}")
