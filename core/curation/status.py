"""How far a build is, what it left out and why, and a page that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from html import escape
from typing import Any

import cv2
import msgspec
import numpy as np

from core.assets import ASSETS
from core.curation.build import Build
from core.curation.ledger import Done, Ledger
from core.curation.records import Dropped, SetAside
from core.curation.settings import CurationSettings
from core.curation.shards import ShardTask, stages_of
from core.curation.views import on_disk
from core.curation.work import Stage
from core.dataset.facts import SampleFacts, SPLITS
from core.dataset.index import DatasetIndex, IndexedSample, NAME
from core.evaluation.strips import panel_size, picture_uri
from core.media import open_clip, read_image
from core.words import counted

_HEADER = ("stage", "shards", "records", "dropped", "set aside", "failed", "seconds", "processor")
_SHOWN = 3
"""Frames of a clip on the page."""


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
    rows = [_HEADER, *(_cells(one) for one in states)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _cells(one: StageState) -> tuple[str, ...]:
    shards = f"{one.done} of {one.shards}" if one.shards else "-"
    counts = (one.records, one.dropped, one.aside, one.failed)
    return one.name, shards, *(str(count) for count in counts), f"{one.seconds:.1f}", f"{one.processor:.1f}"


def inspection_page(build: Build, count: int, seed: int) -> str:
    """One page, complete in itself: the stages, what was left out, and samples that are drawn.

    Args:
        build: The build; without a finished data set the page has no samples.
        count: Samples on the page, at most.
        seed: The same one draws the same samples.

    Returns:
        HTML.

    Raises:
        InputError: A sample can't be read.
    """
    style = (ASSETS / "evaluation" / "page.css").read_text(encoding="utf-8")
    found = list(build.states())
    states, (dropped, aside) = states_of(build.settings, found), reasons_of(build.ledger, found)
    left_out = [(stage, name, number) for (stage, name), number in sorted(dropped.items())]
    bad = [(stage, reason, number) for (stage, reason), number in aside.most_common(50)]
    parts = [_table("Stages", _HEADER, [_cells(one) for one in states])]
    parts += [_table("Left out by filters", ("stage", "filter", "times"), left_out)] if left_out else []
    parts += [_table("Set aside", ("stage", "reason", "times"), bad)] if bad else []
    data = build.out / "data"
    if (data / NAME).exists():
        index = DatasetIndex(data)
        drawn = sorted(index.draw(count, seed))
        total = sum(len(rows) for split in SPLITS for rows in index.groups(split).values())
        parts.append(f"<h2>{len(drawn)} of {counted(total, 'sample')}</h2>" + "".join(_shown(index.sample(row)) for row in drawn))
    name = escape(build.out.resolve().name)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{name} · VIVID Studio</title>
<style>
{style}
h2 {{ margin-top: 32px; }}
figure img {{ max-width: 100%; }}
figcaption {{ font-weight: 400; }}
figcaption ul {{ margin: 2px 0; }}
</style>
</head>
<body>
<header><div class="head"><div><h1>{name}</h1></div></div></header>
<main>
{"".join(parts)}
</main>
</body>
</html>
"""


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _shown(sample: IndexedSample) -> str:
    facts = sample.read()
    captions = "".join(f"<li>{escape(text)}</li>" for text in facts.captions)
    values = ", ".join(f"{name} {value:.3g}" for name, value in sorted(facts.values.items()))
    title = f"{sample.key} · {sample.task} · {sample.form} · {sample.clip.source.name} · {sample.split}"
    uri = picture_uri(_strip(sample, facts))
    alt = f"{facts.label or 'the region of a deletion'} outlined on frames of {sample.clip.key}"
    said = f"<b>{escape(title)}</b><ul>{captions}</ul>{escape(values)}"
    return f'<figure><img src="{uri}" alt="{escape(alt)}"><figcaption>{said}</figcaption></figure>'


def _strip(sample: IndexedSample, facts: SampleFacts) -> Any:
    """Frames of a sample side by side, its masks outlined."""
    size = panel_size(sample.clip.height, sample.clip.width)
    panels = []
    with ExitStack() as stack:
        path = stack.enter_context(on_disk(sample.media, sample.clip.suffix))
        clip = stack.enter_context(open_clip(path)) if sample.clip.kind == "video" else None
        for index in sorted({(sample.clip.frames - 1) * place // (_SHOWN - 1) for place in range(_SHOWN)}):
            frame = cv2.resize(read_image(path) if clip is None else clip.frame(index), size, interpolation=cv2.INTER_AREA)
            mask = cv2.resize(facts.masks.frame(index).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
            outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            panels.append(cv2.drawContours(np.ascontiguousarray(frame), outlines, -1, (255, 90, 0), 2))
    return np.hstack(panels)
