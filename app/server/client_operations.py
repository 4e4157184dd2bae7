"""What a client asks for in another form than the page: videos that are sent along, lists, waiting,
downloads.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import secrets
import shutil
import time
from pathlib import Path, PurePath
from typing import Any

from app.contract.project_view import job_view, project_view
from app.editor.editor import Editor
from app.server.transfers import as_download, received
from core.errors import InputError
from core.files import storage_errors
from core.project.project import Project

LONGEST_WAIT = 300.0
"""Seconds that `wait` holds a call at most."""
_SENT = re.compile(r"exports/[^/]+|results/[0-9a-f]+/[\w-]+\.(mp4|json)|files/[0-9a-f]+\.png")
"""What of a project's folder can be downloaded; paths as the operations name them."""


class ClientOperations:
    """The part `client` of the table of operations.

    A `shared` server can be reached by other machines.
    """

    def __init__(self, editor: Editor, *, shared: bool) -> None:
        self._editor = editor
        self._shared = shared

    def open_path(self, path: str, name: str | None = None) -> dict[str, Any]:
        """Open a video file, or a folder of numbered images, on the server's machine.

        Refused by a server that others can reach.
        """
        if self._shared:
            raise InputError("only people at the server's machine can open a path: send the file with open_file instead")
        return self._view(self._editor.projects.create(path, name))

    def open_file(self, file: dict[str, Any], name: str | None = None) -> dict[str, Any]:
        """Open a video that is sent along, as gradio_client.handle_file gives it."""
        sent, title = received(self._editor.settings, file)
        suffix = PurePath(title).suffix
        folder = self._editor.settings.workspace / "uploads" / secrets.token_hex(8)
        path = folder / f"video{suffix if re.fullmatch(r'[.][A-Za-z0-9]{1,8}', suffix) else ''}"
        try:
            with storage_errors(Path(title), "send the video again"):
                folder.mkdir(parents=True)
                shutil.move(sent, path)
            project = self._editor.projects.create(path, name or PurePath(title).stem or "video")
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, InputError):
                raise InputError(str(error).replace(str(path), title)) from None
            raise
        return self._view(project)

    def open_example(self, name: str) -> dict[str, Any]:
        """Open one of the clips that come with the program; list_examples has their names."""
        examples = self._editor.projects.examples()
        found = next((example for example in examples if example.name == name), None)
        if found is None:
            raise InputError(f"there is no example '{name}' (known: {', '.join(example.name for example in examples)})")
        return self._view(self._editor.projects.create(found.path, found.title))

    def list_examples(self) -> list[dict[str, Any]]:
        """Name and title of the clips that come with the program."""
        return [{"name": example.name, "title": example.title} for example in self._editor.projects.examples()]

    def list_projects(self, known: list[str] | None = None) -> list[dict[str, Any]]:
        """The projects of this machine, the last changed first.

        A server that others can reach lists those of the ids in `known` only.
        """
        projects = self._editor.projects.recent(known or () if self._shared else None)
        if self._shared:  # where files lie is nobody's business
            projects = [dataclasses.replace(one, problem=one.problem and "it can't be read: its file is damaged") for one in projects]
        return [dataclasses.asdict(one) for one in projects]

    def project(self, project_id: str) -> dict[str, Any]:
        """A project as it stands: facts of the clip, objects, timelines (`lanes`), tries, results,
        the stack, jobs, and undo and redo.
        """
        return project_view(self._editor, project_id)

    def job(self, job_id: str) -> dict[str, Any]:
        """How a job stands.

        `state` is queued, running, done, failed or cancelled; `result` has what it made, `message`
        what went wrong.
        """
        return job_view(self._editor.jobs.status(job_id))

    async def wait(self, job_id: str, seconds: float = 60.0) -> dict[str, Any]:
        """Wait until a job ends, or for so many seconds, 300 at most, then say how it stands."""
        until = time.monotonic() + min(max(0.0, seconds), LONGEST_WAIT)
        while not self._editor.jobs.status(job_id).finished and time.monotonic() < until:
            await asyncio.sleep(0.1)
        return self.job(job_id)

    def download(self, project_id: str, file: str) -> Any:
        """A file of a project: `file` or `recipe` of a job's result, the `image` of a try, or
        `exports/NAME` of what was exported.
        """
        if not _SENT.fullmatch(file):
            raise InputError(f"the project sends no file '{file}': name one that a job's result, a try or `exports` names")
        return as_download(self._editor.settings, self._editor.projects.file(project_id, file))

    def download_result(self, project_id: str, propagation_id: str) -> Any:
        """The video of a finished propagation, as it lies in the project."""
        result = self._editor.projects.get(project_id).propagation(propagation_id).result
        if result is None:
            raise InputError("this propagation is not finished: resume it first")
        return self.download(project_id, result)

    def _view(self, project: Project) -> dict[str, Any]:
        return project_view(self._editor, project.project_id)
