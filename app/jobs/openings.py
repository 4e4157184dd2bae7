"""Videos that are being opened. That takes a moment, but minutes where every frame has to be
decoded to count them: so it is a job, which can be watched and cancelled.
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Callable

from app.jobs.runner import Job, JobRunner
from core.errors import InputError
from core.progress import JobStatus

OPEN = "open"
"""The kind of these jobs."""

_SIDE_BY_SIDE = 4
"""Videos that are opened at a time; others wait."""
_NEWS = 0.5
"""Seconds until there is something new to show of one that takes long."""
_LONGEST_WAIT = 20.0


class Openings:
    """Safe to use from several threads."""

    def __init__(self, runner: JobRunner) -> None:
        self._runner = runner
        self._latest: dict[str, str] = {f"open-{number}": "" for number in range(_SIDE_BY_SIDE)}
        self._turns = itertools.cycle(self._latest)
        self._lock = threading.Lock()

    def start(self, job: Job, undo: Callable[[], None]) -> str:
        """Queue the opening of a video.

        Args:
            job: Opens it.
            undo: Deletes what is not needed when it is not opened.

        Returns:
            The job's id, by which alone it is known: it belongs to no project yet.
        """

        def ended(status: JobStatus) -> None:
            if status.state != "done":
                undo()

        with self._lock:
            free = [worker for worker, job_id in self._latest.items() if self._has_ended(job_id)]
            worker = free[0] if free else next(self._turns)
            self._latest[worker] = self._runner.submit(OPEN, secrets.token_hex(16), job, device=worker, on_end=ended)
            return self._latest[worker]

    def _check(self, job_id: str) -> None:
        if self._runner.status(job_id).kind != OPEN:
            raise InputError(f"the job {job_id} opens no video: open it again")

    def _has_ended(self, job_id: str) -> bool:
        try:
            return self._runner.status(job_id).finished
        except InputError:  # long ago, or there was none
            return True

    def cancel(self, job_id: str) -> None:
        """Give an opening up."""
        self._check(job_id)
        self._runner.cancel(job_id)

    def status(self, job_id: str) -> JobStatus:
        """How an opening stands: waits until it has ended, or until it says how far it is."""
        self._check(job_id)
        until = time.monotonic() + _LONGEST_WAIT
        status = self._runner.wait(job_id, _NEWS)
        while not (status.finished or status.total or status.ahead) and time.monotonic() < until:
            status = self._runner.wait(job_id, _NEWS)
        return status
