"""Arguments as a page or another program sends them, checked before anything is done with them."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from core.errors import InputError
from core.project.plain import check_plain

_FINITE = ConfigDict(allow_inf_nan=False)


class Arguments:
    """What a function takes by name, and of which types."""

    def __init__(self, parameters: Iterable[inspect.Parameter], hints: Mapping[str, Any]) -> None:
        self._known = {one.name: one for one in parameters if one.kind is not inspect.Parameter.VAR_KEYWORD}
        self._checks = {name: _check(hints.get(name, Any)) for name in self._known}

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Arguments:
        """Those of a function, by its annotations."""
        return cls(inspect.signature(function).parameters.values(), typing.get_type_hints(function))

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function takes them.

        Raises:
            InputError: One is missing, unknown, of another type, or no value that can be kept.
        """
        wrong = given.keys() - self._known.keys()
        missing = {name for name, one in self._known.items() if one.default is one.empty} - given.keys()
        if wrong or missing:
            names = ", ".join(sorted(wrong or missing))
            raise InputError(f"{names:.100} {'is unknown' if wrong else 'is missing'}: reload the page, or see docs/api.md")
        return {name: self._value(name, value) for name, value in given.items()}

    def _value(self, name: str, value: Any) -> Any:
        try:
            check_plain(value)
            return self._checks[name].validate_python(value)
        except ValidationError as error:
            raise InputError(f"{name} can't be used ({error.errors()[0]['msg']}): give another value") from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{name} can't be used ({error}): give another value") from None


def _check(kind: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(kind, config=_FINITE)
    except PydanticUserError:  # a class that has its own settings
        return TypeAdapter(kind)
