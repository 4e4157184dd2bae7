"""A page that shows what a build has made, and what it left out and why."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack
from html import escape
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.assets import ASSETS, page_head
from core.curation.build import Build
from core.curation.records import ClipRecord, Entity, read_clips
from core.curation.status import cells, HEADER, reasons_of, Stages, states_of
from core.curation.views import on_disk
from core.dataset.facts import ClipFacts, PackedMasks, SPLITS
from core.dataset.index import DatasetIndex, IndexedSample, NAME
from core.dataset.tars import TarMember
from core.evaluation.strips import panel_size, picture_uri
from core.media import open_clip, read_image
from core.words import counted

_STYLE = """
h2 { margin-top: 32px; }
figure img { max-width: 100%; }
figcaption { font-weight: 400; }
figcaption ul { margin: 2px 0; }
"""
_SHOWN = 3
"""Frames of a clip on the page."""


def inspection_page(build: Build, count: int, seed: int) -> str:
    """One page, complete in itself: the stages, what was left out, samples that are drawn, and half
    as many entities that the filters left out.

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
    parts = [_table("Stages", HEADER, [cells(one) for one in states])]
    parts += [_table("Left out by filters", ("stage", "filter", "times"), left_out)] if left_out else []
    parts += [_table("Set aside", ("stage", "reason", "times"), bad)] if bad else []
    data = build.out / "data"
    if (data / NAME).exists():
        index = DatasetIndex(data)
        drawn = sorted(index.draw(count, seed))
        total = sum(len(rows) for split in SPLITS for rows in index.groups(split).values())
        parts.append(f"<h2>{len(drawn)} of {counted(total, 'sample')}</h2>" + "".join(_shown(index.sample(row)) for row in drawn))
    parts += _left_out(build, found, max(1, count // 2), seed)
    name = escape(build.out.resolve().name)
    return f"""{page_head(build.out.resolve().name, style + _STYLE)}<body>
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
    strip = _strip(sample.clip, sample.media, facts.masks)
    return _figure(strip, f"{facts.label or 'the region of a deletion'} outlined on frames of {sample.clip.key}", title, captions, values)


def _left_out(build: Build, found: Stages, count: int, seed: int) -> list[str]:
    """Entities that the filters left out, each with the values that they decided by."""
    paths = [
        build.ledger.path(stage.name, task.name, ".jsonl")
        for stage, tasks, states in found
        if stage.name == "filters"
        for task, state in zip(tasks, states, strict=True)
        if state is not None and state.dropped
    ]
    figures: list[str] = []
    for path in random.Random(seed).sample(paths, len(paths)):
        for clip in read_clips(path.read_bytes()):
            for entity in clip.entities:
                if entity.dropped and entity.masks is not None and len(figures) < count:
                    figures.append(_refused(build.out, clip, entity, entity.masks.packed))
        if len(figures) == count:
            break
    return [f"<h2>{len(figures)} that the filters left out</h2>", *figures] if figures else []


def _refused(out: Path, clip: ClipRecord, entity: Entity, masks: PackedMasks) -> str:
    captions = "".join(f"<li>{escape(text)}</li>" for text in entity.captions)
    values = ", ".join(f"{name} {value:.3g}" for name, value in sorted(entity.values.items()))
    title = f"{clip.key}.{entity.name} · left out for {entity.dropped} · {clip.source}"
    strip = _strip(clip.facts, clip.media.content(out), masks)
    return _figure(strip, f"{entity.label} outlined on frames of {clip.key}", title, captions, values)


def _figure(strip: NDArray[np.uint8], alt: str, title: str, captions: str, values: str) -> str:
    said = f"<b>{escape(title)}</b><ul>{captions}</ul>{escape(values)}"
    return f'<figure><img src="{picture_uri(strip)}" alt="{escape(alt)}"><figcaption>{said}</figcaption></figure>'


def _strip(clip: ClipFacts, media: Path | TarMember, masks: PackedMasks) -> NDArray[np.uint8]:
    """Frames of a clip side by side, masks outlined."""
    size = panel_size(clip.height, clip.width)
    panels = []
    with ExitStack() as stack:
        path = stack.enter_context(on_disk(media, clip.suffix))
        reader = stack.enter_context(open_clip(path)) if clip.kind == "video" else None
        for index in sorted({(clip.frames - 1) * place // (_SHOWN - 1) for place in range(_SHOWN)}):
            frame = cv2.resize(read_image(path) if reader is None else reader.frame(index), size, interpolation=cv2.INTER_AREA)
            mask = cv2.resize(masks.frame(index).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
            outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            panels.append(cv2.drawContours(np.ascontiguousarray(frame), outlines, -1, (255, 90, 0), 2))
    return np.hstack(panels).astype(np.uint8, copy=False)
