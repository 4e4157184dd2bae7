"""What is found by words on a frame, whichever model looks for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.masks.bounding_box import Mask


@dataclass(frozen=True)
class FoundBox:
    """A thing that the words may mean: box in source pixels, and how sure the network is, 0 to 1.

    `mask` is bool (H, W) where the model outlines what it finds.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    score: float
    mask: Mask | None = field(default=None, compare=False)


class WordFinder(Protocol):
    """A model that finds things by words."""

    def find(self, frame: NDArray[np.uint8], text: str, threshold: float = ..., most: int = ...) -> list[FoundBox]:
        """Find what words name on a frame.

        Args:
            frame: uint8 (H, W, 3) RGB.
            text: The words, such as "the dog".
            threshold: The least score of a box, 0 to 1.
            most: How many boxes to return at most.

        Returns:
            Boxes in source pixels, the surest first, none twice.

        Raises:
            InputError: The text has no words.
        """
        ...


def words_of(text: str) -> str:
    """The text in lower case without what surrounds it; InputError when it has no words."""
    words = " ".join(text.lower().replace(".", " . ").split()).strip(" .")
    if not words:
        raise InputError("say in a few words what to look for, like: the dog")
    return words
