"""Runs jobs: one worker per device, in the order of asking, with progress and cancel.

A job outlives the page that started it.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from app.contract.error_text import error_text
from core.errors import Cancelled, error_record, InputError, internal_error_message, StudioError
from core.machine import release_memory
from core.progress import CancelToken, JobContext, JobStatus, PAUSED, ProgressEvent, STOPPED

log = logging.getLogger(__name__)

KEPT = 200
"""Finished jobs that are remembered, so that a page that is opened again learns how its job ended.
"""

WORKERS = "workers"
"""The device of jobs whose models work on workers (`app.workers`)."""
SIDE_BY_SIDE = 16
"""Jobs for workers that run at a time; each waits for a worker when it needs one."""

Job = Callable[[JobContext], dict[str, Any]]
"""What a job does: reports to the context, and returns ids and relative paths."""


def _nothing(context: JobContext) -> dict[str, Any]:
    """What a finished job still does."""
    return {}


def _tell_nobody(status: JobStatus) -> None:
    """Who is told of the end of a job that concerns nobody."""


@dataclass
class _Job:
    status: JobStatus
    run: Job
    device: str
    on_end: Callable[[JobStatus], None] = _tell_nobody
    token: CancelToken = field(default_factory=CancelToken)
    reported: float = 0.0
    finished: threading.Event = field(default_factory=threading.Event)


class JobRunner:
    """Runs jobs one after the other, on one thread per device; on the device `WORKERS` those of
    several projects side by side, those of one project in their order.

    `on_end` is called with every job that has ended, except those that end with the program.
    """

    def __init__(self) -> None:
        self.on_end: Callable[[JobStatus], None] = _tell_nobody
        self._closing = False
        self._jobs: dict[str, _Job] = {}
        self._order: deque[str] = deque()
        self._threads: set[str] = set()
        self._lock = threading.Lock()
        self._asked = threading.Condition(self._lock)

    def submit(self, kind: str, project_id: str, job: Job, *, device: str, on_end: Callable[[JobStatus], None] = _tell_nobody) -> str:
        """Queue a job.

        Args:
            kind: What sort of job it is, as the page names it.
            project_id: The project that it belongs to.
            job: What it does.
            device: What the job waits for.
            on_end: Called once the job has ended, begun or not, also where the program ends it.

        Returns:
            The job's id, at once.
        """
        job_id = secrets.token_hex(8)
        with self._lock:
            self._jobs[job_id] = _Job(JobStatus(job_id, kind, project_id, "queued"), job, device, on_end)
            self._order.append(job_id)
            self._forget_old()
            if device not in self._threads:
                self._threads.add(device)
                for _ in range(SIDE_BY_SIDE if device == WORKERS else 1):
                    threading.Thread(target=self._run_forever, args=(device,), name=f"jobs-{device}", daemon=True).start()
            self._asked.notify_all()
        return job_id

    def status(self, job_id: str) -> JobStatus:
        """How the job stands; InputError for one that is not known."""
        with self._lock:
            job = self._find(job_id)
            if job.status.state != "queued":
                return _by_now(job)
            before = [self._jobs[other] for other in itertools.takewhile(lambda other: other != job_id, self._order)]
            return replace(job.status, ahead=sum(other.device == job.device and not other.status.finished for other in before))

    def of_project(self, project_id: str) -> list[JobStatus]:
        """The project's jobs, newest first."""
        with self._lock:
            ids = [i for i in self._order if self._jobs[i].status.project_id == project_id]
        return [self.status(i) for i in reversed(ids)]

    def is_busy(self, project_id: str) -> bool:
        """Whether a job of the project is running or waiting."""
        return any(not job.finished for job in self.of_project(project_id))

    def cancel(self, job_id: str, reason: str = STOPPED) -> None:
        """Ask the job to stop; it does so within one step.

        A finished job is left as it is. `reason` becomes its message.
        """
        with self._lock:
            job = self._find(job_id)
            job.token.cancel(reason)
            waiting = job.status.state == "queued"
            if waiting:
                self._finish(job, "cancelled", reason)
        if waiting:
            self._tell(job)

    def wait(self, job_id: str, timeout: float | None = None) -> JobStatus:
        """Wait until the job has ended, or for `timeout` seconds, and return its status."""
        with self._lock:
            job = self._find(job_id)
        job.finished.wait(timeout)
        return self.status(job_id)

    def shut_down(self, timeout: float = 5.0) -> None:
        """Cancel everything that has not ended, and give what runs at most `timeout` seconds to
        keep what it has finished.
        """
        with self._lock:
            self._closing = True
            unfinished = [job for job in self._jobs.values() if not job.status.finished]
            waiting = [job for job in unfinished if job.status.state == "queued"]
            for job in unfinished:
                job.token.cancel(PAUSED)
            for job in waiting:
                self._finish(job, "cancelled", PAUSED)
        for job in waiting:
            self._tell(job)
        until = time.monotonic() + timeout
        for job in unfinished:
            job.finished.wait(max(0.0, until - time.monotonic()))

    def _find(self, job_id: str) -> _Job:
        if job_id not in self._jobs:
            raise InputError(f"there is no job {job_id}, the program may have been restarted since: start it again")
        return self._jobs[job_id]

    def _forget_old(self) -> None:
        for job_id in list(self._order)[:-KEPT]:
            if self._jobs[job_id].status.finished:
                self._order.remove(job_id)
                del self._jobs[job_id]

    def _run_forever(self, device: str) -> None:
        while True:
            with self._asked:
                while (job := self._next(device)) is None:
                    self._asked.wait()
                job.status = replace(job.status, state="running")
            self._run(job)
            del job  # or the last one would be held until the next
            release_memory()
            with self._asked:
                self._asked.notify_all()

    def _next(self, device: str) -> _Job | None:
        """The oldest job for a device of whose project none is before it."""
        before: set[str] = set()
        for job in (self._jobs[job_id] for job_id in self._order):
            if job.device == device and not job.status.finished:
                if job.status.state == "queued" and job.status.project_id not in before:
                    return job
                before.add(job.status.project_id)
        return None

    def _run(self, job: _Job) -> None:
        def progress(event: ProgressEvent) -> None:
            with self._lock:
                job.reported = time.monotonic()
                job.status = replace(
                    job.status, stage=event.stage, done=event.done, total=event.total, elapsed=event.elapsed, remaining=event.remaining
                )

        try:
            result = job.run(JobContext(progress, job.token))
        except Cancelled as stop:
            self._end(job, "cancelled", str(stop))
        except StudioError as error:
            self._end(job, "failed", error_text(error), {"error": type(error).__name__})
        except Exception as error:  # an internal error: the report has the details, the person gets one sentence
            status = job.status
            asked = {"job": status.kind, "project": status.project_id, "stage": status.stage, "done": status.done, "of": status.total}
            told = error_record(asked, error)
            log.exception("the job '%s' failed", status.kind, extra=told)
            self._end(job, "failed", internal_error_message(error), {"report": told["report_id"]})
        else:
            self._end(job, "done", "", result)

    def _end(self, job: _Job, state: str, message: str, result: dict[str, Any] | None = None) -> None:
        with self._lock:
            self._finish(job, state, message, result)
        self._tell(job)

    def _finish(self, job: _Job, state: str, message: str, result: dict[str, Any] | None = None) -> None:
        job.run = _nothing  # it may hold a project's masks, and KEPT jobs are remembered
        job.status = replace(job.status, state=state, message=message, remaining=None, result=result or {})

    def _tell(self, job: _Job) -> None:
        """Outside the lock, since what is done at the end may take a while."""
        if not self._closing:
            self.on_end(job.status)
        job.on_end(job.status)
        job.on_end = _tell_nobody
        job.finished.set()


def _by_now(job: _Job) -> JobStatus:
    """The status of a job; the time that it said was left passes until it says more. When it has
    passed and the job goes on, nobody knows.
    """
    left = job.status.remaining
    if left is None:
        return job.status
    left -= time.monotonic() - job.reported
    return replace(job.status, remaining=left if left > 0 else None)
