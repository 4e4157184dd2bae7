"""What a data set holds, as the paper counts it (VIVID-10M, section 3.4): samples by task and form,
lengths of captions, areas of masks, motion.

Read from the index alone, so ten million samples take a few minutes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.dataset.facts import LENGTHS
from core.dataset.index import DatasetIndex
from core.words import counted, duration

AREA_EDGES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)
MOTION_EDGES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
WORD_EDGES = (0.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0)
LABELS_AT_MOST = 30
NOT_STATED = "not stated"


@dataclass(frozen=True)
class Distribution:
    """Of one value over the samples that know it.

    `counts` has a number for each pair of neighbouring `edges` (the lower one belongs to it), and a
    last one for all from the last edge on. `median` is that of the samples, None without any.
    """

    known: int
    mean: float | None
    median: float | None
    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Statistics:
    """Of a data set. `samples` counts by (split, kind, task); `seconds` is the length of all clips.

    `captions` and `motion` go by length (short, medium, long) and by what moves (foreground,
    background, relative).
    """

    samples: dict[tuple[str, str, str], int]
    clips: dict[str, int]
    sources: dict[str, int]
    licences: dict[str, int]
    forms: dict[str, int]
    labels: dict[str, int]
    sizes: dict[str, int]
    seconds: float
    captions: dict[str, Distribution]
    area: Distribution
    motion: dict[str, Distribution]

    @property
    def total(self) -> int:
        """All samples."""
        return sum(self.samples.values())

    def as_json(self) -> dict[str, Any]:
        """Plain values; samples as a list of objects."""
        counted = [{"split": split, "kind": kind, "task": task, "samples": count} for (split, kind, task), count in self.samples.items()]
        return {"total": self.total, **asdict(self), "samples": counted}


def statistics_of(index: DatasetIndex) -> Statistics:
    """Count a data set."""
    joined = "FROM samples JOIN clips ON clips.id = samples.clip JOIN sources ON sources.id = clips.source"
    by_task = index.query(f"SELECT split, clips.kind, task, count(*) {joined} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")
    lengths = index.query("SELECT rate, sum(frames) FROM clips WHERE kind = 'video' GROUP BY rate")
    return Statistics(
        samples={(split, kind, task): count for split, kind, task, count in by_task},
        clips=_counts(index, "SELECT kind, count(*) FROM clips GROUP BY 1 ORDER BY 1"),
        sources=_counts(index, "SELECT split, count(*) FROM sources GROUP BY 1 ORDER BY 1"),
        licences=_counts(index, f"SELECT licence, count(*) {joined} GROUP BY 1 ORDER BY 2 DESC, 1"),
        forms=_counts(index, "SELECT form, count(*) FROM samples GROUP BY 1 ORDER BY 2 DESC, 1"),
        labels=_counts(index, f"SELECT label, count(*) FROM samples GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {LABELS_AT_MOST}"),
        sizes=_counts(index, "SELECT width || 'x' || height, count(*) FROM clips GROUP BY 1 ORDER BY 2 DESC, 1"),
        seconds=round(sum(frames / _number(rate) for rate, frames in lengths if _number(rate)), 3),
        captions={length: _distribution(index, f"words_{length}", WORD_EDGES, "task != 'delete'") for length in LENGTHS},
        area=_distribution(index, "area", AREA_EDGES),
        motion={name: _distribution(index, f"{name}_motion", MOTION_EDGES) for name in ("foreground", "background", "relative")},
    )


def as_text(found: Statistics) -> str:
    """The statistics in a few lines for the screen."""
    clips = ", ".join(counted(count, kind) for kind, count in found.clips.items())
    lines = [f"{counted(found.total, 'sample')} of {clips} ({duration(found.seconds)} of video)"]
    lines += [f"  {split} {kind:<5} {task:<6} {count:>9}" for (split, kind, task), count in found.samples.items()]
    lines.append("  forms: " + ", ".join(f"{name} {count}" for name, count in found.forms.items()))
    named = {f"words, {length}": one for length, one in found.captions.items()} | {"area of masks": found.area}
    named |= {f"motion, {name}": one for name, one in found.motion.items()}
    lines += [f"  {name:<18} {_summary(one)}" for name, one in named.items()]
    return "\n".join(lines)


def _summary(one: Distribution) -> str:
    if one.mean is None or one.median is None:
        return "not known of any sample"
    return f"mean {one.mean:.3g}, median {one.median:.3g}, known of {one.known}"


def _counts(index: DatasetIndex, sql: str) -> dict[str, int]:
    return {name or NOT_STATED: count for name, count in index.query(sql)}


def _distribution(index: DatasetIndex, column: str, edges: tuple[float, ...], condition: str = "1") -> Distribution:
    known = f"FROM samples WHERE {column} IS NOT NULL AND {condition}"
    # A value below the first edge, as rounding may leave it, belongs to the first bin.
    above = [f"{column} >= {low}" for low in edges[1:]]
    below = [f"{column} < {high}" for high in edges[1:]]
    inside = [" AND ".join(clauses) for clauses in zip(["1", *above], [*below, "1"], strict=True)]
    sums = ", ".join(f"coalesce(sum({clause}), 0)" for clause in inside)
    ((count, mean, *counts),) = index.query(f"SELECT count(*), avg({column}), {sums} {known}")
    median = index.query(f"SELECT {column} {known} ORDER BY {column} LIMIT 1 OFFSET {count // 2}") if count else []
    return Distribution(count, mean, median[0][0] if median else None, edges, tuple(counts))


def _number(rate: str) -> float:
    above, _, below = rate.partition("/")
    return float(above) / float(below or 1)
