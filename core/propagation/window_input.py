"""A window as the model sees it: crops, masks, and how the masks' boxes move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.carrying.pose import ThingPose
from core.geometry import Box
from core.masks import bounding_box
from core.progress import JobContext
from core.propagation.amodal import AmodalExtent
from core.propagation.mask_motion import box_motion, Margins, smooth_boxes, warp_frames
from core.propagation.result import Frame, Frames, Mask, Region
from core.propagation.windows import Window
from core.render.crop_path import crop_path
from core.render.region import CropRegion
from core.vivid.contract import VideoEngine

_BLOCK = 24
"""Frames of a long window that are read at a time."""


@dataclass(frozen=True)
class WindowInput:
    """What one run of the model reads.

    Attributes:
        window: Its frames; T of them.
        sources: The full-size frames (H, W, 3), that of the conditioning frame as edited.
        conditioning_source: The conditioning frame before it was edited.
        crops: What the model sees of each frame.
        boxes: The masks' boxes as their motion is read from them. They may go beyond the frame;
            None where there is no mask.
        slots: Which of its frames the model sees, as positions in `window.frames`; all of them
            where the rate is the clip's own.
        pixels: (N, h, w, 3) of the slots, padded to N = 8k + 1 frames by repeating the last.
        masks: (N, h, w).
        motions: How what is replaced moved from the conditioning frame to each, 3x3; None where the
            boxes have to tell.
    """

    window: Window
    sources: Sequence[Frame]
    conditioning_source: Frame
    crops: list[CropRegion]
    boxes: list[Box[float] | None]
    slots: tuple[int, ...]
    pixels: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    motions: list[NDArray[np.float64] | None]

    def warp(self, picture: Frame, mask: Mask) -> NDArray[np.uint8]:
        """The pixels with what `picture` (H, W, 3) shows in `mask` moved into each slot's mask:
        what a model may start from.
        """
        first = self.crops[0].crop(picture)
        result = warp_frames(first, self.crops[0].crop_mask(mask), self.pixels, self.masks)
        start, shape = self.boxes[0], (picture.shape[0], picture.shape[1])
        for position, slot in enumerate(self.slots):
            crop, end, motion = self.crops[slot], self.boxes[slot], self.motions[slot]
            if motion is not None:
                matrix = crop.matrix @ motion @ np.linalg.inv(self.crops[0].matrix)
                moved = cv2.warpPerspective(first, matrix, first.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
                result[position] = np.where(self.masks[position][..., None], moved, result[position])
                continue
            # `warp_frames`, which models are trained with, knows no more than what is seen.
            if start is not None and end is not None and (_leaves(start, shape) or _leaves(end, shape)):
                matrix = crop.matrix @ box_motion(start, end, shape) @ np.linalg.inv(self.crops[0].matrix)
                moved = cv2.warpAffine(first, matrix[:2], first.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
                result[position] = np.where(self.masks[position][..., None], moved, result[position])
        result[len(self.slots) :] = result[len(self.slots) - 1]
        return result


class SourceFrames(Sequence[Frame]):
    """The frames of a window, read a block at a time and let go of. `first` takes the place of its
    first one.
    """

    def __init__(self, reader: Frames, frames: tuple[int, ...], block: int, context: JobContext) -> None:
        """Reads nothing yet.

        Args:
            reader: The clip.
            frames: Consecutive ones, forwards or backwards.
            block: How many are read at a time; two blocks are kept.
            context: Asked before each frame whether to stop.
        """
        self.first: Frame | None = None
        self._reader, self._frames, self._block, self._context = reader, frames, block, context
        self._blocks: dict[int, list[Frame]] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, position: Any) -> Any:
        if position == 0 and self.first is not None:
            return self.first
        number, within = divmod(range(len(self))[position], self._block)
        if number not in self._blocks:
            for old in [*self._blocks][:-1]:
                del self._blocks[old]
            self._blocks[number] = self._read(self._frames[number * self._block : (number + 1) * self._block])
        return self._blocks[number][within]

    def _read(self, frames: tuple[int, ...]) -> list[Frame]:
        read = []
        for source in self._reader.frames(min(frames), max(frames) + 1):
            self._context.check()
            read.append(source)
        return read if frames[0] == min(frames) else read[::-1]


class WindowReader:
    """Reads the windows of one edit."""

    def __init__(
        self, model: VideoEngine, reader: Frames, region: Region, extent: AmodalExtent, margins: Margins, pose: ThingPose | None = None
    ) -> None:
        """Read for one edit.

        Args:
            model: Says how large its crops are, and how many frames it takes.
            reader: The clip.
            region: What may change.
            extent: The amodal extent of the region.
            margins: What lies between the sides of the keyframe's box and what shows in it.
            pose: How what is replaced moves as a whole; None where the mask's box is to tell.
        """
        self._pose = pose
        self._model, self._reader, self._region, self._extent, self._margins = model, reader, region, extent, margins

    def read(self, window: Window, edited: Frame | None, context: JobContext) -> WindowInput:
        """Read the frames of a window and crop them.

        Args:
            window: Which frames.
            edited: The conditioning frame (H, W, 3) as edited; None for the source.
            context: Asked before each frame whether to stop.

        Returns:
            What the model sees.

        Raises:
            Cancelled: The job was stopped.
        """
        # A window of which the model sees only some frames is long: they aren't all kept.
        block = _BLOCK if window.seen else len(window.frames)
        sources = SourceFrames(self._reader, window.frames, block, context)
        conditioning_source = sources[0]
        if edited is not None:
            sources.first = edited
        height, width = conditioning_source.shape[:2]
        crops = crop_path([bounding_box(self._region[frame]) for frame in window.frames], (width, height), self._model.working_size)
        slots = tuple(abs(frame - window.frames[0]) for frame in window.shown)
        pixels = np.stack([crops[slot].crop(sources[slot]) for slot in slots])
        masks = np.stack([crops[slot].crop_mask(self._region[window.frames[slot]]) for slot in slots])
        padding = -(len(slots) - 1) % self._model.frame_unit
        return WindowInput(
            window,
            sources,
            conditioning_source,
            crops,
            smooth_boxes([self._extent.box(frame) for frame in window.frames], (height, width), self._margins),
            slots,
            np.concatenate([pixels, pixels[-1:].repeat(padding, 0)]),
            np.concatenate([masks, masks[-1:].repeat(padding, 0)]),
            self._motions(window, context),
        )

    def _motions(self, window: Window, context: JobContext) -> list[NDArray[np.float64] | None]:
        """From the conditioning frame to each, up to the first on which the thing has none."""
        motions: list[NDArray[np.float64] | None] = [None] * len(window.frames)
        if self._pose is None or self._region.is_empty(window.conditioning_frame):
            return motions
        start = self._pose.at(window.conditioning_frame)
        for position, frame in enumerate(window.edited, 1):
            context.check()
            end = None if start is None or self._region.is_empty(frame) else self._pose.at(frame)
            if start is None or end is None:
                return motions
            whole = end @ np.linalg.inv(start)
            motions[position] = np.asarray(whole / whole[2, 2], np.float64)
        return motions


def _leaves(box: Box[float], shape: tuple[int, int]) -> bool:
    """Whether a side is known to lie outside the frame."""
    return box.x0 < 0 or box.y0 < 0 or box.x1 > shape[1] or box.y1 > shape[0]
