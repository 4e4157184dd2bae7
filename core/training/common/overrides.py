"""Changes a typed configuration by the `key=value` words of a command line."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from typing import Any, TypeVar

from core.errors import InputError

ConfigT = TypeVar("ConfigT")


def _parse(text: str, kind: Any, name: str) -> Any:
    """`text` as a value of the annotated type."""
    origin = typing.get_origin(kind)
    if origin is tuple:
        item = typing.get_args(kind)[0]
        return tuple(_parse(part, item, name) for part in text.split(",") if part)
    if origin in (types.UnionType, typing.Union):
        kind = next(option for option in typing.get_args(kind) if option is not type(None))
    if kind is bool:
        if text.lower() in ("1", "true", "yes", "on"):
            return True
        if text.lower() in ("0", "false", "no", "off"):
            return False
        raise InputError(f"{name}={text}: say true or false")
    try:
        value = kind(text)
    except ValueError:
        raise InputError(f"{name}={text}: expected {getattr(kind, '__name__', kind)}") from None
    if kind in (int, float) and not 0 <= value < math.inf:
        raise InputError(f"{name}={text}: it has to be 0 or more")
    return value


def with_overrides(config: ConfigT, words: list[str]) -> ConfigT:
    """Apply `key=value` words; a dot reaches into a nested part (`network.layers=2`).

    Raises InputError for a word without `=`, an unknown key or a value of the wrong type.
    """
    changes: dict[str, Any] = {}
    for word in words:
        name, separator, text = word.partition("=")
        if not separator:
            raise InputError(f"'{word}' is not a setting: write key=value")
        *groups, last = name.split(".")
        kind, place = type(config), changes
        for group in groups:
            kind, place = _group(kind, group, name), place.setdefault(group, {})
        place[last] = _value(kind, last, text, name)
    return _replaced(config, changes)


def _group(kind: Any, group: str, name: str) -> Any:
    """The class of a nested part."""
    wanted = _hint(kind, group, name)
    if not dataclasses.is_dataclass(wanted):
        raise InputError(f"'{group}' has no settings of its own, in '{name}'")
    return wanted


def _value(kind: Any, key: str, text: str, name: str) -> Any:
    wanted = _hint(kind, key, name)
    if dataclasses.is_dataclass(wanted):
        raise InputError(f"'{name}' is a group: name one of its settings, such as {name}.{next(iter(typing.get_type_hints(wanted)))}")
    return _parse(text, wanted, name)


def _hint(kind: Any, key: str, name: str) -> Any:
    hints = typing.get_type_hints(kind)
    if key not in hints:
        raise InputError(f"unknown setting '{name}'; known here: {', '.join(sorted(hints))}")
    return hints[key]


def _replaced(config: Any, changes: dict[str, Any]) -> Any:
    """All at once, so that settings which have to agree may be given in any order."""
    return dataclasses.replace(
        config, **{key: _replaced(getattr(config, key), value) if isinstance(value, dict) else value for key, value in changes.items()}
    )
