"""The program for other programs: every verb of the editor as a named endpoint of the server, for `gradio_client`.

The endpoints are made from the editor's public methods, so whatever the page can do, a client can do. A project comes back as
the page sees it (`app.contract.project_view`), long work as the id of its job, pictures and files as downloads; a file goes in as an
upload, never as a path. Opening a video by path is a verb of its own, with the page's rule. docs/api.md shows all of it at work.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import inspect
import logging
import operator
import os
import re
import secrets
import shutil
import time
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any

import gradio as gr
from pydantic import TypeAdapter, ValidationError

from app.contract.error_text import error_text
from app.contract.project_view import job_view, project_view
from app.editor.editor import Editor
from app.settings import Settings
from core.errors import error_record, InputError, internal_error_message, StudioError
from core.progress import JobStatus
from core.project.project import Project

log = logging.getLogger(__name__)

NOT_FOR_CLIENTS = frozenset(
    {
        *("project", "recent_projects", "examples", "create_project", "job"),  # below, in a form that suits a client
        *("file_path", "source_path", "incoming_folder", "incoming_picture"),  # where things lie on this machine
        *("look_at", "warm_up", "close", "is_changing", "preview_point"),  # of use inside the program only
    }
)
OF_THIS_MACHINE = frozenset({"start_fetch", "remove_model", "use_segmenter"})
"""What people at the machine decide for all, and not those who reach its server from elsewhere."""
LONGEST_WAIT = 300.0
"""Seconds that `wait` holds a call at most."""
_SENT = re.compile(r"exports/[^/]+|results/[0-9a-f]+/[\w-]+\.(mp4|json)|files/[0-9a-f]+\.png")
"""What of a project's folder can be downloaded; paths as the verbs name them."""


def transfers(settings: Settings) -> Path:
    """Where files lie on their way from or to a client."""
    return settings.workspace / "transfers"


def prepare_transfers(settings: Settings) -> None:
    """Let gradio keep files on their way on the workspace's disk, which is large enough for videos; what an earlier run left is removed."""
    shutil.rmtree(transfers(settings), ignore_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = str(transfers(settings))


def add_endpoints(editor: Editor, *, shared: bool) -> None:
    """Add all endpoints to the gradio page that is being built. They show nothing there."""
    client = _Client(editor, shared)
    own = {name: getattr(client, name) for name in vars(_Client) if not name.startswith("_")}
    verbs = {name: _as_endpoint(editor, getattr(editor, name)) for name in verbs_for_clients(shared)}
    with gr.Column(visible=False):
        for name, function in {**own, **verbs}.items():
            gr.api(_guarded(function), api_name=name, concurrency_limit=None)


def verbs_for_clients(shared: bool = False) -> list[str]:
    """The editor's verbs that are endpoints under their own names; of a `shared` server fewer."""
    names = (name for name, _ in inspect.getmembers(Editor, inspect.isfunction) if not name.startswith("_"))
    hidden = NOT_FOR_CLIENTS | (OF_THIS_MACHINE if shared else frozenset())
    return [name for name in names if name not in hidden]


class _Client:
    """What a client asks for in another form than the page."""

    def __init__(self, editor: Editor, shared: bool) -> None:
        self._editor = editor
        self._shared = shared

    def open_path(self, path: str, name: str | None = None) -> dict[str, Any]:
        """Open a video file, or a folder of numbered images, on the server's machine. Refused by a server that others can reach."""
        if self._shared:
            raise InputError("opening by path is for people at the server's machine: send the file with open_file instead")
        return self._view(self._editor.create_project(path, name))

    def open_file(self, file: dict[str, Any], name: str | None = None) -> dict[str, Any]:
        """Open a video that is sent along, as gradio_client.handle_file gives it."""
        sent, title = _received(self._editor.settings, file)
        suffix = PurePath(title).suffix
        folder = self._editor.settings.workspace / "uploads" / secrets.token_hex(8)
        path = folder / f"video{suffix if re.fullmatch(r'[.][A-Za-z0-9]{1,8}', suffix) else ''}"
        try:
            folder.mkdir(parents=True)
            shutil.move(sent, path)
            return self._view(self._editor.create_project(path, name or PurePath(title).stem or "video"))
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, InputError):
                raise InputError(str(error).replace(str(path), title)) from None
            raise

    def open_example(self, name: str) -> dict[str, Any]:
        """Open one of the clips that come with the program; list_examples has their names."""
        found = next((example for example in self._editor.examples() if example.name == name), None)
        if found is None:
            raise InputError(f"there is no example '{name}' (known: {', '.join(example.name for example in self._editor.examples())})")
        return self._view(self._editor.create_project(found.path, found.title))

    def list_examples(self) -> list[dict[str, Any]]:
        """Name and title of the clips that come with the program."""
        return [{"name": example.name, "title": example.title} for example in self._editor.examples()]

    def list_projects(self, known: list[str] | None = None) -> list[dict[str, Any]]:
        """The projects of this machine, the last changed first. A server that others can reach lists those of the ids in `known` only."""
        projects = self._editor.recent_projects()
        return [dataclasses.asdict(one) for one in projects if not self._shared or one.project_id in (known or ())]

    def project(self, project_id: str) -> dict[str, Any]:
        """A project as it stands: facts of the clip, objects, lanes, tries, results, the stack, jobs, and what undo and redo would do."""
        return project_view(self._editor, project_id)

    def job(self, job_id: str) -> dict[str, Any]:
        """How a job stands. `state` is queued, running, done, failed or cancelled; `result` has what it made, `message` what went wrong."""
        return job_view(self._editor.job(job_id))

    async def wait(self, job_id: str, seconds: float = 60.0) -> dict[str, Any]:
        """Wait until a job has ended, or for so many seconds (300 at most), and say how it stands."""
        until = time.monotonic() + min(max(0.0, seconds), LONGEST_WAIT)
        while not self._editor.job(job_id).finished and time.monotonic() < until:
            await asyncio.sleep(0.1)
        return self.job(job_id)

    def download(self, project_id: str, file: str) -> Any:
        """A file of a project: `file` or `recipe` of a job's result, the `image` of a try, or `exports/NAME` of what was exported."""
        if not _SENT.fullmatch(file):
            raise InputError(f"the project sends no file '{file}': name one that a job's result, a try or `exports` names")
        return _as_download(self._editor.settings, self._editor.file_path(project_id, file))

    def download_result(self, project_id: str, propagation_id: str) -> Any:
        """The video of a finished propagation, as it lies in the project."""
        result = self._editor.project(project_id).propagation(propagation_id).result
        if result is None:
            raise InputError("this propagation is not finished: resume it first")
        return self.download(project_id, result)

    def _view(self, project: Project) -> dict[str, Any]:
        return project_view(self._editor, project.project_id)


def _as_endpoint(editor: Editor, verb: Callable[..., Any]) -> Callable[..., Any]:
    """A verb with parameters that JSON has: a value of the document becomes its fields, a path a file that is sent along."""
    hints = typing.get_type_hints(verb)
    plain: list[inspect.Parameter] = []
    parts: dict[str, tuple[type, list[str]]] = {}
    files: set[str] = set()
    for name, parameter in inspect.signature(verb).parameters.items():
        kind = _without_none(hints[name])
        if dataclasses.is_dataclass(kind):
            fields = typing.get_type_hints(kind)
            parts[name] = (typing.cast(type, kind), list(fields))
            for field in dataclasses.fields(kind):
                default = parameter.empty if field.default is dataclasses.MISSING else field.default
                plain.append(_parameter(field.name, fields[field.name], default))
        elif kind is Path or Path in typing.get_args(kind):
            files.add(name)
            plain.append(_parameter(name, dict[str, Any], parameter.default))
        else:
            plain.append(_parameter(name, _as_lists(hints[name]), parameter.default))

    @functools.wraps(verb)
    def endpoint(**given: Any) -> Any:
        arguments = dict(given)
        names: dict[Path, str] = {}
        for name, (kind, fields) in parts.items():
            arguments[name] = kind(**{field: arguments.pop(field) for field in fields})
        try:
            for name in files:
                path, title = _received(editor.settings, given[name])
                arguments[name], names[path] = path, title
                if "name" in arguments and arguments["name"] is None:
                    arguments["name"] = PurePath(title).stem
            return _answer(editor, verb(**arguments))
        except InputError as error:
            message = str(error)
            for path, title in names.items():
                message = message.replace(str(path), title).replace(path.name, title)
            raise InputError(message) from None
        finally:
            for path in names:
                path.unlink(missing_ok=True)

    # gradio looks at the signature to see what to pass; required ones have to come first
    del endpoint.__wrapped__
    _describe(endpoint, sorted(plain, key=lambda one: one.default is not one.empty), _answer_type(hints.get("return")))
    return endpoint


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Look at what a client sends before the function sees it, and tell of every error in one sentence."""
    hints = typing.get_type_hints(function)
    signature = inspect.signature(function)
    checks = {name: TypeAdapter(hints[name]) for name in signature.parameters}

    def checked(arguments: tuple[Any, ...]) -> dict[str, Any]:
        values = dict(zip(signature.parameters, arguments, strict=True))
        for name, value in values.items():
            try:
                values[name] = checks[name].validate_python(value)
            except ValidationError as error:
                raise InputError(f"{name} can't be used ({error.errors()[0]['msg']})") from None
        return values

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
            raise gr.Error(error_text(error), print_exception=False) from None
        if isinstance(error, Exception):  # an internal error: the report has the details
            told = error_record({"endpoint": self._name})
            log.error("%s failed", self._name, exc_info=error, extra=told)
            raise gr.Error(f"{internal_error_message(error)} (report {told['report_id']})", print_exception=False)


def _describe(function: Callable[..., Any], parameters: list[inspect.Parameter], answer: Any) -> None:
    function.__signature__ = inspect.Signature(parameters, return_annotation=answer)  # type: ignore[attr-defined]
    function.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": answer}


def _parameter(name: str, kind: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=kind)


def _without_none(kind: Any) -> Any:
    """The type itself of one that may also be None."""
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind
    others = [one for one in typing.get_args(kind) if one is not type(None)]
    return others[0] if len(others) == 1 else kind


def _as_lists(kind: Any) -> Any:
    """The type with lists for sequences, which gradio can describe."""
    origin, parts = typing.get_origin(kind), tuple(_as_lists(one) for one in typing.get_args(kind))
    if origin is Sequence:
        return list[parts]  # type: ignore[valid-type]
    if origin in (typing.Union, types.UnionType):
        return functools.reduce(operator.or_, parts)
    return kind


def _answer_type(kind: Any) -> Any:
    """What the description says comes back: as one value, even where a verb gives several."""
    if kind in (str, int, float, bool):
        return kind
    if kind is Project or dataclasses.is_dataclass(kind):
        return dict[str, Any]
    return list[Any] if typing.get_origin(kind) in (list, tuple) else Any


def _answer(editor: Editor, value: Any) -> Any:
    """A verb's answer as JSON; pictures and files as downloads."""
    if isinstance(value, Project):
        return project_view(editor, value.project_id)
    if isinstance(value, JobStatus):
        return job_view(value)
    if isinstance(value, bytes | Path):
        return _as_download(editor.settings, value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _answer(editor, getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_answer(editor, one) for one in value]
    return value


def _received(settings: Settings, file: Any) -> tuple[Path, str]:
    """Where a file lies that a client has sent, and what the client calls it."""
    path = Path(str(file.get("path", ""))).resolve() if isinstance(file, dict) else Path()
    if not (path.is_file() and path.is_relative_to(transfers(settings).resolve())):
        raise InputError("send the file along, as gradio_client.handle_file('PATH') gives it")
    title = PurePath(str(file.get("orig_name") or path.name).replace("\\", "/")).name.strip(" .")[-200:] or "file"
    return path, title


def _as_download(settings: Settings, source: Path | bytes) -> dict[str, Any]:
    """A file for a client to fetch, in a folder whose name nobody can guess; no second copy is made where the disk can do without."""
    folder = transfers(settings) / secrets.token_hex(16)
    folder.mkdir(parents=True)
    if isinstance(source, bytes):
        kinds = {b"\x89PNG": "picture.png", b"PK\x03\x04": "pictures.zip"}
        path = folder / kinds.get(source[:4], "picture.jpg")
        path.write_bytes(source)
    else:
        path = folder / source.name
        try:
            path.hardlink_to(source)
        except OSError:
            shutil.copyfile(source, path)
    return gr.FileData(path=str(path), orig_name=path.name).model_dump()
