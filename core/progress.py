"""Progress and cancel as one small interface, handed to every piece of long work."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import Cancelled

STOPPED = "stopped"
PAUSED = "paused"
"""Why a job was asked to end: for good, or to go on from what is finished."""


KNOWN_BY = 0.25
"""Share of a stage after which what it took so far counts as much as what was expected of it."""
EARLY, HALF = 1.0, 0.5
"""Seconds before which, and share of a stage before which it says nothing of how fast it goes."""
SETTLING = 4.0
"""Seconds in which a time left comes most of the way to what is known by now, so that it never
jumps.
"""


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
    number alone says too little; `elapsed` are the seconds of the stage, `remaining` those until
    the job is done where that is known, else until the stage is; None until it can be told.
    `partial` is whatever the stage shows early: a frame, a mask, a path.
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


class TimeLeft:
    """The seconds that a job still takes: what was expected of its stages, corrected by how fast
    they go. Without an expectation, those of the present stage.
    """

    def __init__(self) -> None:
        self._expected: dict[str, float] = {}
        self._stage, self._start = "", 0.0
        self._slower, self._before = 1.0, 1.0
        """How many times longer than expected the present stage takes, and those before it did."""
        self._shown: tuple[float, float] | None = None

    def expect(self, stages: Mapping[str, float]) -> None:
        """Say what the stages to come will take, in their order and in seconds; a stage that is
        not among them comes before all that are.
        """
        self._expected = dict(stages)

    def at(self, stage: str, done: int, total: int, now: float) -> tuple[float, float | None]:
        """Where a stage stands.

        Args:
            stage: The stage.
            done: How many units of it are finished; 0 where it begins.
            total: How many there are.
            now: Seconds of a clock that only goes forward.

        Returns:
            The seconds since the stage began, and those that are left; None while that can't be
            told.
        """
        if stage != self._stage or done == 0:
            if not self._expected:  # what was shown was about another stage
                self._shown = None
            self._stage, self._start, self._before = stage, now, self._slower
        elapsed = now - self._start
        told = self._told(elapsed, done, total)
        if told is None:
            return elapsed, None
        if self._shown is not None and told > 0:
            when, before = self._shown
            kept = math.exp((when - now) / SETTLING)
            told = max(0.0, told + (before - (now - when) - told) * kept)
        self._shown = now, told
        return elapsed, told

    def _told(self, elapsed: float, done: int, total: int) -> float | None:
        share = done / total if total else 0.0
        own = self._expected.get(self._stage)
        names = [*self._expected]
        later = sum(self._expected[name] for name in names[names.index(self._stage) + 1 if own is not None else 0 :])
        if own:
            self._slower = (KNOWN_BY * self._before + elapsed / own) / (KNOWN_BY + share)
            return self._slower * (own * (1 - share) + later)
        if elapsed < EARLY and share < HALF:
            return self._slower * later if later else None
        return elapsed / done * (total - done) + self._slower * later if done else None


@dataclass
class JobContext:
    """What a job hands to the engine: where to report, and whether to go on. One per job, never
    shared between two.
    """

    on_progress: Callable[[ProgressEvent], None] | None = None
    token: CancelToken = field(default_factory=CancelToken)
    left: TimeLeft = field(default_factory=TimeLeft)

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
        elapsed, remaining = self.left.at(stage, done, total, time.monotonic())
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
