"""What a person said about one object on one frame, in the form that SAM 2 takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import InputError
from core.masks import read_mask
from core.project.prompts import BoxPrompt, check_prompt, MaskPrompt, PointPrompt, Prompt, TextPrompt

SURE = 10.0
"""The logit with which SAM 2 writes down what was given rather than found."""

_NEGATIVE, _POSITIVE, _BOX_CORNERS = 0, 1, (2, 3)  # labels of SAM's prompt encoder


@dataclass(frozen=True)
class FramePrompts:
    """All prompts of one object on one frame. `points` are (x, y) source pixels with SAM's labels,
    the box's two corners first.
    """

    points: tuple[tuple[float, float], ...]
    labels: tuple[int, ...]
    mask: NDArray[np.bool_] | None

    @property
    def shows_object(self) -> bool:
        """Whether these say where the object is, not only where it is not."""
        return self.mask is not None or any(label != _NEGATIVE for label in self.labels)

    @property
    def outlines_object(self) -> bool:
        """Whether these say how far the object reaches, by themselves."""
        return self.mask is not None or _BOX_CORNERS[0] in self.labels

    def starting_point(self) -> FramePrompts:
        """The one prompt to begin with: the mask, else the box, else the first click on the
        object.
        """
        if self.mask is not None:
            return FramePrompts((), (), self.mask)
        if self.outlines_object:
            return FramePrompts(self.points[:2], self.labels[:2], None)
        first = self.labels.index(_POSITIVE)
        return FramePrompts((self.points[first],), (_POSITIVE,), None)

    def point_inputs(self, side: int, size: tuple[int, int], device: torch.device) -> dict[str, Tensor] | None:
        """The points as SAM2Base takes them.

        Args:
            side: Pixels of the square that the network sees.
            size: The source's (W, H).
            device: Where the tensors are to lie.

        Returns:
            Coordinates (1, P, 2) on the square and labels (1, P), or None without points.
        """
        if not self.points:
            return None
        scale = torch.tensor([side / size[0], side / size[1]])
        coordinates = torch.tensor(self.points, dtype=torch.float32)[None] * scale
        return {"point_coords": coordinates.to(device), "point_labels": torch.tensor([self.labels], dtype=torch.int32, device=device)}


def gather(prompts: Iterable[Prompt], size: tuple[int, int], frames: int, folder: Path | None) -> dict[int, FramePrompts]:
    """Sort one object's prompts by frame.

    Of several boxes on a frame the last counts, of several masks their union.

    Args:
        prompts: Points, boxes and masks.
        size: The clip's (W, H).
        frames: How many frames the clip has.
        folder: Where the files of mask prompts lie.

    Returns:
        The prompts of each frame that has some, in the order of the frames.

    Raises:
        InputError: A prompt lies off the clip, or is of a kind that can't be tracked.
    """
    by_frame: dict[int, list[Prompt]] = {}
    for prompt in prompts:
        check_prompt(prompt, *size, frames)
        if isinstance(prompt, TextPrompt):
            raise InputError(f"the words '{prompt.text}' can't be tracked yet: click the object or draw a box around it")
        by_frame.setdefault(prompt.frame, []).append(prompt)
    return {frame: _combine(given, size, folder) for frame, given in sorted(by_frame.items())}


def _combine(given: list[Prompt], size: tuple[int, int], folder: Path | None) -> FramePrompts:
    boxes = [p for p in given if isinstance(p, BoxPrompt)]
    clicks = [p for p in given if isinstance(p, PointPrompt)]
    masks = [read_mask((folder or Path()) / p.file, size) for p in given if isinstance(p, MaskPrompt)]
    points = [(p.x, p.y) for p in clicks]
    labels = [_POSITIVE if p.positive else _NEGATIVE for p in clicks]
    if boxes:
        box = boxes[-1]
        points = [(box.x0, box.y0), (box.x1, box.y1), *points]
        labels = [*_BOX_CORNERS, *labels]
    return FramePrompts(tuple(points), tuple(labels), np.logical_or.reduce(masks) if masks else None)
