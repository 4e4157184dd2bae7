"""What a build would take: a few sources are built for real, and the rest is reckoned from them."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.curation.build import Build
from core.curation.executors import Executor
from core.curation.ledger import Done
from core.curation.shards import stage_named
from core.curation.status import reasons_of, states_of
from core.dataset.index import DatasetIndex
from core.models.device import choose_device
from core.progress import JobContext
from core.words import counted, duration

CALIBRATED = 20
"""Sources that are built, at most."""
_SHARD = 4
"""Sources in a shard of theirs. The first shard also loads the models, so its time does not count
where there is another."""


@dataclass(frozen=True)
class StagePlan:
    """A stage: clips that it leaves, hours on this machine, of which those that a GPU is held for,
    and bytes on the disk."""

    name: str
    clips: int
    hours: float
    gpu_hours: float
    bytes: int


@dataclass(frozen=True)
class BuildPlan:
    """What is reckoned for all sources from those that were built. `left_out` is the share of those
    from which nothing came, `set_aside` those of them that could not be read. `dropped` says how
    often each filter would leave something out, by "stage, filter"."""

    sources: int
    built: int
    clips: dict[str, int]
    samples: dict[str, int]
    left_out: float
    set_aside: float
    stages: tuple[StagePlan, ...]
    data_bytes: int
    dropped: dict[str, int]

    @property
    def hours(self) -> float:
        """Of all stages, one after the other on one device."""
        return sum(stage.hours for stage in self.stages)

    @property
    def gpu_hours(self) -> float:
        """Of the stages that run networks; none where these run on the processor."""
        return sum(stage.gpu_hours for stage in self.stages)

    @property
    def bytes(self) -> int:
        """Of the data and all stages."""
        return self.data_bytes + sum(stage.bytes for stage in self.stages)

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {**dataclasses.asdict(self), "hours": self.hours, "gpu_hours": self.gpu_hours, "bytes": self.bytes}


def plan_build(whole: Build, executor: Executor, context: JobContext) -> BuildPlan:
    """Build some of the sources in a temporary folder and reckon what all of them would take.

    Args:
        whole: The build that is planned; nothing is written to its folder.
        executor: What runs the shards.
        context: Progress and cancelling.

    Returns:
        The plan.

    Raises:
        StudioError: A model is missing, or the disk refuses.
    """
    items = whole.items
    chosen = [items[len(items) * place // min(CALIBRATED, len(items))] for place in range(min(CALIBRATED, len(items)))]
    with tempfile.TemporaryDirectory(prefix="vivid-plan-") as folder:
        out = Path(folder)
        build = Build(out, chosen, dataclasses.replace(whole.settings, shard_size=_SHARD, fail_above=1.0), whole.weights)
        build.run(executor, context)
        factor = len(items) / len(chosen)
        counted = dict.fromkeys(("video", "image"), 0) | _counts(out, "SELECT kind, count(*) FROM clips GROUP BY kind")
        samples = _counts(out, "SELECT task, count(*) FROM samples GROUP BY task")
        sources = sum(_counts(out, "SELECT 'all', count(*) FROM sources").values())
        on_gpu = choose_device(whole.settings.device) != "cpu"
        stages = []
        found = list(build.states())
        seconds = {stage.name: _seconds(states, len(chosen)) for stage, _, states in found}
        for one in states_of(build.settings, found):
            hours = seconds.get(one.name, 0.0) * factor / 3600
            held = hours if on_gpu and stage_named(one.name).models else 0.0
            stages.append(StagePlan(one.name, round(one.records * factor), hours, held, round(_size(out / "stages" / one.name) * factor)))
        return BuildPlan(
            sources=len(items),
            built=len(chosen),
            clips={kind: round(count * factor) for kind, count in counted.items()},
            samples={task: round(count * factor) for task, count in samples.items()},
            left_out=1 - sources / len(chosen),
            set_aside=sum(one.aside for one in states_of(build.settings, found)) / len(chosen),
            stages=tuple(stages),
            data_bytes=round(_size(out / "data") * factor),
            dropped={", ".join(names): round(count * factor) for names, count in reasons_of(build.ledger, found)[0].most_common()},
        )


def _counts(out: Path, sql: str) -> dict[str, int]:
    return {str(name): int(count) for name, count in DatasetIndex(out / "data").query(sql)}


def _seconds(states: Sequence[Done | None], sources: int) -> float:
    """What the chosen sources take in a stage once its models are loaded."""
    done = [state.seconds for state in states if state is not None]
    if len(done) == 1:
        return done[0]
    return sum(done[1:]) * sources / (sources - _SHARD)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def as_text(plan: BuildPlan) -> str:
    """The plan as a person reads it."""
    clips = " and ".join(counted(count, kind) for kind, count in plan.clips.items())
    rows = [("stage", "clips", "time", "on a GPU", "disk")]
    rows += [(one.name, str(one.clips), *_times(one.hours, one.gpu_hours), _in_words(one.bytes)) for one in plan.stages]
    rows += [("data", "", "", "", _in_words(plan.data_bytes)), ("all", "", *_times(plan.hours, plan.gpu_hours), _in_words(plan.bytes))]
    reasons = [f"left out by filters: {count} in {name}" for name, count in plan.dropped.items()]
    lines = [
        f"{counted(plan.sources, 'source')}, reckoned from {plan.built} of them",
        f"clips: {clips}; nothing comes of {plan.left_out:.0%} of the sources, {plan.set_aside:.0%} can't be read",
        "samples: " + (", ".join(f"{count} to {task}" for task, count in sorted(plan.samples.items())) or "none"),
        "",
        *(f"{name:<12}{kept:>10}{hours:>10}{gpu:>11}{disk:>12}".rstrip() for name, kept, hours, gpu, disk in rows),
        "",
        *([*reasons, ""] if reasons else []),
        "Times are those of this machine, one shard after the other; clips are those that a stage leaves.",
    ]
    return "\n".join(lines)


def _times(hours: float, gpu_hours: float) -> tuple[str, str]:
    return duration(hours * 3600), duration(gpu_hours * 3600) if gpu_hours else "-"


def _in_words(size: int) -> str:
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"
