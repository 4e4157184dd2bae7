"""The windows of an edit, made by workers: segments side by side, each on one worker at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TYPE_CHECKING

from app.workers.pool import WorkerLost, WorkerPool
from app.workers.work import WindowsWork
from core.progress import CancelToken, JobContext, ProgressEvent

if TYPE_CHECKING:
    from core.propagation.result import EditedWindow

STAGE = "propagate"
_AHEAD = 2
"""Windows that wait to be stored; then the workers wait."""
_LOOK = 0.2
"""Seconds after which a person's cancel is seen, if nothing else happens."""


@dataclass
class _Chain:
    """A segment, and the worker that makes its windows one after the other.

    Attributes:
        work: What is left to do of it.
        left: Steps that are still to be run.
        stage: What its worker does now; "" when all is made.
    """

    work: WindowsWork
    left: int
    stage: str = "waiting"

    def keep(self, key: str, window: EditedWindow) -> None:
        """Note a window: the next one goes on from it, and nothing from those before."""
        for before in self.work.made:
            self.work.made[before] = None
        self.work.made[key] = window


def run_chains(pool: WorkerPool, works: Sequence[tuple[WindowsWork, int]], context: JobContext) -> Iterator[tuple[str, EditedWindow]]:
    """Make the windows of segments.

    Args:
        pool: The workers.
        works: Of each segment what is to be done, and how many denoising steps that takes.
        context: Reports the steps of all.

    Yields:
        (name, window) of each that was made, as they finish; those of a segment in their order.

    Raises:
        StudioError: What making them raised on a worker; or workers died one after the other.
        WorkerFailure: An internal error on a worker.
        Cancelled: The job was stopped.
    """
    yield from _Run(pool, [_Chain(work, steps) for work, steps in works], context).results()


class _Run:
    """Chains on their way, each on a thread that waits for its worker."""

    def __init__(self, pool: WorkerPool, chains: list[_Chain], context: JobContext) -> None:
        self._pool, self._chains, self._context = pool, chains, context
        self._token = CancelToken()
        self._events: queue.Queue[Callable[[], tuple[str, EditedWindow] | None]] = queue.Queue(_AHEAD)
        self._total = sum(chain.left for chain in chains)

    def results(self) -> Iterator[tuple[str, EditedWindow]]:
        """The windows as they come."""
        self._context.report(STAGE, 0, self._total)
        threads = [threading.Thread(target=self._make, args=(chain,), daemon=True) for chain in self._chains]
        for thread in threads:
            thread.start()
        try:
            while any(chain.stage for chain in self._chains):
                try:
                    event = self._events.get(timeout=_LOOK)
                except queue.Empty:
                    self._context.check()
                    continue
                if (result := event()) is not None:
                    yield result
        finally:
            self._token.cancel(self._context.token.reason)
            for thread in threads:
                thread.join()

    def _make(self, chain: _Chain) -> None:
        """On a thread: all windows of a chain."""
        deaths = 0
        context = JobContext(lambda event: self._put(lambda: self._progress(chain, event)), self._token)
        try:
            while True:
                try:
                    for key, window in self._pool.run(chain.work, context):
                        deaths = 0
                        chain.keep(key, window)
                        self._put(lambda key=key, window=window: (key, window))  # type: ignore[misc]
                    break
                except WorkerLost as lost:
                    deaths += 1
                    self._pool.note_death(lost, deaths)
            self._put(lambda: self._end(chain))
        except BaseException as error:
            problem = error
            self._put(lambda: _raise(problem))

    def _put(self, event: Callable[[], Any]) -> None:
        """Hand something to the thread that wants the results, unless it has gone."""
        while not self._token.cancelled:
            try:
                self._events.put(event, timeout=_LOOK)
                return
            except queue.Full:
                continue

    def _end(self, chain: _Chain) -> None:
        chain.stage, chain.left = "", 0

    def _progress(self, chain: _Chain, event: ProgressEvent) -> None:
        chain.stage = event.stage
        if event.stage == STAGE:
            chain.left = event.total - event.done
            if done := self._total - sum(one.left for one in self._chains):
                self._context.report(STAGE, done, self._total)
        elif not any(one.stage == STAGE for one in self._chains):
            self._context.report(event.stage, event.done, event.total, unit=event.unit)


def _raise(error: BaseException) -> None:
    raise error
