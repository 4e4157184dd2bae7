"""Tries of a keyframe by a keyframe model: crop, paint, match the light around the region, put
back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from core.background.canvas import Behind, Canvas, canvas_of, Under
from core.keyframe_models.contract import KeyframeModel, PaintRequest
from core.masks import Widths
from core.progress import JobContext
from core.project.edits import check_task, SamplingSettings
from core.render.color_match import match_light, match_surroundings, ring_width
from core.render.region import plan_region
from core.vivid.contract import VideoEngine
from core.vivid.keyframe import KeyframeStudio

STAGE = "keyframe"


def studio_for(model: VideoEngine | KeyframeModel) -> KeyframeStudio | PaintingStudio:
    """What prepares frames for a model that paints keyframes."""
    return KeyframeStudio(model) if isinstance(model, VideoEngine) else PaintingStudio(model)


class PaintingStudio:
    """Prepares frames for a keyframe model, as `KeyframeStudio` does for a video model."""

    def __init__(self, model: KeyframeModel) -> None:
        self.model = model

    def prepare(
        self, frame: NDArray[np.uint8], region: NDArray[np.bool_], feather: Widths = 4, behind: Behind | None = None
    ) -> PreparedPainting:
        """Choose the crop of a frame, of the size among the model's that shows the region largest.

        Args:
            frame: uint8 (H, W, 3).
            region: bool (H, W), True = edit.
            feather: Pixels inside the region over which the edit fades.
            behind: Gives the background for a task; see `behind_keyframe`.

        Returns:
            The frame, ready for captions.

        Raises:
            InputError: The region is empty, or of another size.
        """
        size = self.model.sizes[0]
        if region.any() and region.shape == frame.shape[:2]:
            crops = [plan_region([region], (frame.shape[1], frame.shape[0]), size) for size in self.model.sizes]
            size = min(crops, key=lambda crop: crop.width * crop.height).working_size
        return PreparedPainting(self.model, canvas_of(frame, region, size, feather, behind))


@dataclass(frozen=True)
class PreparedPainting:
    """One frame and region, and the model that paints in it."""

    model: KeyframeModel
    canvas: Canvas

    def tries(
        self,
        task: str,
        caption: str,
        seeds: Sequence[int],
        settings: SamplingSettings,
        context: JobContext,
        start: NDArray[np.uint8] | None = None,
        keep: float = 0.0,
    ) -> Iterator[NDArray[np.uint8]]:
        """One edited frame for each seed; equal to the source outside the region.

        Args:
            task: add, modify or delete.
            caption: What the region should show.
            seeds: One for each try.
            settings: Steps and guidance; the model's own where None.
            context: Reports every step, and stops within one.
            start: uint8 (H, W, 3), a picture to start from.
            keep: The share of it that is kept, 0 to 0.95.

        Yields:
            uint8 (H, W, 3), in the order of the seeds.

        Raises:
            InputError: The task is unknown, a caption is missing, or the start can't be used.
            Cancelled: The job was stopped.
        """
        check_task(task, caption)
        started = self.canvas.start_of(start, keep)
        under = self.canvas.under(task)
        pixels, mask = self.canvas.place(task, caption, settings.fit, under)
        asked = PaintRequest(
            pixels=self._shown(task, pixels, under) if started is None else started,
            mask=painted_area(mask, self.model),
            caption=self.model.delete_caption if task == "delete" else caption.strip(),
            seed=0,
            steps=settings.steps or self.model.steps,
            guidance=self.model.guidance if settings.guidance is None else settings.guidance,
            keep=0.0 if started is None else keep,
        )
        total = len(seeds) * asked.runs
        context.report(STAGE, 0, total)
        for number, seed in enumerate(seeds):

            def on_step(step: int, before: int = number * asked.runs) -> None:
                context.report(STAGE, before + step, total)

            painted = self.model.paint(replace(asked, seed=seed), on_step)
            edited = match_surroundings(match_light(painted, pixels, mask), pixels, mask)
            yield self.canvas.finished(task, edited, under, seed)

    def _shown(self, task: str, pixels: NDArray[np.uint8], under: Under) -> NDArray[np.uint8]:
        """What the model sees, (h, w, 3): where it sees the region, no longer what is to go."""
        if task != "delete" or under is None or not self.model.sees_region:
            return pixels
        return self.canvas.crop.crop(under[0].inpaint(under[1], self.canvas.frame))


def painted_area(mask: NDArray[np.bool_], model: KeyframeModel) -> NDArray[np.bool_]:
    """Where the model paints, bool (h, w): whole cells, and, where it would hand back what is
    around the mask as it was, also the ring that tells how far its light is off.
    """
    height, width = mask.shape
    area = mask.astype(np.uint8)
    if model.returns_surroundings:
        area = np.asarray(cv2.dilate(area, np.ones((2 * ring_width(mask.shape) + 1,) * 2, np.uint8)), np.uint8)
    cells = area.reshape(height // model.cell, model.cell, width // model.cell, model.cell).any((1, 3))
    return np.kron(cells, np.ones((model.cell, model.cell), np.bool_))
