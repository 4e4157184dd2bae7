"""Measures every entity and leaves out what no sample should be made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from core.curation.captions import caption_problem
from core.curation.models import Masks as Mask
from core.curation.motion import motion_values, shrunk, shrunk_mask
from core.curation.records import ClipRecord, Entity
from core.curation.stages.entities import ClipwiseStage
from core.curation.work import ShardWork
from core.masks import check_quality, MaskSequence


class FiltersStage(ClipwiseStage):
    """Area, visibility, the tracker's own doubt, jumps, captions; motion is measured only.

    An entity that is left out stays in the record: it is still in the picture, so that no deletion
    may lie on it.
    """

    name = "filters"
    settings = ("flow", "least_area", "most_area", "least_visible", "least_quality", "most_jumps")

    def look(self, clip: ClipRecord, work: ShardWork) -> ClipRecord:
        """As `ClipwiseStage.look`."""
        if not clip.entities:
            return clip
        masks = [entity.masks.packed.unpack() for entity in clip.entities if entity.masks is not None]
        motion = self._motion(clip, masks, work)
        entities = []
        for entity, own, moving in zip(clip.entities, masks, motion, strict=True):
            values = measured(clip, entity, own) | moving
            entities.append(replace(entity, values=values, dropped=_decide(f"{clip.key}.{entity.name}", values, work)))
        return replace(clip, entities=entities)

    @staticmethod
    def _motion(clip: ClipRecord, masks: Sequence[Mask], work: ShardWork) -> list[dict[str, float]]:
        if clip.kind == "image":
            return [{} for _ in masks]
        with work.view(clip) as view:
            height, width = shrunk(view.frame(0)).shape[:2]
            small = [np.stack([shrunk_mask(mask, (height, width)) for mask in each]) for each in masks]
            return motion_values(view.frames(), small, work.tools.flow, float(view.info.rate))


def measured(clip: ClipRecord, entity: Entity, masks: Mask) -> dict[str, float]:
    """Measure an entity.

    Args:
        clip: The clip.
        entity: With quality and captions.
        masks: Its masks, bool (T, H, W).

    Returns:
        Values by the names in docs/dataset.md; `truth` where the source knows its true masks.
    """
    seen = masks.any(axis=(1, 2))
    values = {
        "area": float(masks[seen].mean()) if seen.any() else 0.0,
        "visible": float(seen.mean()),
        "caption": 0.0 if caption_problem(entity.captions, entity.label) else 1.0,
    }
    known = [value for value in entity.quality if value >= 0]
    if known:
        values["quality"] = float(np.mean(known))
    if len(masks) > 1:
        sequence = MaskSequence((clip.width, clip.height), 0, masks)
        jumps = [flag for flag in check_quality(sequence, range(len(masks))) if flag.reason in ("area", "centre", "pieces", "full")]
        values["jumps"] = len(jumps) / len(masks)
    for truth in clip.known:
        if truth.label == entity.label:
            values["truth"] = _overlap(masks, truth.masks.packed.unpack())
    return {name: round(value, 6) for name, value in values.items()}


def _overlap(masks: Mask, truth: Mask) -> float:
    """Mean intersection over union over the frames where either shows something."""
    either = (masks | truth).sum(axis=(1, 2))
    both = (masks & truth).sum(axis=(1, 2))
    return float((both[either > 0] / either[either > 0]).mean()) if either.any() else 1.0


def _decide(key: str, values: dict[str, float], work: ShardWork) -> str:
    """Why an entity is left out; "" when it stays. Every reason is logged."""
    settings = work.settings
    reasons = []
    for name, value, least, most in (
        ("area", "area", settings.least_area, settings.most_area),
        ("visible", "visible", settings.least_visible, 1.0),
        ("quality", "quality", settings.least_quality, 1.0),
        ("jumps", "jumps", 0.0, settings.most_jumps),
        ("caption", "caption", 1.0, 1.0),
    ):
        if value in values and not least <= values[value] <= most:
            work.drop(key, name, values[value], least if values[value] < least else most)
            reasons.append(name)
    return ", ".join(reasons)
