"""Keyframe mode: one frame, a region, captions to try. What does not depend on the caption is
computed once.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.background.canvas import Behind, Canvas, canvas_of
from core.masks import Widths
from core.progress import JobContext
from core.project.edits import check_task, SamplingSettings
from core.render.color_match import match_surroundings
from core.vivid.contract import Conditions, Sampling, VideoEngine
from core.vivid.pixels import mask_to_model, to_frames, to_model

STAGE = "keyframe"
_FRAMES_KEPT = 8


class KeyframeStudio:
    """Prepares frames for a model and remembers the last few by their content.

    `batch` seeds are denoised at once. With 1 the pixels of a seed do not depend on the others, to
    the last bit, and the first try is there soonest; more is a little faster on a GPU and exact up
    to rounding.
    """

    def __init__(self, model: VideoEngine, batch: int = 1) -> None:
        self.model = model
        self.batch = batch
        self._conditions: OrderedDict[str, Conditions] = OrderedDict()

    def prepare(
        self,
        frame: NDArray[np.uint8],
        region: NDArray[np.bool_],
        feather: Widths = 4,
        behind: Behind | None = None,
    ) -> PreparedKeyframe:
        """Cut and encode what the model sees of `frame` uint8 (H, W, 3) with `region` bool (H, W),
        True = edit.

        `feather` softens the composite's edge inside the region, in source pixels (see
        `Feather.at`). `behind` says for a task what shows what lies behind the region, and at which
        index: see `behind_keyframe`. InputError when the region is empty or of another size.

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
        canvas = canvas_of(frame, region, self.model.working_size, feather, behind)
        self._encode(canvas.pixels, canvas.mask)
        return PreparedKeyframe(self.model, canvas, self._encode, self.batch)

    def _encode(self, pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Conditions:
        key = hashlib.sha256(pixels.tobytes() + mask.tobytes()).hexdigest()
        found = self._conditions.pop(key, None)
        if found is None:
            with torch.inference_mode():
                found = self.model.encode(to_model(pixels[None]), mask_to_model(mask[None]))
            while len(self._conditions) >= _FRAMES_KEPT:
                self._conditions.popitem(last=False)
        self._conditions[key] = found
        return found


@dataclass
class PreparedKeyframe:
    """One frame and region, encoded: every further caption or seed costs only the denoising and a
    decode, and for a thing that takes a place of its own in the region another encoding.
    """

    model: VideoEngine
    canvas: Canvas
    encode: Callable[[NDArray[np.uint8], NDArray[np.bool_]], Conditions] = field(repr=False)
    batch: int = 1

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
        """One edited frame, uint8 (H, W, 3), for each seed, in order; equal to the source outside
        the region.

        With `keep` above 0, that share of the picture `start` (H, W, 3) is kept: its noised latent
        takes the place of the first steps. Reports every denoising step; Cancelled comes within one
        step. InputError for an unknown task or a missing caption, for a share that can't be kept,
        or a start of another size.

        Args:
            task: add, modify or delete.
            caption: What the region should show.
            seeds: One for each try.
            settings: Steps and guidance; the model's own where None.
            context: Reports every denoising step, and stops within one.
            start: uint8 (H, W, 3), a picture to start from.
            keep: The share of it that is kept, 0 to 0.95.

        Yields:
            uint8 (H, W, 3), in the order of the seeds.

        Raises:
            InputError: The task is unknown, a caption is missing, or the start can't be used.
            Cancelled: The job was stopped.
        """
        check_task(task, caption)
        self.model.check_does(task)
        sampling, guess = self._started_from(start, keep, self.model.sampling(task, settings))
        under = self.canvas.under(task)
        total = len(seeds) * sampling.runs
        context.report(STAGE, 0, total)
        removes = task == "delete" and not self.model.declared.shows_region
        pixels, mask = self.canvas.unseen(under) if removes else self.canvas.place(task, caption, settings.fit, under)
        if task == "delete" and under is not None and not (self.model.paints_background and mask.any()):
            for number, _ in enumerate(seeds, 1):
                yield under[0].inpaint(under[1], self.canvas.frame)
                context.report(STAGE, number * sampling.runs, total)
            return
        conditions = self.encode(pixels, mask)
        hollow = self.model.vocabulary is not None and self.model.vocabulary.is_hollow(caption)
        done = 0
        for first in range(0, len(seeds), self.batch):
            group = seeds[first : first + self.batch]

            def on_step(step: int, before: int = done, size: int = len(group)) -> None:
                context.report(STAGE, before + step * size, total)

            videos = self.model.paint(self.model.caption_for(task, caption), conditions, group, sampling, on_step, guess)
            done += len(group) * sampling.runs
            for seed, video in zip(group, videos, strict=True):
                edited = match_surroundings(to_frames(video)[0], pixels, mask)
                yield self.canvas.finished(task, edited, under, seed, self.model.object_mattes, hollow)

    def _started_from(self, start: NDArray[np.uint8] | None, keep: float, sampling: Sampling) -> tuple[Sampling, Tensor | None]:
        """How to sample, and the latent (1, 1, C, h, w) to start from (None: noise alone)."""
        started = self.canvas.start_of(start, keep)
        if started is None:
            return replace(sampling, strength=1.0), None
        with torch.inference_mode():
            return replace(sampling, strength=1 - keep), self.model.encode_pixels(to_model(started[None]))
