"""From what the stages found to the samples of the data set."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from core.curation.records import ClipRecord, Entity
from core.curation.stages.forms import number_of
from core.dataset.facts import SampleFacts
from core.dataset.writer import Entry


def entry_of(clip: ClipRecord, out: Path) -> Entry | None:
    """Make the samples of a clip that has been through all stages, as the data set has them.

    None when nothing is left of it. `out` is the build's folder.
    """
    samples = [sample for entity in clip.entities if not entity.dropped for sample in _samples(clip, entity)]
    return Entry(clip.facts, clip.media.content(out), tuple(samples)) if samples else None


def _samples(clip: ClipRecord, entity: Entity) -> Iterator[SampleFacts]:
    assert entity.masks is not None
    notes: dict[str, object] = {"box": list(entity.box), "score": round(entity.score, 6)}
    if entity.deletion is not None:
        notes |= {"donor": entity.deletion[0], "path": entity.deletion[1]}
    tracked = SampleFacts(
        name=entity.name,
        task="delete" if entity.deletion is not None else ("add", "modify")[number_of(clip.key, entity.name) >> 56 & 1],
        captions=entity.captions,
        masks=entity.masks.packed,
        label=entity.label,
        values=entity.values,
        notes=notes,
    )
    yield tracked
    for written in entity.forms:
        yield dataclasses.replace(
            tracked,
            name=f"{entity.name}-{written.form.replace('+', '-')}",
            masks=written.masks.packed,
            form=written.form,
            notes={**notes, "pixels": written.pixels},
        )
