"""The server for other programs: every operation for clients as a named endpoint, for
`gradio_client`.

The endpoints are made from the table of operations and the signatures of the methods that answer. A
project comes back as the page sees it (`app.contract.project_view`), long work as the id of its
job, pictures and files as downloads; a file goes in as an upload, never as a path. docs/api.md
shows all of it at work.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import logging
import operator
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any

import gradio as gr

from app.contract.arguments import Arguments
from app.contract.error_text import error_text
from app.contract.flat_call import FlatCall, without_none
from app.contract.operations import Operation, operations_of_clients
from app.contract.project_view import job_view, project_view
from app.contract.values import MasksImport
from app.editor.editor import Editor
from app.server.client_operations import ClientOperations
from app.server.endpoint_calls import title_of
from app.server.transfers import as_download, received
from core.errors import error_record, InputError, internal_error_message, StudioError
from core.progress import JobStatus
from core.project.project import Project

log = logging.getLogger(__name__)


class _Parts:
    """The parts of the editor, and one for clients: where the table of operations finds its
    methods.
    """

    def __init__(self, editor: Editor, shared: bool) -> None:
        self._editor = editor
        self.client = ClientOperations(editor, shared=shared)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._editor, name)


def add_endpoints(editor: Editor, *, shared: bool) -> None:
    """Add all endpoints to the gradio page that is being built. They show nothing there."""
    parts = _Parts(editor, shared)
    with gr.Column(visible=False):
        for operation in operations_of_clients(shared=shared):
            gr.api(_guarded(_endpoint(editor, operation, operation.of(parts))), api_name=operation.name, concurrency_limit=None)


def endpoints_of(page: gr.Blocks) -> dict[int, tuple[str, inspect.Signature]]:
    """Name and values of every endpoint of a page, by gradio's number for it."""
    return {
        number: (one.api_name, inspect.signature(one.fn)) for number, one in page.fns.items() if one.fn and isinstance(one.api_name, str)
    }


def _endpoint(editor: Editor, operation: Operation, method: Callable[..., Any]) -> Callable[..., Any]:
    """A method with parameters that JSON has: dataclasses become their fields, and a path a file
    that is sent along.
    """
    if operation.method.startswith("client."):
        return method
    call = FlatCall(method)
    files = [one.name for one in call.parameters if Path in (without_none(one.annotation), *typing.get_args(one.annotation))]
    plain = [one.replace(annotation=dict[str, Any] if one.name in files else _as_lists(one.annotation)) for one in call.parameters]

    def endpoint(**given: Any) -> Any:
        arguments = dict(given)
        names: dict[Path, str] = {}
        try:
            for name in files:
                path, title = received(editor.settings, given[name])
                arguments[name], names[path] = path, title
                if "name" in arguments and arguments["name"] is None:
                    arguments["name"] = PurePath(title).stem
            return _answer(editor, call(arguments))
        except InputError as error:
            message = str(error)
            for path, title in names.items():
                message = message.replace(str(path), title).replace(path.name, title)
            raise InputError(message) from None
        finally:
            for path in names:
                path.unlink(missing_ok=True)

    endpoint.__name__, endpoint.__doc__ = operation.name, method.__doc__
    # gradio looks at the signature to see what to pass; required parameters have to come first
    _describe(endpoint, sorted(plain, key=lambda one: one.default is not one.empty), _answer_type(call.hints.get("return")))
    return endpoint


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check what a client sends before the function sees it, and report every error in one
    sentence.
    """
    hints = typing.get_type_hints(function)
    signature = inspect.signature(function)
    known = Arguments.of(function)

    def checked(arguments: tuple[Any, ...]) -> dict[str, Any]:
        return known.checked(dict(zip(signature.parameters, arguments, strict=True)))

    def answer(*arguments: Any) -> Any:
        with _one_sentence(function):
            return function(**checked(arguments))

    async def answer_later(*arguments: Any) -> Any:
        with _one_sentence(function):
            return await function(**checked(arguments))

    guarded = answer_later if inspect.iscoroutinefunction(function) else answer
    parameters = [one.replace(annotation=hints[name]) for name, one in signature.parameters.items()]
    _describe(guarded, parameters, hints.get("return", Any))
    guarded.__name__, guarded.__doc__ = function.__name__, function.__doc__
    return guarded


class _one_sentence:  # noqa: N801 (reads as the statement that it is)
    """A context in which every error becomes the one sentence that the client sees."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._name = function.__name__

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: types.TracebackType | None) -> None:
        if isinstance(error, StudioError):
            raise gr.Error(error_text(error), title=title_of(error), print_exception=False) from None
        if isinstance(error, Exception):  # an internal error: the report has the details
            told = error_record({"endpoint": self._name}, error)
            log.error("%s failed", self._name, exc_info=error, extra=told)
            raise gr.Error(f"{internal_error_message(error)} (report {told['report_id']})", print_exception=False)


def _describe(function: Callable[..., Any], parameters: list[inspect.Parameter], answer: Any) -> None:
    function.__signature__ = inspect.Signature(parameters, return_annotation=answer)  # type: ignore[attr-defined]
    function.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": answer}


def _as_lists(kind: Any) -> Any:
    """The type with lists for sequences, which gradio can describe."""
    origin, parts = typing.get_origin(kind), tuple(_as_lists(one) for one in typing.get_args(kind))
    if origin is Sequence:
        return list[parts]  # type: ignore[valid-type]
    if origin in (typing.Union, types.UnionType):
        return functools.reduce(operator.or_, parts)
    return kind


def _answer_type(kind: Any) -> Any:
    """What the description says comes back: one value, even where a method returns several."""
    if kind in (str, int, float, bool):
        return kind
    if kind is Project or dataclasses.is_dataclass(kind):
        return dict[str, Any]
    return list[Any] if typing.get_origin(kind) in (list, tuple) else Any


def _answer(editor: Editor, value: Any) -> Any:
    """A method's answer as JSON; pictures and files as downloads."""
    if isinstance(value, Project):
        return project_view(editor, value.project_id)
    if isinstance(value, MasksImport):
        return {**project_view(editor, value.project.project_id), "notes": list(value.notes)}
    if isinstance(value, JobStatus):
        return job_view(value)
    if isinstance(value, bytes | Path):
        return as_download(editor.settings, value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _answer(editor, getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_answer(editor, one) for one in value]
    return value
