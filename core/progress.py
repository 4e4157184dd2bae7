"""Progress and cancel as one small interface, handed to every piece of long work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.errors import Cancelled

STOPPED = "stopped"
PAUSED = "paused"
"""Why a job was asked to end: for good, or to go on from what is finished."""


class CancelToken:
    """Set once, from any thread; long work looks at it at every step or frame."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.reason = STOPPED

    def cancel(self, reason: str = STOPPED) -> None:
        """Ask for an end. `reason` becomes the message of the Cancelled that follows; the first one
        counts.
        """
        if not self._event.is_set():
            self.reason = reason
            self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody has asked for an end."""
        return self._event.is_set()


@dataclass(frozen=True)
class ProgressEvent:
    """One step of one stage of a job.

    `done` and `total` count the stage's own unit (frames, steps), which `unit` names where its
    number alone says too little; `elapsed` and `remaining` are
    seconds, `remaining` None until it can be told. `partial` is whatever the stage shows early: a
    frame, a mask, a path.
    """

    stage: str
    done: int
    total: int
    elapsed: float
    remaining: float | None = None
    partial: Any = None
    unit: str = ""

    @property
    def fraction(self) -> float:
        """The finished part of the stage, 0 to 1."""
        return self.done / self.total if self.total else 0.0


@dataclass
class JobContext:
    """What a job hands to the engine: where to report, and whether to go on. One per job, never
    shared between two.
    """

    on_progress: Callable[[ProgressEvent], None] | None = None
    token: CancelToken = field(default_factory=CancelToken)
    _stage: str = ""
    _stage_start: float = 0.0

    def check(self) -> None:
        """Raise Cancelled if a person asked to stop."""
        if self.token.cancelled:
            raise Cancelled(self.token.reason)

    def report(self, stage: str, done: int, total: int, partial: Any = None, unit: str = "") -> None:
        """Say how far a stage is, then check for cancel.

        Args:
            stage: What is done now, in a word or two for a person.
            done: How many units are finished; 0 when the stage starts.
            total: How many there are.
            partial: Whatever the stage can show early.
            unit: What is counted, where a bare number would say too little.

        Raises:
            Cancelled: A person asked to stop.
        """
        now = time.monotonic()
        if stage != self._stage or done == 0:
            self._stage, self._stage_start = stage, now
        elapsed = now - self._stage_start
        remaining = elapsed / done * (total - done) if done else None
        if self.on_progress is not None:
            self.on_progress(ProgressEvent(stage, done, total, elapsed, remaining, partial, unit))
        self.check()


@dataclass(frozen=True)
class JobStatus:
    """A job as others see it. `state` is queued, running, done, failed, cancelled or interrupted
    (found unfinished when the program started again); `ahead` jobs run before a queued one.

    `message` is one sentence for a person (the error, when it failed); `result` holds ids and
    relative paths only.
    """

    job_id: str
    kind: str
    project_id: str
    state: str
    stage: str = ""
    done: int = 0
    total: int = 0
    elapsed: float = 0.0
    remaining: float | None = None
    ahead: int = 0
    message: str = ""
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether the job has ended, in whatever way."""
        return self.state in ("done", "failed", "cancelled", "interrupted")

    @property
    def fraction(self) -> float:
        """The finished part of the present stage, 0 to 1."""
        return self.done / self.total if self.total else 0.0
