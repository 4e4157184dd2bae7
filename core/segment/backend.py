"""The contract between a session on a clip and the network that answers it: SAM 2 of the sam2
package, or one of transformers' video models.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.masks.bounding_box import Mask
from core.segment.frames import Features
from core.segment.prompts import FramePrompts

Output = dict[str, Any]
"""What a network answers a frame with, and its memory of it: `pred_masks` are logits (1, 1, h, w),
`quality` is `predicted_quality`.
"""


class Tracker(Protocol):
    """One object through time, in one direction."""

    conditioning: dict[int, Output]
    """Frames of which a person said where the object is; never forgotten."""
    recent: dict[int, Output]
    """Tracked frames that the network can still look back at, so that memory stays flat."""

    def prompt(self, frame: int, features: Features, prompts: FramePrompts) -> Output:
        """Answer a frame from its prompts alone, and remember it as what a person said.

        Args:
            frame: The frame of the clip.
            features: What the image encoder says about it.
            prompts: The object's prompts on it.

        Returns:
            The answer.
        """
        ...

    def step(self, frame: int, features: Features, prompts: FramePrompts | None = None, reverse: bool = False) -> Output:
        """Answer a frame next to those already seen.

        Args:
            frame: The frame of the clip.
            features: What the image encoder says about it.
            prompts: Prompts on the frame, which correct what was tracked and are remembered.
            reverse: Whether the tracking runs backwards in time.

        Returns:
            The answer.
        """
        ...


class Backend(Protocol):
    """A network on its device. Safe to use from several threads."""

    device: torch.device

    def encode(self, frame: NDArray[np.uint8]) -> Features:
        """Run the image encoder on a uint8 (H, W, 3) RGB frame."""
        ...

    def mask(self, logits: Tensor, features: Features) -> Mask:
        """Bring logits (1, 1, h, w) to the size of the frame: bool (H, W)."""
        ...

    def tracker(self, size: tuple[int, int], frames: int) -> Tracker:
        """A tracker for a clip of (W, H) = `size` with so many frames."""
        ...

    def together(self, trackers: Sequence[Tracker], frame: int, features: Features, reverse: bool) -> list[Output] | None:
        """Answer a frame for several objects, of which nothing is said there, in one pass.

        Args:
            trackers: Those of the objects.
            frame: The frame of the clip.
            features: What the image encoder says about it.
            reverse: Whether the tracking runs backwards in time.

        Returns:
            Their answers; None where they can't go together.
        """
        ...

    def answer_start(self, features: Features, start: FramePrompts, size: tuple[int, int]) -> Tensor:
        """Logits (1, 1, h, w) for FramePrompts.starting_point.

        Args:
            features: What the image encoder says about the frame.
            start: One prompt: a mask, a box or a click.
            size: The source's (W, H).
        """
        ...

    def answer(
        self, features: Features, prompts: FramePrompts, size: tuple[int, int], start: Callable[[FramePrompts], Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Logits (1, 1, h, w) of what one frame's prompts begin with, and of all of them together.

        Args:
            features: What the image encoder says about the frame.
            prompts: One object's prompts on it.
            size: The source's (W, H).
            start: `answer_start` for this frame, which remembers earlier answers.
        """
        ...


def predicted_quality(expected: Tensor, score: Tensor) -> float:
    """How right the network believes its mask to be, 0 to 1.

    Where it sees the object this is the overlap with the truth that it expects; where it does not,
    how sure it is of that.

    Args:
        expected: Expected overlap of the mask, one value.
        score: The logit with which the object is to be seen, one value.
    """
    visible = float(score)
    return float(expected) if visible > 0 else 1 / (1 + math.exp(max(visible, -50.0)))
