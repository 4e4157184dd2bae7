"""The journal of jobs, beside each project: after a crash or a restart the program knows which jobs
had not ended.
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass
from typing import Any

from app.storage.workspace import Workspace
from core.errors import InputError, StorageError
from core.progress import JobStatus
from core.project.plain import parse_json

log = logging.getLogger(__name__)

_FILE = "jobs.json"
INTERRUPTED = "the program was stopped before this was finished"


@dataclass(frozen=True)
class JournalEntry:
    """A job that was started: the operation's public name, and its arguments besides the project as
    JSON has them.
    """

    job_id: str
    kind: str
    operation: str
    arguments: dict[str, Any]

    def status(self, project_id: str) -> JobStatus:
        """How it stands in a program that only found it."""
        return JobStatus(self.job_id, self.kind, project_id, "interrupted", message=INTERRUPTED)

    def as_json(self) -> dict[str, Any]:
        """As jobs.json has it, where the operation is called `verb`."""
        return {"job_id": self.job_id, "kind": self.kind, "verb": self.operation, "arguments": self.arguments}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> JournalEntry:
        """What `as_json` gave; KeyError or TypeError for anything else."""
        return cls(str(data["job_id"]), str(data["kind"]), str(data["verb"]), dict(data["arguments"]))


class JobJournal:
    """Safe to use from several threads. A file that is damaged or gone holds nothing."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[str, list[JournalEntry]] = {}
        self._lock = threading.RLock()

    def of_project(self, project_id: str) -> list[JournalEntry]:
        """The jobs that have not ended, the oldest first."""
        with self._lock:
            if project_id not in self._known:
                try:
                    text = self._workspace.file(project_id, _FILE).read_text(encoding="utf-8")
                    self._keep(project_id, [JournalEntry.from_json(one) for one in parse_json(text)])
                except (InputError, OSError, ValueError, TypeError, KeyError):
                    return []
            return list(self._known.get(project_id, ()))

    def note(self, project_id: str, entry: JournalEntry) -> None:
        """Remember a job until it is forgotten."""
        with self._lock:
            self._write(project_id, [*self.of_project(project_id), entry])

    def job_ended(self, status: JobStatus) -> None:
        """Remove a job that the runner has ended, and what it wrote of a project that was deleted
        meanwhile.
        """
        with self._lock:
            if status.project_id in self._known:  # else none of its jobs was noted
                self.forget(status.project_id, status.job_id)
        self._workspace.sweep(status.project_id)

    def forget(self, project_id: str, job_id: str) -> None:
        """Remove a job that has ended or was dismissed."""
        with self._lock:
            before = self.of_project(project_id)
            left = [one for one in before if one.job_id != job_id]
            if left != before:
                self._write(project_id, left)

    def _keep(self, project_id: str, jobs: list[JournalEntry]) -> None:
        """Hold what has not ended; nothing of projects without, or a server would hold an entry for
        each that was ever asked for.
        """
        if jobs:
            self._known[project_id] = jobs
        else:
            self._known.pop(project_id, None)

    def _write(self, project_id: str, jobs: list[JournalEntry]) -> None:
        self._keep(project_id, jobs)
        try:
            self._workspace.write(project_id, _FILE, json.dumps([one.as_json() for one in jobs]).encode())
        except InputError:  # the project was deleted while the job ran
            self._known.pop(project_id, None)
        except StorageError as error:  # the job itself does not need it
            log.warning("%s", error)
