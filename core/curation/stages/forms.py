"""Every entity in the six mask forms, for data sets that have them written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from msgspec.structs import replace

from core.curation.records import ClipRecord, Entity, Masks, WrittenForm
from core.curation.stages.entities import ClipwiseStage
from core.curation.work import ShardWork
from core.dataset.facts import PackedMasks
from core.masks import adjust
from core.project.tracks import FORMS, MaskAdjustment

_EXPAND = (0.01, 0.1)
"""How far written forms expand, of the frame's shorter side."""


class FormsStage(ClipwiseStage):
    """Only part of a build with `written_forms=true`; otherwise the trainer applies the forms.

    A stage of its own, since six forms of a frame of 1280x720 take 19 ms of a processor: shards of
    it are made side by side, packing is one process.
    """

    name, models = "forms", False
    settings = ("written_forms",)

    def look(self, clip: ClipRecord, work: ShardWork) -> ClipRecord:
        """As `ClipwiseStage.look`."""
        return replace(clip, entities=[self._formed(clip, entity) for entity in clip.entities])

    @staticmethod
    def _formed(clip: ClipRecord, entity: Entity) -> Entity:
        return entity if entity.dropped or entity.masks is None else replace(entity, forms=list(_forms(clip.key, entity, entity.masks)))


def number_of(clip: str, entity: str) -> int:
    """A number of 64 bits that an entity's chances are drawn from: the same for the same names."""
    return int.from_bytes(hashlib.blake2b(f"{clip}.{entity}".encode(), digest_size=8, person=b"task").digest(), "big")


def _forms(key: str, entity: Entity, tracked: Masks) -> Iterator[WrittenForm]:
    random, masks = np.random.default_rng(number_of(key, entity.name)), tracked.packed.unpack()
    for form in FORMS:
        pixels = round(min(tracked.height, tracked.width) * float(random.uniform(*_EXPAND))) if form.endswith("expand") else 0
        yield WrittenForm(form, pixels, Masks.of(PackedMasks.pack(adjust(masks, MaskAdjustment(form, pixels)))))
