"""Calls with named JSON values: a parameter that is a dataclass is sent as its fields, beside the
other parameters.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any


class FlatCall:
    """A function, and the parameters that it has with its dataclasses spread into their fields."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._requests: dict[str, type] = {}
        self.parameters: list[inspect.Parameter] = []
        self.hints = typing.get_type_hints(function)
        for name, parameter in inspect.signature(function).parameters.items():
            kind = without_none(self.hints[name])
            if dataclasses.is_dataclass(kind):
                self._requests[name] = typing.cast(type, kind)
                self.parameters += _fields(self._requests[name])
            else:
                self.parameters.append(parameter.replace(annotation=self.hints[name], kind=inspect.Parameter.POSITIONAL_OR_KEYWORD))

    def __call__(self, given: Mapping[str, Any]) -> Any:
        """Call the function with the named values; TypeError for a name that it does not have, or
        that is missing.
        """
        left = dict(given)
        requests = {name: _build(kind, left) for name, kind in self._requests.items()}
        return self._function(**left, **requests)


def _fields(kind: type) -> list[inspect.Parameter]:
    hints = typing.get_type_hints(kind)
    found: list[inspect.Parameter] = []
    for field in dataclasses.fields(kind):
        inner = without_none(hints[field.name])
        if dataclasses.is_dataclass(inner):
            found += _fields(typing.cast(type, inner))
            continue
        default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        found.append(inspect.Parameter(field.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=hints[field.name]))
    return found


def _build(kind: type, given: dict[str, Any]) -> Any:
    """The dataclass made of its fields in `given`, which are taken out of there."""
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        inner = without_none(hints[field.name])
        if dataclasses.is_dataclass(inner):
            values[field.name] = _build(typing.cast(type, inner), given)
        elif field.name in given:
            values[field.name] = given.pop(field.name)
    return kind(**values)


def without_none(kind: Any) -> Any:
    """The type itself of one that may also be None."""
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind
    others = [one for one in typing.get_args(kind) if one is not type(None)]
    return others[0] if len(others) == 1 else kind
