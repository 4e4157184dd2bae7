"""The stages that find entities and describe them: tags, boxes, masks, propagation, captions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from msgspec.structs import replace

from core.curation.models import Crop
from core.curation.records import Box, ClipRecord, Entity, KnownEntity, Masks
from core.curation.settings import CurationSettings
from core.curation.views import ClipView
from core.curation.vocabularies import background_words, entity_words, vocabulary_hashes
from core.curation.work import ShardWork
from core.dataset.facts import PackedMasks

_OVERLAP = 0.7
"""Of two boxes, intersection over union, from which on they are the same thing."""
_MOST_BACKGROUNDS = 8
"""Boxes of background on a frame; the surest are kept."""


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


class FirstFrameStage(ClipwiseStage):
    """A stage that looks at the first frames of several clips at once."""

    def run(self, items: list[ClipRecord], work: ShardWork) -> list[ClipRecord]:
        """As `Stage.run`."""
        wanted = [clip for clip in items if self.wants(clip)]
        seen = {clip.key: clip for clip in work.in_batches(wanted, lambda clips, views: self.look_at(clips, views, work))}
        left = {clip.key for clip in wanted} - seen.keys()
        return [seen.get(clip.key, clip) for clip in items if clip.key not in left]

    def wants(self, clip: ClipRecord) -> bool:
        """Whether there is anything to look for."""
        return bool(clip.entities)

    def look_at(self, clips: list[ClipRecord], views: list[ClipView], work: ShardWork) -> list[ClipRecord]:
        """Do a batch.

        Args:
            clips: Those that `wants` wants, in order.
            views: Of each clip.
            work: The shard.

        Returns:
            As many clips.
        """
        raise NotImplementedError


class TagsStage(FirstFrameStage):
    """What is on the first frame, among the words of the vocabularies."""

    name = "tags"

    def depends_on(self, settings: CurationSettings) -> dict[str, Any]:
        """As `Stage.depends_on`."""
        return {"tagger": settings.tagger, "batch": settings.batch, "vocabularies": vocabulary_hashes(settings)}

    def wants(self, clip: ClipRecord) -> bool:
        """As `FirstFrameStage.wants`."""
        return True

    def look_at(self, clips: list[ClipRecord], views: list[ClipView], work: ShardWork) -> list[ClipRecord]:
        """As `FirstFrameStage.look_at`."""
        words, backgrounds = entity_words(work.settings), background_words(work.settings)
        done = []
        for clip, tags in zip(clips, work.tools.tagger.tags(views), strict=True):
            named = (tuple(tag for tag in tags if tag in known) for known in (words, backgrounds))
            done.append(replace(clip, **dict(zip(("tags", "background_tags"), named, strict=True))))
        return done


class BoxesStage(FirstFrameStage):
    """Boxes of what the tags name: of entities the surest few, and of background."""

    name = "boxes"
    settings = ("grounder", "flow", "least_score", "most_entities", "batch", "threads")

    def wants(self, clip: ClipRecord) -> bool:
        """As `FirstFrameStage.wants`."""
        return bool(clip.tags or clip.background_tags)

    def run(self, items: list[ClipRecord], work: ShardWork) -> list[ClipRecord]:
        """As `Stage.run`."""
        done = super().run(items, work)
        for clip in done:
            if not clip.entities:
                work.drop(clip.key, "entities", 0, 1)
        return done

    def look_at(self, clips: list[ClipRecord], views: list[ClipView], work: ShardWork) -> list[ClipRecord]:
        """As `FirstFrameStage.look_at`."""
        settings = work.settings
        asked = [[*clip.tags, *(tag for tag in clip.background_tags if tag not in clip.tags)] for clip in clips]
        done = []
        for clip, found in zip(clips, work.tools.grounder.boxes(views, asked, settings.least_score), strict=True):
            entities: list[Entity] = []
            for one in found:
                new = one.label in clip.tags and all(_overlap(one.box, other.box) < _OVERLAP for other in entities)
                if new and len(entities) < settings.most_entities:
                    entities.append(Entity(name=f"e{len(entities)}", label=one.label, box=one.box, score=one.score))
            behind = tuple(one.box for one in found if one.label in clip.background_tags)[:_MOST_BACKGROUNDS]
            done.append(replace(clip, entities=entities, background_boxes=behind))
        return done


class MasksStage(FirstFrameStage):
    """The mask of each box on the first frame."""

    name = "masks"
    settings = ("tracker", "threads")

    def wants(self, clip: ClipRecord) -> bool:
        """As `FirstFrameStage.wants`."""
        return bool(clip.entities or clip.background_tags)

    def look_at(self, clips: list[ClipRecord], views: list[ClipView], work: ShardWork) -> list[ClipRecord]:
        """As `FirstFrameStage.look_at`."""
        return [self._masked(clip, view, work) for clip, view in zip(clips, views, strict=True)]

    @staticmethod
    def _masked(clip: ClipRecord, view: ClipView, work: ShardWork) -> ClipRecord:
        boxes = [*(entity.box for entity in clip.entities), *clip.background_boxes]
        masks = work.tools.tracker.first(view, boxes) if boxes else []
        kept = []
        for entity, mask in zip(clip.entities, masks, strict=False):
            if mask.any():
                kept.append(replace(entity, masks=Masks.of(PackedMasks.pack(mask[None]))))
            else:
                work.drop(f"{clip.key}.{entity.name}", "first_mask", 0, 0)
        if not clip.background_tags:
            return replace(clip, entities=kept)
        behind = np.zeros((1, clip.height, clip.width), np.bool_)
        for mask in masks[len(clip.entities) :]:
            behind |= mask
        return replace(clip, entities=kept, background=Masks.of(PackedMasks.pack(behind)))


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


class CaptionsStage(FirstFrameStage):
    """A short, a medium and a long caption of each entity, in one call a batch of clips."""

    name = "captions"
    settings = ("captioner", "batch", "threads")

    def look_at(self, clips: list[ClipRecord], views: list[ClipView], work: ShardWork) -> list[ClipRecord]:
        """As `FirstFrameStage.look_at`."""
        crops = [
            Crop(view.frame(0), entity.masks.packed.frame(0), entity.label, _known(clip, entity))
            for clip, view in zip(clips, views, strict=True)
            for entity in clip.entities
            if entity.masks
        ]
        said = iter(work.tools.captioner.captions(crops))
        return [replace(clip, entities=[replace(entity, captions=next(said)) for entity in clip.entities]) for clip in clips]


def _known(clip: ClipRecord, entity: Entity) -> KnownEntity | None:
    return next((one for one in clip.known if one.label == entity.label), None)


def _overlap(one: Box, two: Box) -> float:
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    both = max(width, 0.0) * max(height, 0.0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, two))
    return both / (areas - both)
