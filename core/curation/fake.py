"""Made-up models: each answers at once, by rules, so that a build's shards, workers and disk can be
tried out on any videos before a GPU is spent on them. What they make teaches nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.curation.models import Crop, FoundEntity, Masks
from core.curation.records import Box
from core.curation.views import ClipView

FAKE = "fake"
MODELS = ("tagger", "grounder", "tracker", "captioner", "flow")
"""The settings that name models."""


class FakeTags:
    """Two words of the vocabulary, by the clip's key."""

    def __init__(self, words: Sequence[str], backgrounds: Sequence[str]) -> None:
        self._words, self._backgrounds = words, backgrounds

    def tags(self, views: Sequence[ClipView]) -> list[list[str]]:
        """As `Tagger.tags`."""
        return [self._of(int.from_bytes(view.record.key.encode()[:8], "big")) for view in views]

    def _of(self, number: int) -> list[str]:
        named = [self._words[number % len(self._words)], self._words[(number + 1) % len(self._words)]]
        return [*named, self._backgrounds[number % len(self._backgrounds)]] if self._backgrounds else named


class FakeBoxes:
    """A box of a third of the frame for each label, one beside the other."""

    def boxes(self, views: Sequence[ClipView], labels: Sequence[Sequence[str]], threshold: float) -> list[list[FoundEntity]]:
        """As `Grounder.boxes`."""
        return [self._of(view, named) for view, named in zip(views, labels, strict=True)]

    @staticmethod
    def _of(view: ClipView, labels: Sequence[str]) -> list[FoundEntity]:
        width, height = view.info.size
        places = [(width * (0.05 + 0.3 * number), height * 0.3) for number in range(min(3, len(labels)))]
        return [FoundEntity(label, (x, y, x + width * 0.25, y + height * 0.4), 1.0) for label, (x, y) in zip(labels, places, strict=False)]


class FakeMasks:
    """The ellipse in a box, which stays where it is."""

    def first(self, view: ClipView, boxes: Sequence[Box]) -> list[Masks]:
        """As `Tracker.first`."""
        return [self._ellipse(view, box) for box in boxes]

    def through(self, view: ClipView, boxes: Mapping[str, Box]) -> dict[str, tuple[list[Masks], list[float]]]:
        """As `Tracker.through`."""
        return {name: ([self._ellipse(view, box)] * len(view), [1.0] * len(view)) for name, box in boxes.items()}

    @staticmethod
    def _ellipse(view: ClipView, box: Box) -> Masks:
        width, height = view.info.size
        x, y = (np.arange(width) + 0.5)[None], (np.arange(height) + 0.5)[:, None]
        across, down = ((2 * each - low - high) / (high - low) for each, low, high in ((x, box[0], box[2]), (y, box[1], box[3])))
        return np.asarray(across**2 + down**2 <= 1, np.bool_)


class FakeCaptions:
    """The label, in three lengths."""

    def captions(self, crops: Sequence[Crop]) -> list[tuple[str, str, str]]:
        """As `Captioner.captions`."""
        return [(f"a {one.label}", f"a made-up {one.label}", f"a made-up {one.label} that nobody looked at") for one in crops]


class FakeFlow:
    """Nothing moves."""

    def between(self, one: NDArray[np.uint8], two: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As `Flow.between`."""
        return np.zeros((*one.shape[:2], 2), np.float32)

    def along(self, frames: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
        """As `Flow.along`."""
        return (self.between(one, two) for one, two in pairwise(frames))
