"""The jobs of projects: handed to the runner, and noted in the journal until they have ended."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import time
import typing
from collections.abc import Callable
from typing import Any, TypeVar

from app.contract.flat_call import without_none
from app.contract.operations import OPERATIONS
from app.engine import Engine
from app.jobs.estimates import Estimates
from app.jobs.journal import JobJournal, JournalEntry
from app.jobs.runner import Job, JobRunner, WORKERS
from core.errors import InputError
from core.progress import JobContext, JobStatus
from core.project.codec import decode, encode

TRIAL = "measure"
"""The kind of the jobs that find out how fast this machine is."""

LONGEST = 50
"""Jobs of one project that may wait or run at a time."""

Method = TypeVar("Method", bound=Callable[..., str])


class JobQueue:
    """What the parts of the editor start their jobs with. Safe to use from several threads."""

    def __init__(self, runner: JobRunner, journal: JobJournal, engine: Engine, estimates: Estimates) -> None:
        self._runner = runner
        self._journal = journal
        self._engine = engine
        self._estimates = estimates

    def submit(self, kind: str, project_id: str, job: Job, device: str | None = None) -> str:
        """Queue a job of a project.

        Args:
            kind: What sort of job it is, as the page names it.
            project_id: The project that it belongs to.
            job: What it does; returns ids and relative paths.
            device: What to wait for; the device of the models when None.

        Returns:
            The job's id, at once.

        Raises:
            InputError: Too many jobs of the project have not ended yet.
        """
        if sum(not one.finished for one in self._runner.of_project(project_id)) >= LONGEST:
            raise InputError(f"{LONGEST} jobs of this project have not ended yet: wait for one of them, or stop some")
        models = self._engine.settings.device if self._engine.workers is None else WORKERS
        return self._runner.submit(kind, project_id, job, device=device or models)

    def timed(self, kind: str, model: str, job: Job, count: Callable[[dict[str, Any]], int]) -> Job:
        """Let a job improve the estimate for the next of its kind.

        The first run of a model is left out, since it also loads the model.

        Args:
            kind: What the estimate is for: track, keyframe or propagate.
            model: The name of the model that does it.
            job: The job.
            count: How many units (frames, tries) a result of the job stands for.

        Returns:
            The job, which measures itself.
        """

        def timed(context: JobContext) -> dict[str, Any]:
            loaded, started = self._engine.has(model), time.monotonic()
            result = job(context)
            if loaded and count(result):
                self._estimates.learn_rate(kind, model, (time.monotonic() - started) / count(result), self._engine.device)
            return result

        return timed

    def unfinished(self, project_id: str, kind: str) -> list[JobStatus]:
        """The project's jobs of a kind that are running or waiting."""
        return [job for job in self._runner.of_project(project_id) if job.kind == kind and not job.finished]

    def cancel_trials(self, project_id: str) -> None:
        """Stop trials that measure the machine: the job that follows tells more than they would."""
        for job in self.unfinished(project_id, TRIAL):
            self._runner.cancel(job.job_id)

    def note(self, project_id: str, job_id: str, operation: str, arguments: dict[str, Any]) -> None:
        """Remember what a job was asked for, until it has ended.

        Args:
            project_id: The project that it belongs to.
            job_id: The job.
            operation: The public name of the operation that started it.
            arguments: The operation's arguments besides the project, as values of the document.
        """
        plain = {name: encode(value) for name, value in arguments.items()}
        self._journal.note(project_id, JournalEntry(job_id, self._runner.status(job_id).kind, operation, plain))
        if self._runner.status(job_id).finished:  # before it was noted
            self._journal.forget(project_id, job_id)


def resumable(name: str) -> Callable[[Method], Method]:
    """Decorate the method of the operation `name`, which takes the project's id first and returns a
    job's id.

    The job is noted with its arguments until it has ended. The method's class holds a JobQueue as
    `_queue`.
    """
    if not OPERATIONS[name].resumable:
        raise ValueError(f"the table of operations does not say that {name} can be resumed")

    def decorate(method: Method) -> Method:
        signature = inspect.signature(method)

        @functools.wraps(method)
        def start(self: Any, *arguments: Any, **named: Any) -> str:
            job_id = method(self, *arguments, **named)
            given = dict(signature.bind(self, *arguments, **named).arguments)
            del given["self"]
            self._queue.note(given.pop("project_id"), job_id, name, given)
            return job_id

        return typing.cast(Method, start)

    return decorate


def arguments_of(method: Callable[..., str], entry: JournalEntry) -> dict[str, Any]:
    """The noted arguments besides the project, as values of the document; InputError when the
    method does not take just these.
    """
    hints = typing.get_type_hints(method)
    known = {name: hints[name] for name in inspect.signature(method).parameters if name != "project_id"}
    try:
        given = {name: decode(known[name], value) for name, value in _gathered(known, entry.arguments).items()}
        inspect.signature(method).bind("", **given)
        return given
    except (KeyError, TypeError, ValueError, AttributeError, InputError) as error:
        raise InputError("this job was started by another version of the program: start it again") from error


def _gathered(known: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """The noted arguments with those that are fields of a request now put into it: earlier versions
    noted them one by one.
    """
    found = {name: value for name, value in arguments.items() if name in known}
    rest = {name: value for name, value in arguments.items() if name not in known}
    for name, kind in known.items():
        request = without_none(kind)
        fields = {one.name for one in dataclasses.fields(request)} if dataclasses.is_dataclass(request) else set()
        if fields & rest.keys():
            found[name] = {field: rest.pop(field) for field in fields & rest.keys()}
    return found | rest  # what no parameter is called is refused
