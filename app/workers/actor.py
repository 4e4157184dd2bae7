"""A worker: one process with models of its own, which does one work at a time."""

from __future__ import annotations

import dataclasses
import os
import socket
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.engine import Engine
from app.settings import Settings
from app.version import version
from app.workers.clips import ClipStore, SentFile
from app.workers.work import Work
from core.clusters import code_digest
from core.errors import Cancelled, StudioError
from core.machine import let_device_memory_grow
from core.progress import CancelToken, JobContext, ProgressEvent

_AHEAD = 2
"""Results that wait to be fetched; then the work waits."""
ANSWER = 1.0
"""Seconds that `next` waits for something to say."""


@dataclass(frozen=True)
class WorkerFacts:
    """What a worker is: `name` says its machine, process and GPU; `code` is the digest of the
    program's source.
    """

    name: str
    version: str
    code: str


@dataclass(frozen=True)
class Failed:
    """How an internal error ended a work: its class, and the traceback."""

    kind: str
    trace: str


@dataclass(frozen=True)
class News:
    """What a work has come to since it was last asked: its progress, every step of it, results in
    their order, and whether it has ended; `error` says how, if not well.
    """

    progress: tuple[ProgressEvent, ...]
    items: tuple[Any, ...]
    ended: bool
    error: StudioError | Failed | None = None


class StudioWorker:
    """An actor. `begin` starts a work on a thread of its own, `next` tells what came of it; calls
    may come from several threads, one work at a time.
    """

    def __init__(self, settings: Settings, threads: int, environment: bool) -> None:
        """`settings` are those of the program that asks, whose workspace and device count for
        workers on its own machine only: with `environment` this machine's variables say them.
        `threads` is how many the models may use on processors; 0 for all there are.
        """
        let_device_memory_grow()
        if environment:
            own = Settings.from_environment()
            settings = dataclasses.replace(settings, workspace=own.workspace, device=own.device)
        if threads:
            import torch

            torch.set_num_threads(threads)
        self._engine = Engine(settings)
        self._clips = ClipStore(settings.workspace / "workers")
        self._changed = threading.Condition()
        self._token = CancelToken()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._items: deque[Any] = deque()
        self._progress: list[ProgressEvent] = []
        self._error: StudioError | Failed | None = None

    def about(self) -> WorkerFacts:
        """What this worker is. Waits until it is idle."""
        if self._thread is not None:
            self._thread.join()
        gpu = os.environ.get("CUDA_VISIBLE_DEVICES")  # what Ray gave to this process
        place = f"{socket.gethostname()} (process {os.getpid()}{f', GPU {gpu}' if gpu else ''})"
        return WorkerFacts(place, version(), code_digest())

    def missing(self, files: Sequence[SentFile]) -> list[str] | StudioError:
        """The contents that this worker has to be sent."""
        return _answer(lambda: self._clips.missing(files))

    def receive(self, sha256: str, piece: bytes, first: bool, last: bool) -> StudioError | None:
        """Take a piece of a file; see `ClipStore.receive`.

        Args:
            sha256: Of the whole file.
            piece: Bytes.
            first: Whether it begins with this.
            last: Whether it ends with this.

        Returns:
            What went wrong; an error is returned, because Ray would wrap what is raised.
        """
        return _answer(lambda: self._clips.receive(sha256, piece, first, last))

    def begin(self, work: Work) -> None:
        """Start a work; the one before has ended."""
        self._token = CancelToken()
        self._items.clear()
        self._progress, self._error, self._busy = [], None, True
        self._thread = threading.Thread(target=self._do, args=(work, self._token), daemon=True)
        self._thread.start()

    def next(self) -> News:
        """What is new; waits a moment for it."""
        assert self._thread is not None
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._progress or not self._busy, ANSWER)
            ended = not self._busy
            news = News(tuple(self._progress), tuple(self._items), ended, self._error if ended else None)
            self._items.clear()
            self._progress = []
            self._changed.notify_all()
            return news

    def stop(self, reason: str) -> None:
        """Ask the work to end; it does so within one step."""
        self._token.cancel(reason)
        with self._changed:
            self._changed.notify_all()

    def _do(self, work: Work, token: CancelToken) -> None:
        error: StudioError | Failed | None = None
        try:
            for item in work.run(self._engine, self._clips, JobContext(self._tell, token)):
                self._give(item, token)
        except StudioError as problem:
            error = problem
        except Exception as problem:
            error = Failed(type(problem).__name__, traceback.format_exc())
        with self._changed:
            self._error, self._busy = error, False
            self._changed.notify_all()

    def _give(self, item: Any, token: CancelToken) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) < _AHEAD or token.cancelled)
            if token.cancelled:
                raise Cancelled(token.reason)
            self._items.append(item)
            self._changed.notify_all()

    def _tell(self, event: ProgressEvent) -> None:
        with self._changed:
            self._progress.append(dataclasses.replace(event, partial=None))
            self._changed.notify_all()


def _answer(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except StudioError as error:
        return error
