"""One shard through one stage: the unit that executors run, in this process or in another."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from core.curation.ledger import Done, Ledger
from core.curation.records import ClipRecord, read_clips, read_sources, to_lines
from core.curation.settings import CurationSettings
from core.curation.stages.clips import ClipsStage
from core.curation.stages.deletions import DeletionsStage
from core.curation.stages.duplicates import DuplicatesStage
from core.curation.stages.entities import BoxesStage, CaptionsStage, MasksStage, PropagationStage, TagsStage
from core.curation.stages.filters import FiltersStage
from core.curation.stages.forms import FormsStage
from core.curation.toolbox import Toolbox
from core.curation.work import ShardWork, Stage
from core.dataset.tars import TarWriter
from core.files import atomic_path

STAGES: tuple[Stage, ...] = (
    ClipsStage(),
    DuplicatesStage(),
    TagsStage(),
    BoxesStage(),
    MasksStage(),
    PropagationStage(),
    CaptionsStage(),
    FiltersStage(),
    DeletionsStage(),
    FormsStage(),
)
"""All of them; `stages_of` says which a build has."""
_LEAST = 5
"""Inputs from which on the share of those that were set aside means anything."""


@dataclass(frozen=True)
class ShardTask:
    """What there is to do: shard number `shard` of a stage, under a name. `given` is the file of
    its input, `shared` that of what the stage gathered ("" for nothing)."""

    stage: str
    shard: int
    name: str
    given: str
    shared: str


def stages_of(settings: CurationSettings) -> tuple[Stage, ...]:
    """The stages of a build, in order."""
    return STAGES if settings.written_forms else STAGES[:-1]


def stage_named(name: str) -> Stage:
    """A stage by its name."""
    return next(stage for stage in STAGES if stage.name == name)


@lru_cache(maxsize=1)
def _shared(path: Path) -> Any:
    """What a stage gathered; its name says what it was made of, so that it is read once."""
    return msgspec.json.decode(path.read_bytes())


def run_shard(task: ShardTask, out: Path, settings: CurationSettings, tools: Toolbox) -> Done:
    """Make a shard and say that it is done.

    Args:
        task: Which one.
        out: The build's folder.
        settings: Of the build.
        tools: Its models, kept from shard to shard.

    Returns:
        What its .done says.

    Raises:
        StudioError: What is wrong is not an input: the disk, a model, the device.
    """
    began, worked = time.monotonic(), time.process_time()
    stage, ledger = stage_named(task.stage), Ledger(out)
    ledger.begin(task.stage, task.name)
    data = (out / task.given).read_bytes()
    items: list[Any] = read_sources(data) if task.stage == STAGES[0].name else read_clips(data)
    shared = _shared(out / task.shared) if task.shared else None
    work = ShardWork(task.stage, out, settings, tools, shared)
    with ExitStack() as stack:
        if stage.media:
            path = ledger.path(task.stage, task.name, ".tar")
            work.tar_name = path.name
            work.tar = stack.enter_context(TarWriter(stack.enter_context(atomic_path(path))))
        records: list[ClipRecord] = stage.run(items, work)
    failed = ""
    if len(work.aside) > settings.fail_above * len(items) and len(items) >= _LEAST:
        failed = f"{len(work.aside)} of {len(items)} inputs were set aside, the last because: {work.aside[-1].reason}"
        records = []
    ledger.put(task.stage, task.name, ".dropped.jsonl", to_lines(work.dropped))
    ledger.put(task.stage, task.name, ".aside.jsonl", to_lines(work.aside))
    ledger.put(task.stage, task.name, ".jsonl", to_lines(records))
    done = Done(
        stage=task.stage,
        shard=task.shard,
        records=len(records),
        dropped=len(work.dropped),
        aside=len(work.aside),
        seconds=round(time.monotonic() - began, 3),
        digest=ledger.digest(task.stage, task.name),
        failed=failed,
        processor=round(time.process_time() - worked, 3),
        filters=dict(Counter(one.filter for one in work.dropped)),
    )
    ledger.finish(task.name, done)
    return done
