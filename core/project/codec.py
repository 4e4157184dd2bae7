"""The document as JSON, with a schema version: old ones migrate, newer ones are refused."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
import weakref
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from core.errors import InputError, StudioError
from core.project.history import History, Step
from core.project.project import Project, SCHEMA_VERSION
from core.project.prompts import BoxPrompt, MaskPrompt, PointPrompt, TextPrompt

_TAGGED: dict[str, type] = {"point": PointPrompt, "box": BoxPrompt, "mask": MaskPrompt, "text": TextPrompt}
_TAGS = {cls: tag for tag, cls in _TAGGED.items()}
_STACKS = ("past", "future")

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From schema version n to n + 1; each takes and returns the whole JSON object."""


_texts: dict[int, tuple[weakref.ref[Project], str]] = {}
"""By id: states of documents that have been written, for as long as somebody holds them."""


def dumps(history: History) -> str:
    """The project with its undo history as JSON text, a line for each state.

    Every change writes all of it again, but a state never changes: only those that are new are put into words.
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
    text = json.dumps(encode(project))
    _texts[key] = weakref.ref(project, lambda _: _texts.pop(key, None)), text
    return text


def loads(text: str) -> History:
    """Read JSON text back; InputError when it is no project or was written by a newer version."""
    try:
        data = json.loads(text)
        version = data["schema"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError("project.json is no project of VIVID Studio: put back a copy of it, or open another project") from None
    if not isinstance(version, int) or version < 1:
        raise InputError(f"project.json is no project of VIVID Studio (schema {version!r}): put back a copy of it, or open another project")
    if version > SCHEMA_VERSION:
        raise InputError(
            f"this project was saved by a newer version (schema {version}; this version reads up to {SCHEMA_VERSION}): update VIVID Studio"
        )
    for number in range(version, SCHEMA_VERSION):
        data = MIGRATIONS[number](data)
    try:
        past, future = (tuple(Step(s["label"], decode(Project, s["project"])) for s in data[name]) for name in _STACKS)
        return History(decode(Project, data["project"]), past, future)
    except StudioError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InputError(f"project.json is damaged ({error}): put back a copy of it, or open another project") from error


def encode(value: Any) -> Any:
    """A value of the document as what JSON knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"type": _TAGS[type(value)], **fields} if type(value) in _TAGS else fields
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, tuple):
        return [encode(v) for v in value]
    return value


def decode(kind: Any, value: Any) -> Any:
    """What `encode` gave, back as a value of type `kind`; unknown fields are dropped, missing ones get their default."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        if isinstance(value, dict) and "type" in value:
            tagged = _TAGGED[value["type"]]
            return decode(tagged, {k: v for k, v in value.items() if k != "type"})
        return decode(next(a for a in args if a is not type(None)), value)
    if origin is tuple:
        items = [args[0]] * len(value) if len(args) == 2 and args[1] is Ellipsis else args
        return tuple(decode(a, v) for a, v in zip(items, value, strict=True))
    if kind is Fraction:
        return Fraction(value)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        names = {f.name for f in dataclasses.fields(kind)}
        return typing.cast(Any, kind)(**{k: decode(hints[k], v) for k, v in value.items() if k in names})
    return value
