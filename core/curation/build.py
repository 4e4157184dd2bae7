"""The build: stage after stage over all shards, then the tars and the index."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout

from core.curation.executors import Executor
from core.curation.ledger import Done, Ledger, name_of, read_build
from core.curation.packing import check_own, pack
from core.curation.records import ClipRecord, read_clips, SourceItem
from core.curation.settings import CurationSettings
from core.curation.shards import ShardTask, STAGES, stages_of
from core.curation.source_shards import read_shards, refresh_shards, Shard, SourceShards, write_shards
from core.curation.stages.clips import ClipsStage
from core.curation.stages.entities import ClipwiseStage
from core.curation.vocabularies import vocabulary_hashes
from core.curation.work import Stage
from core.errors import InputError
from core.files import write_bytes, write_text
from core.progress import JobContext

FORMAT = 1
_GATHERS_NOTHING = (ClipwiseStage.gather, ClipsStage.gather)


@dataclass(frozen=True)
class BuildReport:
    """What a build came to: shards that failed with the reason, inputs that were set aside, and
    samples in the data set."""

    failed: tuple[str, ...]
    aside: int
    samples: int


def _after(stage: Stage, tasks: Sequence[ShardTask], states: Sequence[Done]) -> list[Shard]:
    """The shards that a stage left."""
    paths = [f"stages/{stage.name}/{task.name}.jsonl" for task in tasks]
    return [Shard(state.shard, path, state.digest) for path, state in zip(paths, states, strict=True)]


def open_build(out: Path, refresh: bool = False) -> Build:
    """A build that was begun, with its sources as they were then, or as they are now; its models
    are those of then.

    InputError when there is none in the folder, or one of another version.
    """
    said = read_build(out)
    try:
        settings = msgspec.convert(said["settings"], CurationSettings)
        begun = (refresh_shards if refresh else read_shards)(out, said["shards"])
    except (LookupError, TypeError, OSError, msgspec.MsgspecError) as error:
        raise InputError(f"{out / 'build.json'} is of another version ({error}): begin the build again") from None
    return Build(out, (), settings, said.get("weights", {}), begun)


class Build:
    """One build in a folder. It may be begun, killed and begun again; what is done stays."""

    def __init__(
        self,
        out: Path,
        items: Sequence[SourceItem],
        settings: CurationSettings,
        weights: Mapping[str, str],
        begun: SourceShards | None = None,
    ) -> None:
        """Name a build; nothing is written yet.

        Args:
            out: Its folder.
            items: Its sources.
            settings: What it takes and keeps.
            weights: Fingerprints of the models' weights, by the settings that name them
                (`core.curation.identity`).
            begun: Its sources where they are in shards already, in place of `items`.
        """
        self.out, self.items, self.settings, self.weights, self.ledger = out, items, settings, weights, Ledger(out)
        self._begun = begun

    def run(self, executor: Executor, context: JobContext, stages: Sequence[str] = ()) -> BuildReport:
        """Do what is not done yet.

        Args:
            executor: What runs the shards.
            context: Progress and cancelling.
            stages: Only up to the last of these; all of them without.

        Returns:
            What came of it.

        Raises:
            InputError: Another program builds there, a stage is unknown, or the folder holds a data
                set that was not built.
            StudioError: A model is missing, or the disk refuses.
        """
        wanted = self._wanted(stages)
        check_own(self.out)
        self.out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.out / ".lock")
        try:
            with lock.acquire(timeout=0):
                return self._run(wanted, executor, context, not stages)
        except Timeout:
            raise InputError(f"another program is building in {self.out}: wait for it, or choose another folder") from None

    def _run(self, wanted: Sequence[Stage], executor: Executor, context: JobContext, whole: bool) -> BuildReport:
        self._sweep()
        shards = self.sources.shards
        self.write_facts()
        failed: list[str] = []
        aside = 0
        for stage in wanted:
            tasks = self.tasks(stage, shards)
            states = self._do(stage, tasks, executor, context)
            aside += self.ledger.write_quarantine(stage.name, [task.name for task in tasks])
            failed += [f"{stage.name}, shard {state.shard}: {state.failed}" for state in states if state.failed]
            shards = _after(stage, tasks, states)
        self._sweep()
        samples = pack(self.out, self.settings, [shard.path for shard in shards], context) if whole else 0
        return BuildReport(tuple(failed), aside, samples)

    def _sweep(self) -> None:
        """Delete what a killed program, or a killed actor of this one, left half written: under the
        lock, between stages, nobody else writes."""
        for left in self.out.rglob(".*.part"):
            left.unlink(missing_ok=True)

    def _do(self, stage: Stage, tasks: Sequence[ShardTask], executor: Executor, context: JobContext) -> list[Done]:
        known = {task.name: self.ledger.done(stage.name, task.name) for task in tasks}
        states = {name: state for name, state in known.items() if state is not None}
        missing = [task for task in tasks if task.name not in states]
        context.report(stage.name, len(states), len(tasks))
        for task, state in executor.run(missing, self.out, self.settings):
            states[task.name] = state
            context.report(stage.name, len(states), len(tasks))
        return [states[task.name] for task in tasks]

    def tasks(self, stage: Stage, shards: Sequence[Shard]) -> list[ShardTask]:
        """What a stage has to do with the shards that the one before left."""
        given = self._given(stage)
        shared, digest = self._gather(stage, shards)
        facts = stage.name, stage.version, given, self.settings.fail_above, digest
        names = [name_of(*facts, shard.number, shard.digest) for shard in shards]
        return [ShardTask(stage.name, shard.number, name, shard.path, shared) for shard, name in zip(shards, names, strict=True)]

    def _gather(self, stage: Stage, shards: Sequence[Shard]) -> tuple[str, str]:
        """Put what a stage has to know of all shards into a file: its path and digest."""
        path = self._shared(stage, shards)
        if not (self.out / path).exists():
            found = stage.gather(self._read(shards), self.settings) if stage.name != STAGES[0].name else None
            if found is None:
                return "", ""
            write_bytes(self.out / path, msgspec.json.encode(found))
        return path, hashlib.sha256((self.out / path).read_bytes()).hexdigest()

    def _given(self, stage: Stage) -> dict[str, Any]:
        """What the stage depends on, besides its input."""
        settings = stage.depends_on(self.settings)
        return settings | {f"{name} weights": self.weights[name] for name in settings if name in self.weights}

    def _shared(self, stage: Stage, shards: Sequence[Shard]) -> str:
        name = name_of(stage.name, stage.version, self._given(stage), [shard.digest for shard in shards])
        return f"stages/{stage.name}/{name}.shared.json"

    def _read(self, shards: Sequence[Shard]) -> Iterator[list[ClipRecord]]:
        for shard in shards:
            yield read_clips((self.out / shard.path).read_bytes())

    @property
    def sources(self) -> SourceShards:
        """Its sources in shards, which are written when they are first asked for."""
        if self._begun is None:
            self._begun = write_shards(self.out, self.items, self.settings.shard_size)
        return self._begun

    def states(self) -> Iterator[tuple[Stage, list[ShardTask], list[Done | None]]]:
        """What each stage has done so far, without doing anything; the last one that comes is the
        first that is not complete."""
        shards = self.sources.shards
        for stage in stages_of(self.settings):
            if not self._may_ask(stage, shards):
                return
            tasks = self.tasks(stage, shards)
            states = [self.ledger.done(stage.name, task.name) for task in tasks]
            yield stage, tasks, states
            if not all(states):
                return
            shards = _after(stage, tasks, [state for state in states if state is not None])

    def _may_ask(self, stage: Stage, shards: Sequence[Shard]) -> bool:
        """Whether the names of a stage's shards are known without gathering anything."""
        return type(stage).gather in _GATHERS_NOTHING or (self.out / self._shared(stage, shards)).exists()

    def reopen(self) -> int:
        """Let all shards be made again that failed or set something aside; how many those are."""
        count = 0
        for stage, tasks, states in self.states():
            for task, state in zip(tasks, states, strict=True):
                if state is not None and (state.failed or state.aside):
                    self.ledger.reopen(stage.name, task.name)
                    count += 1
        return count

    def write_facts(self) -> None:
        """Write OUT/build.json."""
        facts: dict[str, Any] = {
            "format": FORMAT,
            "settings": dataclasses.asdict(self.settings),
            "weights": dict(self.weights),
            "vocabularies": vocabulary_hashes(self.settings),
            "sources": self.sources.sources,
            "shards": len(self.sources.digests),
            "stages": {stage.name: {"version": stage.version, "depends_on": self._given(stage)} for stage in stages_of(self.settings)},
        }
        write_text(self.out / "build.json", json.dumps(facts, indent=1) + "\n")

    def _wanted(self, names: Sequence[str]) -> Sequence[Stage]:
        stages = stages_of(self.settings)
        known = [stage.name for stage in stages]
        for name in names:
            if name not in known:
                raise InputError(f"there is no stage '{name}': the stages are {', '.join(known)}")
        last = max((known.index(name) for name in names), default=len(known) - 1)
        return stages[: last + 1]
