"""The jobs of a project: how they stand, cancel, pause, and resuming interrupted ones."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from app.editor.keyframes import KeyframeOperations
from app.jobs.journal import JobJournal, JournalEntry
from app.jobs.keyframes import TriesRequest
from app.jobs.queue import arguments_of
from app.jobs.runner import JobRunner
from app.storage.workspace import Workspace
from core.errors import InputError
from core.progress import JobStatus, PAUSED
from core.project.edits import SamplingSettings, TryBasis


class JobOperations:
    """Jobs that run, and those that an earlier start of the program left unfinished.

    `resumable` has the methods that start jobs again, by every name that a journal may have for
    them.
    """

    def __init__(
        self,
        workspace: Workspace,
        runner: JobRunner,
        journal: JobJournal,
        keyframes: KeyframeOperations,
        resumable: Mapping[str, Callable[..., str]],
    ) -> None:
        self._workspace = workspace
        self._runner = runner
        self._journal = journal
        self._keyframes = keyframes
        self._resumable = resumable

    def status(self, job_id: str) -> JobStatus:
        """How a job stands."""
        return self._runner.status(job_id)

    def of_project(self, project_id: str) -> list[JobStatus]:
        """The project's jobs, the newest first; at the end those that an earlier start of the
        program left `interrupted`.
        """
        jobs = self._runner.of_project(project_id)
        known = {job.job_id for job in jobs}
        left = [entry for entry in reversed(self._journal.of_project(project_id)) if entry.job_id not in known]
        if any(propagation.result is None for propagation in self._workspace.project(project_id).propagations):
            for entry in (entry for entry in left if entry.kind == "propagate"):  # the document itself has what can be resumed
                self._journal.forget(project_id, entry.job_id)
            left = [entry for entry in left if entry.kind != "propagate"]
        for entry in [entry for entry in left if entry.kind == "keyframe"]:
            with contextlib.suppress(InputError):  # of another version: resuming it says so
                if not self._missing(project_id, entry):  # stopped between its last try and its end
                    self._journal.forget(project_id, entry.job_id)
                    left.remove(entry)
        return [*jobs, *(entry.status(project_id) for entry in left)]

    def resume(self, project_id: str, job_id: str) -> str:
        """Start an interrupted job again, without the tries that it has already made; returns the
        new job's id.
        """
        entry = self._interrupted(project_id, job_id)
        start = self._method(entry)
        arguments = arguments_of(start, entry)
        if entry.kind == "keyframe":
            arguments["seeds"] = self._missing(project_id, entry)
        started = start(project_id, **arguments)
        self._journal.forget(project_id, job_id)
        return started

    def dismiss(self, project_id: str, job_id: str) -> None:
        """Forget a job that is interrupted."""
        self._interrupted(project_id, job_id)
        self._journal.forget(project_id, job_id)

    def cancel(self, job_id: str) -> None:
        """Stop a job for good.

        It ends within a step; what was finished stays, except of a propagation, which is forgotten.
        """
        self._runner.cancel(job_id)

    def pause(self, job_id: str) -> None:
        """Stop a propagation so that it can be resumed: finished windows stay, the one in the
        making begins again then.
        """
        self._runner.cancel(job_id, PAUSED)

    def _method(self, entry: JournalEntry) -> Callable[..., str]:
        if entry.operation not in self._resumable:
            raise InputError(f"a job of '{entry.operation:.40}' can't be resumed by this version of the program: dismiss it")
        return self._resumable[entry.operation]

    def _missing(self, project_id: str, entry: JournalEntry) -> tuple[int, ...]:
        arguments = arguments_of(self._method(entry), entry)
        try:
            defaults = {"settings": SamplingSettings(), "basis": TryBasis()}
            tries = TriesRequest(**{**arguments, **{name: arguments.get(name) or value for name, value in defaults.items()}})
        except TypeError:
            raise InputError("this job was started by another version of the program: start it again") from None
        return self._keyframes.missing_seeds(project_id, tries)

    def _interrupted(self, project_id: str, job_id: str) -> JournalEntry:
        if any(job.job_id == job_id and job.state == "interrupted" for job in self.of_project(project_id)):
            return next(entry for entry in self._journal.of_project(project_id) if entry.job_id == job_id)
        raise InputError(f"no job {job_id} of this project is interrupted, it may have been resumed already: start it again")
