"""What a keyframe model says of itself, and what it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

ASPECTS = ((1, 1), (4, 3), (3, 4), (3, 2), (2, 3), (7, 4), (4, 7))
"""Width to height of the pictures that these models were trained on, roughly."""


@dataclass(frozen=True)
class PaintRequest:
    """A picture to paint in.

    `pixels` is uint8 (h, w, 3) of one of the model's sizes, `mask` bool (h, w) where it may paint.
    With `keep` above 0 that share of the picture inside the mask stays.
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    mask: NDArray[np.bool_] = field(repr=False)
    caption: str
    seed: int
    steps: int
    guidance: float
    keep: float = 0.0

    @property
    def runs(self) -> int:
        """How many of the steps are run: fewer where a share of the picture is kept."""
        if not self.keep:
            return self.steps
        return max(min(round((1 - self.keep) * self.steps), self.steps - 1), 1)


class KeyframeModel(Protocol):
    """A loaded image inpainting model."""

    name: str
    steps: int
    """Its own number of steps."""
    guidance: float
    """Its own guidance; 1 for none."""
    sizes: tuple[tuple[int, int], ...]
    """(height, width) of the pictures that it paints in, in pixels; the first where all fit alike.
    """
    cell: int
    """Pixels across of what the mask decides at once."""
    sees_region: bool
    """Whether it sees what the region shows, and not only what is around it."""
    returns_surroundings: bool
    """Whether it hands back what is around the mask as it was, so that its own light and colours
    show inside the mask only.
    """
    delete_caption: str
    """What it reads where something is removed."""

    def paint(self, asked: PaintRequest, on_step: Callable[[int], None]) -> NDArray[np.uint8]:
        """Paint inside the mask.

        Args:
            asked: What to paint where.
            on_step: Gets the number of finished steps after each; what it raises ends the work.

        Returns:
            uint8 (h, w, 3).
        """
        ...


def sizes_of(side: int, cell: int) -> tuple[tuple[int, int], ...]:
    """The sizes of a model that was trained on squares of `side` pixels, and on other shapes of the
    same area.

    Args:
        side: Pixels.
        cell: Both sides of a picture are multiples of it.

    Returns:
        (height, width) of each, in the order of ASPECTS; none has a larger area than the square.
    """
    area = (side // cell) ** 2
    found = []
    for across, down in ASPECTS:
        width = round((area * across / down) ** 0.5)
        found.append(((area // width) * cell, width * cell))
    return tuple(dict.fromkeys(found))
