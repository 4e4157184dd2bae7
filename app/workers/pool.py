"""Workers as the program sees them: one actor of Ray for each GPU, or for each machine where there
are none.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

from app.settings import Settings
from app.version import version
from app.workers.actor import Failed, News, StudioWorker, WorkerFacts
from app.workers.work import Work
from core.clusters import code_digest, start_ray
from core.errors import Cancelled, InputError, StudioError
from core.progress import JobContext

log = logging.getLogger(__name__)

WAITING = "waiting for a worker"
SENDING = "sending the clip"
_LOOK = 0.1
"""Seconds between two looks for a free worker."""
_COUNT = 5.0
"""Seconds between two counts of what the cluster has."""
DEATHS = 3
"""Workers that may die of the same piece of work, one after the other."""


class WorkerLost(Exception):
    """A worker died, or can't be reached any more. What it had in hand is made again."""


class WorkerFailure(Exception):
    """An internal error on a worker; its traceback is a note of this one."""


@dataclasses.dataclass
class _Worker:
    """An actor. It can't be given work while `awaited` is not there: it starts, starts again, or
    ends what was stopped.
    """

    actor: Any
    awaited: Any
    name: str = "a worker"
    busy: bool = False


class WorkerPool:
    """Starts or reaches Ray, keeps its actors, and gives them work. Safe to use from several
    threads.
    """

    def __init__(self, settings: Settings) -> None:
        """`settings` are those of the program; they say where the workers are.

        InputError when Ray is not installed, or can't be started or reached.
        """
        self._where = settings.workers
        self._ray = start_ray(self._where, "--workers")
        self._local = int(settings.workers[6:]) if settings.workers.startswith("local:") else 0
        # each of them sees one device only
        device = settings.device.partition(":")[0]
        self._settings = dataclasses.replace(settings, workers="", token=None, password_file=None, device=device)
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        self._refused: dict[str, str] = {}
        self._counted = -_COUNT

    @property
    def size(self) -> int:
        """How many workers there are, those that are starting included; at least 1."""
        with self._lock:
            self._look_after()
            return max(1, len(self._workers))

    def run(self, work: Work, context: JobContext) -> Iterator[Any]:
        """Have a work done by one worker.

        Args:
            work: What to do.
            context: Gets the progress; its cancelling stops the worker, too.

        Yields:
            What the work yields.

        Raises:
            WorkerLost: The worker died.
            WorkerFailure: An internal error there.
            StudioError: What the work raised there.
            Cancelled: The context said so.
        """
        worker = self._acquire(context)
        ended = False
        try:
            self._send_files(worker, work, context)
            self._call(worker, "begin", work)
            while not ended:
                news: News = self._call(worker, "next")
                ended = news.ended
                yield from news.items
                for event in news.progress:
                    context.report(event.stage, event.done, event.total, unit=event.unit)
                if news.error is not None:
                    raise _raised(news.error, worker.name)
                context.check()
        finally:
            if not ended:
                with contextlib.suppress(WorkerLost), self._reached(worker):
                    worker.actor.stop.remote(context.token.reason)
                    worker.awaited = worker.actor.about.remote()
            worker.busy = False

    def run_again(self, work: Work, context: JobContext) -> Iterator[Any]:
        """As `run`; where a worker dies, another does the work from its start, and what was there
        already is not given twice.

        Args:
            work: What to do; what it yields depends on nothing else.
            context: As for `run`.

        Yields:
            What the work yields.

        Raises:
            StudioError: As `run` does; or workers died of it one after the other.
        """
        given, deaths = 0, 0
        while True:
            before = given
            try:
                for number, item in enumerate(self.run(work, context)):
                    if number == given:
                        given += 1
                        yield item
                return
            except WorkerLost as lost:
                deaths = 1 if given > before else deaths + 1
                self.note_death(lost, deaths)

    def note_death(self, lost: WorkerLost, deaths: int) -> None:
        """Say that a worker was lost; StudioError where it was the last of too many."""
        if deaths >= DEATHS:
            raise StudioError(
                f"{DEATHS} workers ended at the same place, one after the other ({lost}): "
                "give them more memory, or leave --workers out to see why"
            ) from None
        log.warning("%s; another goes on from what is finished", lost)

    def close(self) -> None:
        """Let go of the workers, and of Ray."""
        with self._lock:
            self._workers.clear()
            self._ray.shutdown()

    def _acquire(self, context: JobContext) -> _Worker:
        """A worker that nobody else has until its `busy` is taken back."""
        said = False
        while True:
            if not self._ray.is_initialized():  # to look for it again takes a while
                context.report(WAITING, 0, 1)
                said = True
            with self._lock:
                self._look_after()
                for worker in self._workers:
                    if not worker.busy and worker.awaited is None:
                        worker.busy = True
                        return worker
                if self._refused and not self._workers:
                    raise InputError(next(iter(self._refused.values())))
            if not said:
                context.report(WAITING, 0, 1)
                said = True
            context.check()
            time.sleep(_LOOK)

    def _look_after(self) -> None:
        """Make the actors that there is room for, and see which are ready. A cluster that is gone
        is looked for again.
        """
        try:
            self._count_and_see()
        except Exception as error:
            if not self._is_lost(error):
                raise
            now = time.monotonic()
            if self._workers:
                log.warning("the workers can't be reached any more (%s)", _reason(error))
            self._workers.clear()
            if now - self._counted >= _COUNT:
                self._counted = now
                with contextlib.suppress(InputError):
                    self._ray.shutdown()
                    self._ray = start_ray(self._where, "--workers")
                    self._counted = -_COUNT

    def _count_and_see(self) -> None:
        if not self._ray.is_initialized():  # what is asked would start a Ray on this machine
            raise ConnectionError("Ray has ended")
        now = time.monotonic()
        if now - self._counted >= _COUNT:
            self._counted = now
            options, wanted = self._room()
            for _ in range(wanted - len(self._workers) - len(self._refused)):
                maker = self._ray.remote(max_restarts=-1, max_concurrency=4, **options)(StudioWorker)
                threads = threads_for(self._local) if self._local else 0
                actor = maker.remote(self._settings, threads, not self._local)
                self._workers.append(_Worker(actor, actor.about.remote()))
        for worker in [one for one in self._workers if one.awaited is not None and not one.busy]:
            ready, _ = self._ray.wait([worker.awaited], timeout=0)
            if ready:
                self._see(worker)

    def _see(self, worker: _Worker) -> None:
        """An actor has answered, or can't be had."""
        awaited, worker.awaited = worker.awaited, None
        try:
            facts: WorkerFacts = self._ray.get(awaited)
        except self._ray.exceptions.ActorUnavailableError:
            worker.awaited = worker.actor.about.remote()
            return
        except self._ray.exceptions.RayError as error:
            self._refuse(worker, f"a worker can't be started ({_reason(error)}): start Ray there with this program's own environment")
            return
        worker.name = facts.name
        if facts.code != code_digest():
            self._refuse(
                worker,
                f"the worker {facts.name} has another version of the program ({facts.version}; here {version()}): bring both to the same",
            )

    def _refuse(self, worker: _Worker, why: str) -> None:
        self._workers.remove(worker)
        self._refused[str(id(worker))] = why
        log.warning("%s", why)

    def _room(self) -> tuple[dict[str, Any], int]:
        """What an actor asks of Ray, and how many of them there can be."""
        if self._local:
            gpus = 0 if self._settings.device in ("cpu", "mps") else self._ray.cluster_resources().get("GPU", 0)
            return {"num_cpus": 0, "num_gpus": min(1.0, gpus / self._local)}, self._local
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if gpus := int(sum(node.get("GPU", 0) for node in nodes)):
            return {"num_cpus": 0, "num_gpus": 1}, gpus
        return {"num_cpus": 1, "scheduling_strategy": "SPREAD"}, sum(node.get("CPU", 0) >= 1 for node in nodes)

    def _send_files(self, worker: _Worker, work: Work, context: JobContext) -> None:
        """Bring what the work needs to the worker, piece by piece: it would take several at once in
        any order.
        """
        files = {file.sha256: file for file in work.files}
        missing = self._call(worker, "missing", list(files.values()))
        total, done = sum(files[one].size for one in missing), 0
        for sha256 in missing:
            size, sent = files[sha256].size, 0
            for piece in files[sha256].pieces():
                first, sent = sent == 0, sent + len(piece)
                self._call(worker, "receive", sha256, piece, first, sent >= size)
                done += len(piece)
                context.report(SENDING, done >> 20, max(1, total >> 20), unit="MB")

    def _call(self, worker: _Worker, method: str, *arguments: Any) -> Any:
        return self._answer(worker, self._ask(worker, method, *arguments))

    def _ask(self, worker: _Worker, method: str, *arguments: Any) -> Any:
        with self._reached(worker):
            return getattr(worker.actor, method).remote(*arguments)

    def _answer(self, worker: _Worker, reference: Any) -> Any:
        with self._reached(worker):
            answer = self._ray.get(reference)
        if isinstance(answer, StudioError):
            raise _raised(answer, worker.name)
        return answer

    @contextlib.contextmanager
    def _reached(self, worker: _Worker) -> Iterator[None]:
        """WorkerLost where Ray can't reach it. An internal error of ours there stays what it is."""
        try:
            yield
        except Exception as error:
            if isinstance(error, self._ray.exceptions.RayTaskError) or not self._is_lost(error):
                raise
            raise WorkerLost(f"the worker {worker.name} is gone") from error

    def _is_lost(self, error: Exception) -> bool:
        """Whether Ray says so that a worker, or the cluster, can't be reached. Its client raises
        plain exceptions where it is not connected.
        """
        return isinstance(error, ConnectionError | RuntimeError | self._ray.exceptions.RayError) or type(error) is Exception


def threads_for(count: int) -> int:
    """Threads of each of so many workers that share this machine's processors."""
    return max(1, (os.cpu_count() or 1) // count)


def _raised(error: StudioError | Failed, name: str) -> Exception:
    """An error of a worker, as it is raised here: it says where it was."""
    if isinstance(error, Failed):
        failure = WorkerFailure(f"{error.kind} on the worker {name}")
        failure.add_note(error.trace)
        return failure
    if not isinstance(error, Cancelled):
        error.args = (f"{error} (on the worker {name})",)
    return error


def _reason(error: Exception) -> str:
    """The last line of what Ray says that tells something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
