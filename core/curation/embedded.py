"""The models that are there without any download: what procedural clips know of themselves, moving
things on footage, the segmenter and the classifier that ship, OpenCV's flow."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before sam2 imports torchvision)

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from core.curation.models import Crop, Flow, FoundEntity, Masks
from core.curation.motion import moving_boxes
from core.curation.records import Box
from core.curation.views import ClipView
from core.data import vocabulary
from core.errors import InputError
from core.evaluation.classifier import Classifier
from core.masks import bounding_box
from core.progress import JobContext
from core.project.prompts import BoxPrompt
from core.render.flow import DenseFlow
from core.segment.loading import Segmenter

_LARGE, _SMALL = 0.08, 0.02
"""Share of the frame from which on a thing is called large, and below which small."""


class VocabularyTags:
    """Says what a clip knows of itself; of footage every word, for the grounder to decide."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = list(words)

    def tags(self, views: Sequence[ClipView]) -> list[list[str]]:
        """As `Tagger.tags`."""
        return [sorted({entity.label for entity in view.known}) or self._words for view in views]


class KnownOrMoving:
    """Finds what a clip knows of itself; on footage, what moves against the background."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def boxes(self, views: Sequence[ClipView], labels: Sequence[Sequence[str]], threshold: float) -> list[list[FoundEntity]]:
        """As `Grounder.boxes`."""
        return [self._of(view, named, threshold) for view, named in zip(views, labels, strict=True)]

    def _of(self, view: ClipView, labels: Sequence[str], threshold: float) -> list[FoundEntity]:
        found = []
        for entity in view.known:
            box = bounding_box(entity.masks.packed.frame(0))
            if box is not None and entity.label in labels:
                found.append(FoundEntity(entity.label, (box.x0, box.y0, box.x1, box.y1), 1.0))
        if not view.known and vocabulary.GENERIC in labels and len(view) > 1:
            found = [FoundEntity(vocabulary.GENERIC, box, score) for box, score in moving_boxes(view, self._flow) if score >= threshold]
        return found


class SegmenterTracker:
    """Any segmenter of the program."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    def first(self, view: ClipView, boxes: Sequence[Box]) -> list[Masks]:
        """As `Tracker.first`."""
        session = self._segmenter.session(view)
        return [session.preview(0, [BoxPrompt(0, number, *box)]) for number, box in enumerate(boxes)]

    def through(self, view: ClipView, boxes: Mapping[str, Box]) -> dict[str, tuple[list[Masks], list[float]]]:
        """As `Tracker.through`."""
        names = list(boxes)
        prompts = {number: [BoxPrompt(0, number, *boxes[name])] for number, name in enumerate(names)}
        found: dict[str, tuple[list[Masks], list[float]]] = {name: ([], []) for name in names}
        for _, masks in self._segmenter.session(view).track(prompts, 0, len(view), JobContext(), direction="forward"):
            for number, name in enumerate(names):
                quality = masks.quality.get(number)
                found[name][0].append(masks[number])
                found[name][1].append(-1.0 if quality is None else round(float(quality), 3))
        return found


class KnownMasks:
    """The true masks of procedural clips."""

    def first(self, view: ClipView, boxes: Sequence[Box]) -> list[Masks]:
        """As `Tracker.first`."""
        return [self._track(view, box)[0] for box in boxes]

    def through(self, view: ClipView, boxes: Mapping[str, Box]) -> dict[str, tuple[list[Masks], list[float]]]:
        """As `Tracker.through`."""
        return {name: (self._track(view, box), [-1.0] * len(view)) for name, box in boxes.items()}

    @staticmethod
    def _track(view: ClipView, box: Box) -> list[Masks]:
        for entity in view.known:
            masks = entity.masks.packed
            found = bounding_box(masks.frame(0))
            if found is not None and tuple(found) == tuple(box):
                return [masks.frame(index) for index in range(len(masks))]
        raise InputError("its true masks are not known (tracker=known is for procedural clips)")


class ClassifierCaptions:
    """Captions of kind, colour, size and, where the source knows it, material."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    def captions(self, crops: Sequence[Crop]) -> list[tuple[str, str, str]]:
        """As `Captioner.captions`."""
        if not crops:
            return []
        named = self._classifier.name([crop.frame for crop in crops], [crop.mask for crop in crops])
        return [self._of(crop, label.kind, label.colour) for crop, label in zip(crops, named, strict=True)]

    def _of(self, crop: Crop, kind: str, colour: str) -> tuple[str, str, str]:
        kind = kind if crop.known is not None else vocabulary.GENERIC
        share = float(crop.mask.mean())
        size = "large" if share > _LARGE else "small" if share < _SMALL else None
        material = crop.known.material if crop.known is not None else ""
        medium = vocabulary.caption(kind, colour)
        if material:
            return vocabulary.caption(kind), medium, vocabulary.long_caption(kind, colour, material, size)
        return vocabulary.caption(kind), medium, vocabulary.caption(kind, colour, None, size)


class DisFlow:
    """OpenCV's DIS flow."""

    def __init__(self) -> None:
        self._flow = DenseFlow()

    def between(self, one: NDArray[np.uint8], two: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As `Flow.between`."""
        gray = [np.asarray(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), np.uint8) for each in (one, two)]
        return self._flow.between(*gray)

    def along(self, frames: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
        """As `Flow.along`."""
        return (self.between(one, two) for one, two in pairwise(frames))
