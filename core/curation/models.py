"""What a build asks of models: five small protocols, so that each can be any network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.curation.records import Box, KnownEntity
from core.curation.views import ClipView

Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class FoundEntity:
    """A box on the first frame: its label, and how sure the grounder is, 0 to 1."""

    label: str
    box: Box
    score: float


@dataclass(frozen=True)
class Crop:
    """An entity to describe: the frame uint8 (H, W, 3), its mask bool (H, W), its label, and what
    the source knows of it."""

    frame: NDArray[np.uint8]
    mask: Masks
    label: str
    known: KnownEntity | None = None


class Tagger(Protocol):
    """Says what there is on a frame (the paper: RAM)."""

    def tags(self, views: Sequence[ClipView]) -> list[list[str]]:
        """Name what is on the first frame of each clip, in words of any vocabulary."""
        ...


class Grounder(Protocol):
    """Finds boxes by labels (the paper: Grounding DINO)."""

    def boxes(self, views: Sequence[ClipView], labels: Sequence[Sequence[str]], threshold: float) -> list[list[FoundEntity]]:
        """Find what labels name on the first frames of clips.

        Args:
            views: The clips.
            labels: What to look for on each.
            threshold: The least score.

        Returns:
            Of each clip its boxes, the surest first.
        """
        ...


class Tracker(Protocol):
    """Makes masks (the paper: SAM 2)."""

    def first(self, view: ClipView, boxes: Sequence[Box]) -> list[Masks]:
        """The masks of boxes on the first frame, bool (H, W)."""
        ...

    def through(self, view: ClipView, boxes: Mapping[str, Box]) -> dict[str, tuple[list[Masks], list[float]]]:
        """The masks of all frames, bool (H, W) each, from boxes on the first one; and how right
        each is believed to be, 0 to 1 (-1 where it is not known). By name."""
        ...


class Captioner(Protocol):
    """Describes entities (the paper: InternVL2)."""

    def captions(self, crops: Sequence[Crop]) -> list[tuple[str, str, str]]:
        """A short, a medium and a long caption of each."""
        ...


class Flow(Protocol):
    """Optical flow (the paper: RAFT)."""

    def between(self, one: NDArray[np.uint8], two: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Where each pixel of `one`, uint8 (H, W, 3), lies in `two`: an offset (x, y) in pixels,
        float32 (H, W, 2)."""
        ...

    def along(self, frames: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
        """The flow from each frame to the next, as `between`; several pairs at once where that is
        faster."""
        ...
