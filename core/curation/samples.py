"""From what the stages found to the samples of the data set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.curation.records import ClipRecord, Entity
from core.curation.settings import CurationSettings
from core.dataset.facts import PackedMasks, SampleFacts
from core.dataset.writer import Entry
from core.masks import adjust
from core.project.tracks import FORMS, MaskAdjustment

_EXPAND = (0.01, 0.1)
"""How far written forms expand, of the frame's shorter side."""


def entry_of(clip: ClipRecord, out: Path, settings: CurationSettings) -> Entry | None:
    """Make a clip's samples.

    Args:
        clip: After the last stage.
        out: The build's folder.
        settings: Of the build.

    Returns:
        The clip with its samples, as the data set has them; None when nothing is left of it.
    """
    samples = [sample for entity in clip.entities if not entity.dropped for sample in _samples(clip, entity, settings)]
    return Entry(clip.facts, clip.media.content(out), tuple(samples)) if samples else None


def _samples(clip: ClipRecord, entity: Entity, settings: CurationSettings) -> Iterator[SampleFacts]:
    assert entity.masks is not None
    digest = hashlib.blake2b(f"{clip.key}.{entity.name}".encode(), digest_size=8, person=b"task").digest()
    notes: dict[str, object] = {"box": list(entity.box), "score": round(entity.score, 6)}
    if entity.deletion is not None:
        notes |= {"donor": entity.deletion[0], "path": entity.deletion[1]}
    tracked = SampleFacts(
        name=entity.name,
        task="delete" if entity.deletion is not None else ("add", "modify")[digest[0] % 2],
        captions=entity.captions,
        masks=entity.masks.packed,
        label=entity.label,
        values=entity.values,
        notes=notes,
    )
    yield tracked
    if settings.written_forms:
        yield from _in_forms(tracked, np.random.default_rng(int.from_bytes(digest, "big")))


def _in_forms(sample: SampleFacts, random: np.random.Generator) -> Iterator[SampleFacts]:
    """The sample in the six forms."""
    masks, short = sample.masks.unpack(), min(sample.masks.height, sample.masks.width)
    for form in FORMS:
        pixels = round(short * float(random.uniform(*_EXPAND))) if form.endswith("expand") else 0
        region = adjust(masks, MaskAdjustment(form, pixels))
        yield SampleFacts(
            name=f"{sample.name}-{form.replace('+', '-')}",
            task=sample.task,
            captions=sample.captions,
            masks=PackedMasks.pack(region),
            label=sample.label,
            form=form,
            values=sample.values,
            notes={**sample.notes, "pixels": pixels},
        )
