"""The stages that find entities and describe them: tags, boxes, masks, propagation, captions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from msgspec.structs import replace

from core.curation.models import Crop
from core.curation.records import Box, ClipRecord, Entity, KnownEntity, Masks
from core.curation.settings import CurationSettings
from core.curation.vocabularies import entity_words
from core.curation.work import ShardWork
from core.dataset.facts import PackedMasks

_OVERLAP = 0.7
"""Of two boxes, intersection over union, from which on they are the same thing."""


class ClipwiseStage:
    """A stage that looks at one clip after the other and gathers nothing."""

    name, version, media, models = "", 1, False, True
    settings: tuple[str, ...] = ()

    def depends_on(self, settings: CurationSettings) -> dict[str, Any]:
        """As `Stage.depends_on`."""
        return {name: getattr(settings, name) for name in self.settings}

    def gather(self, shards: Iterator[list[ClipRecord]], settings: CurationSettings) -> None:
        """As `Stage.gather`."""

    def run(self, items: list[ClipRecord], work: ShardWork) -> list[ClipRecord]:
        """As `Stage.run`."""

        def one(clip: ClipRecord) -> Iterator[ClipRecord]:
            yield self.look(clip, work)

        return work.each(items, one)

    def look(self, clip: ClipRecord, work: ShardWork) -> ClipRecord:
        """Do one clip."""
        raise NotImplementedError


class TagsStage(ClipwiseStage):
    """What is on the first frame, among the words of the vocabulary."""

    name = "tags"
    settings = ("tagger", "vocabulary")

    def depends_on(self, settings: CurationSettings) -> dict[str, Any]:
        """As `Stage.depends_on`."""
        return {"tagger": settings.tagger, "words": entity_words(settings)}

    def look(self, clip: ClipRecord, work: ShardWork) -> ClipRecord:
        """As `ClipwiseStage.look`."""
        words = entity_words(work.settings)
        with work.view(clip) as view:
            return replace(clip, tags=tuple(tag for tag in work.tools.tagger.tags(view) if tag in words))


class BoxesStage(ClipwiseStage):
    """Boxes of what the tags name, the surest few."""

    name = "boxes"
    settings = ("grounder", "flow", "least_score", "most_entities", "threads")

    def look(self, clip: ClipRecord, work: ShardWork) -> ClipRecord:
        """As `ClipwiseStage.look`."""
        settings = work.settings
        entities: list[Entity] = []
        with work.view(clip) as view:
            found = work.tools.grounder.boxes(view, clip.tags, settings.least_score) if clip.tags else []
        for one in found:
            if len(entities) < settings.most_entities and all(_overlap(one.box, other.box) < _OVERLAP for other in entities):
                entities.append(Entity(name=f"e{len(entities)}", label=one.label, box=one.box, score=one.score))
        if not entities:
            work.drop(clip.key, "entities", 0, 1)
        return replace(clip, entities=entities)


class MasksStage(ClipwiseStage):
    """The mask of each box on the first frame."""

    name = "masks"
    settings = ("tracker", "threads")

    def look(self, clip: ClipRecord, work: ShardWork) -> ClipRecord:
        """As `ClipwiseStage.look`."""
        if not clip.entities:
            return clip
        with work.view(clip) as view:
            masks = work.tools.tracker.first(view, [entity.box for entity in clip.entities])
        kept = []
        for entity, mask in zip(clip.entities, masks, strict=True):
            if mask.any():
                kept.append(replace(entity, masks=Masks.of(PackedMasks.pack(mask[None]))))
            else:
                work.drop(f"{clip.key}.{entity.name}", "first_mask", 0, 0)
        return replace(clip, entities=kept)


class PropagationStage(ClipwiseStage):
    """The masks of the other frames; an image has none."""

    name = "propagation"
    settings = ("tracker", "threads")

    def look(self, clip: ClipRecord, work: ShardWork) -> ClipRecord:
        """As `ClipwiseStage.look`."""
        if clip.kind == "image" or not clip.entities:
            return clip
        with work.view(clip) as view:
            tracks = work.tools.tracker.through(view, {entity.name: entity.box for entity in clip.entities})
        done = []
        for entity in clip.entities:
            masks, quality = tracks[entity.name]
            done.append(replace(entity, masks=Masks.of(PackedMasks.pack(np.stack(masks))), quality=tuple(quality)))
        return replace(clip, entities=done)


class CaptionsStage(ClipwiseStage):
    """A short, a medium and a long caption of each entity, in one call a clip."""

    name = "captions"
    settings = ("captioner", "threads")

    def look(self, clip: ClipRecord, work: ShardWork) -> ClipRecord:
        """As `ClipwiseStage.look`."""
        if not clip.entities:
            return clip
        with work.view(clip) as view:
            frame = view.frame(0)
        crops = [Crop(frame, entity.masks.packed.frame(0), entity.label, _known(clip, entity)) for entity in clip.entities if entity.masks]
        captions = work.tools.captioner.captions(crops)
        return replace(clip, entities=[replace(entity, captions=said) for entity, said in zip(clip.entities, captions, strict=True)])


def _known(clip: ClipRecord, entity: Entity) -> KnownEntity | None:
    return next((one for one in clip.known if one.label == entity.label), None)


def _overlap(one: Box, two: Box) -> float:
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    both = max(width, 0.0) * max(height, 0.0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, two))
    return both / (areas - both)
