"""What was asked for and has not ended yet, beside each project: a program that was killed knows afterwards what it had still to do."""

from __future__ import annotations

import functools
import inspect
import json
import logging
import threading
import typing
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from app.storage.workspace import Workspace
from core.errors import InputError, StorageError
from core.files import write_text
from core.progress import JobStatus
from core.project.codec import decode, encode

log = logging.getLogger(__name__)

_FILE = "jobs.json"
INTERRUPTED = "the program was stopped before this was finished"

Verb = TypeVar("Verb", bound=Callable[..., str])


@dataclass(frozen=True)
class AskedJob:
    """A job as it was asked for: the verb of the editor, and its arguments besides the project as JSON has them."""

    job_id: str
    kind: str
    verb: str
    arguments: dict[str, Any]

    def status(self, project_id: str) -> JobStatus:
        """How it stands in a program that only found it."""
        return JobStatus(self.job_id, self.kind, project_id, "interrupted", message=INTERRUPTED)


def resumable(verb: Verb) -> Verb:
    """A verb (self, project_id, ...) that gives a job's id: what it was asked for is kept until the job has ended."""
    signature = inspect.signature(verb)

    @functools.wraps(verb)
    def ask(self: Any, *arguments: Any, **named: Any) -> str:
        job_id = verb(self, *arguments, **named)
        given = signature.bind(self, *arguments, **named).arguments
        project_id = given["project_id"]
        plain = {name: encode(value) for name, value in given.items() if name not in ("self", "project_id")}
        self.journal.note(project_id, AskedJob(job_id, self.runner.status(job_id).kind, verb.__name__, plain))
        if self.runner.status(job_id).finished:  # sooner than it was noted
            self.journal.forget(project_id, job_id)
        return job_id

    return typing.cast(Verb, ask)


def arguments_of(verb: Callable[..., str], asked: AskedJob) -> dict[str, Any]:
    """The arguments of the document's own types. InputError when the verb is not what it was."""
    hints = typing.get_type_hints(verb)
    try:
        return {name: decode(hints[name], value) for name, value in asked.arguments.items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError("this was asked of another version of the program: ask again") from error


class JobJournal:
    """Safe to use from several threads. A file that is damaged or gone holds nothing."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[str, list[AskedJob]] = {}
        self._lock = threading.RLock()

    def of_project(self, project_id: str) -> list[AskedJob]:
        """What has not ended, the oldest first."""
        with self._lock:
            if project_id not in self._known:
                try:
                    text = (self._workspace.folder(project_id) / _FILE).read_text(encoding="utf-8")
                    self._known[project_id] = [AskedJob(**one) for one in json.loads(text)]
                except (OSError, ValueError, TypeError):
                    self._known[project_id] = []
            return list(self._known[project_id])

    def note(self, project_id: str, asked: AskedJob) -> None:
        with self._lock:
            self._write(project_id, [*self.of_project(project_id), asked])

    def forget(self, project_id: str, job_id: str) -> None:
        """Of a job that has ended, or that nobody wants any more."""
        with self._lock:
            before = self.of_project(project_id)
            left = [one for one in before if one.job_id != job_id]
            if left != before:
                self._write(project_id, left)

    def _write(self, project_id: str, jobs: list[AskedJob]) -> None:
        self._known[project_id] = jobs
        try:
            write_text(self._workspace.folder(project_id) / _FILE, json.dumps([asdict(one) for one in jobs]), sync="file")
        except (StorageError, InputError) as error:  # the job itself can do without
            log.warning("%s", error)
