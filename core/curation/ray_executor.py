"""Runs the shards of a stage on Ray: on this machine, or on a cluster whose nodes share the build's
folder."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.clusters import code_digest, start_ray
from core.curation.ledger import Done
from core.curation.settings import CurationSettings
from core.curation.shards import run_shard, ShardTask, stage_named
from core.curation.toolbox import Toolbox
from core.errors import InputError, StudioError

_RETRIES = 3
"""How often a shard whose actor died is made again, before it is held for the reason."""


class RayExecutor:
    """Actors keep their models from stage to stage: one for each GPU, where there are any, for the
    stages that run networks, and one for each processor for the others, up to `workers`.

    An actor that dies is started again and makes its shard again, which name and .done make safe.
    """

    def __init__(self, models: Path | None = None, address: str = "", workers: int = 0) -> None:
        """`models` is the folder of fetched models, `address` that of a cluster ("" starts Ray on
        this machine), `workers` the most actors of a kind (0: as many as fit).

        InputError when Ray is not installed, or there is no cluster at the address.
        """
        own = f"local:{workers}" if workers else "local"
        self._ray: Any = start_ray(address or own, "--address" if address else "--executor ray")
        self._models, self._workers = models, workers
        self._actors: dict[str, list[Any]] = {}

    def run(self, tasks: Sequence[ShardTask], out: Path, settings: CurationSettings) -> Iterator[tuple[ShardTask, Done]]:
        """As `Executor.run`."""
        if not tasks:
            return
        free = list(self._actors_for(stage_named(tasks[0].stage).models, len(tasks), settings))
        waiting = list(reversed(tasks))
        running: dict[Any, tuple[Any, ShardTask]] = {}
        while waiting or running:
            while waiting and free:
                actor, task = free.pop(), waiting.pop()
                running[actor.make.remote(task, out.resolve(), code_digest())] = actor, task
            ready, _ = self._ray.wait(list(running))
            for one in ready:
                actor, task = running.pop(one)
                try:
                    answer = self._ray.get(one)
                except self._ray.exceptions.RayActorError as error:
                    where = f"shard {task.shard} of the stage {task.stage}"
                    raise StudioError(f"{where} ended its actor {_RETRIES + 1} times: build it with --executor local to see why") from error
                if isinstance(answer, StudioError):
                    raise answer
                free.append(actor)
                yield task, answer

    def _actors_for(self, networks: bool, tasks: int, settings: CurationSettings) -> list[Any]:
        """As many actors as there are tasks, at most as many as fit."""
        there = self._ray.cluster_resources()
        device = settings.device.partition(":")[0]  # an actor sees one GPU only
        kind = "GPU" if networks and there.get("GPU") and device in ("auto", "cuda") else "CPU"
        fitting = int(there.get(kind, 1))
        known = self._actors.setdefault(kind, [])
        wanted = max(1, min(tasks, fitting, self._workers or fitting))
        # an actor that is idle holds no processor, so that both kinds fit side by side
        asked = {"num_cpus": 0, "num_gpus": 1} if kind == "GPU" else {"num_cpus": 0}
        maker = self._ray.remote(max_restarts=-1, max_task_retries=_RETRIES, **asked)(_Worker)
        known += [maker.remote(replace(settings, device=device), self._models) for _ in range(wanted - len(known))]
        return known[:wanted]

    def close(self) -> None:
        """Let go of the actors, and of Ray."""
        self._actors.clear()
        self._ray.shutdown()


class _Worker:
    """One actor: makes shards with models that it keeps."""

    def __init__(self, settings: CurationSettings, models: Path | None) -> None:
        self._settings, self._tools = settings, Toolbox(settings, models)

    def make(self, task: ShardTask, out: Path, code: str) -> Done | StudioError:
        """Make a shard. An error is returned, because Ray would wrap what is raised.

        Args:
            task: Which one.
            out: The build's folder.
            code: Digest of the program that asks; names of shards don't tell.

        Returns:
            What its .done says, or what went wrong.
        """
        if code != code_digest():
            return InputError(f"the machine {socket.gethostname()} has another version of the program: bring all to the same")
        try:
            return run_shard(task, out, self._settings, self._tools)
        except StudioError as error:
            return error
