"""How far a build is, what it left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from core.curation.ledger import Done, Ledger
from core.curation.records import Dropped, SetAside
from core.curation.settings import CurationSettings
from core.curation.shards import ShardTask, stages_of
from core.curation.work import Stage

HEADER = ("stage", "shards", "records", "dropped", "set aside", "failed", "seconds", "processor")


@dataclass(frozen=True)
class StageState:
    """A stage of a build: shards that are done of those there are (0: not known yet), and what they
    came to."""

    name: str
    done: int
    shards: int
    records: int
    dropped: int
    aside: int
    failed: int
    seconds: float
    processor: float


Stages = Sequence[tuple[Stage, list[ShardTask], list[Done | None]]]
"""What `Build.states` says."""


def states_of(settings: CurationSettings, stages: Stages) -> list[StageState]:
    """All stages of a build with these settings, in order."""
    found = {}
    for stage, tasks, states in stages:
        done = [state for state in states if state is not None]
        found[stage.name] = StageState(
            name=stage.name,
            done=len(done),
            shards=len(tasks),
            records=sum(state.records for state in done),
            dropped=sum(state.dropped for state in done),
            aside=sum(state.aside for state in done),
            failed=sum(bool(state.failed) for state in done),
            seconds=sum(state.seconds for state in done),
            processor=sum(state.processor for state in done),
        )
    return [found.get(stage.name, StageState(stage.name, 0, 0, 0, 0, 0, 0, 0.0, 0.0)) for stage in stages_of(settings)]


def reasons_of(ledger: Ledger, stages: Stages) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """How often each filter left something out, by stage and filter, and how often each reason set
    an input aside, by stage and reason."""
    dropped: Counter[tuple[str, str]] = Counter()
    aside: Counter[tuple[str, str]] = Counter()
    for stage, tasks, states in stages:
        for task, state in zip(tasks, states, strict=True):
            if state is None:
                continue
            filters = state.filters
            if state.dropped and not filters:  # an earlier version's
                lines = _lines(ledger, stage.name, task.name, ".dropped.jsonl")
                filters = Counter(msgspec.json.decode(line, type=Dropped).filter for line in lines)
            for name, count in filters.items():
                dropped[stage.name, name] += count
            for line in _lines(ledger, stage.name, task.name, ".aside.jsonl") if state.aside else ():
                aside[stage.name, msgspec.json.decode(line, type=SetAside).reason] += 1
    return dropped, aside


def _lines(ledger: Ledger, stage: str, name: str, part: str) -> list[bytes]:
    path = ledger.path(stage, name, part)
    return path.read_bytes().splitlines() if path.exists() else []


def as_text(states: Sequence[StageState]) -> str:
    """The stages as a table."""
    rows = [HEADER, *(cells(one) for one in states)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def cells(one: StageState) -> tuple[str, ...]:
    """A stage as a row below HEADER."""
    shards = f"{one.done} of {one.shards}" if one.shards else "-"
    counts = (one.records, one.dropped, one.aside, one.failed)
    return one.name, shards, *(str(count) for count in counts), f"{one.seconds:.1f}", f"{one.processor:.1f}"
