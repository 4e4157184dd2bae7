"""Keyframe mode: one frame, a region, captions to try. What does not depend on the caption is computed once."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import InputError
from core.masks import feather as feathered
from core.progress import JobContext
from core.project.edits import check_task, SamplingSettings
from core.render.match import match_surroundings
from core.render.region import CropRegion, plan_region
from core.render.visible import visible_edit
from core.vivid.denoise import denoise
from core.vivid.model import VividModel
from core.vivid.pixels import mask_to_model, to_frames, to_model

STAGE = "keyframe"
_FRAMES_KEPT = 8


class KeyframeStudio:
    """Prepares frames for a model and remembers the last few by their content.

    `batch` seeds are denoised at once. With 1 the pixels of a seed do not depend on the others, to the last bit, and the first try is
    there soonest; more is a little faster on a GPU and exact up to rounding.
    """

    def __init__(self, model: VividModel, batch: int = 1) -> None:
        self.model = model
        self.batch = batch
        self._conditions: OrderedDict[str, tuple[Tensor, Tensor]] = OrderedDict()

    def prepare(
        self, frame: NDArray[np.uint8], region: NDArray[np.bool_], feather: int = 4, objects: NDArray[np.bool_] | None = None
    ) -> PreparedKeyframe:
        """Cut and encode what the model sees of `frame` uint8 (H, W, 3) with `region` bool (H, W), True = edit.

        `feather` softens the composite's edge inside the region, in source pixels. `objects` (H, W) is what a modify replaces, where the
        region is wider: see `propagate`. InputError when the region is empty or of another size.
        """
        if region.shape != frame.shape[:2]:
            raise InputError(
                f"the region is {region.shape[1]}x{region.shape[0]}, the frame {frame.shape[1]}x{frame.shape[0]}: they have to agree"
            )
        if not region.any():
            raise InputError("the region to edit is empty on this frame: select something, or choose another keyframe")
        crop = plan_region([region], (frame.shape[1], frame.shape[0]), self.model.working_size)
        pixels, mask = crop.cut(frame), crop.cut_mask(region)
        hidden = region if objects is None else objects & region
        alpha = feathered(region, feather)
        return PreparedKeyframe(self.model, frame, region, hidden, alpha, crop, pixels, mask, *self._encode(pixels, mask), self.batch)

    def _encode(self, pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> tuple[Tensor, Tensor]:
        key = hashlib.sha256(pixels.tobytes() + mask.tobytes()).hexdigest()
        found = self._conditions.pop(key, None)
        if found is None:
            with torch.inference_mode():
                found = self.model.pipeline.encode_masked(to_model(pixels[None]), mask_to_model(mask[None]))
            while len(self._conditions) >= _FRAMES_KEPT:
                self._conditions.popitem(last=False)
        self._conditions[key] = found
        return found


@dataclass
class PreparedKeyframe:
    """One frame and region, encoded: every further caption or seed costs only the denoising and a decode."""

    model: VividModel
    frame: NDArray[np.uint8]
    region: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    alpha: NDArray[np.float32]
    crop: CropRegion
    pixels: NDArray[np.uint8] = field(repr=False)
    mask: NDArray[np.bool_] = field(repr=False)
    masked_latents: Tensor = field(repr=False)
    mask_latents: Tensor = field(repr=False)
    batch: int = 1

    def tries(
        self, task: str, caption: str, seeds: Sequence[int], settings: SamplingSettings, context: JobContext
    ) -> Iterator[NDArray[np.uint8]]:
        """One edited frame, uint8 (H, W, 3), for each seed, in order; equal to the source outside the region.

        Reports every denoising step; Cancelled comes within one step. InputError for an unknown task or a missing caption.
        """
        check_task(task, caption)
        sampling = self.model.sampling(task, settings)
        total = len(seeds) * sampling.steps
        context.report(STAGE, 0, total)
        done = 0
        for start in range(0, len(seeds), self.batch):
            group = seeds[start : start + self.batch]

            def on_step(step: int, before: int = done, size: int = len(group)) -> None:
                context.report(STAGE, before + step * size, total)

            videos = denoise(
                self.model,
                self.model.caption_for(task, caption),
                self.masked_latents,
                self.mask_latents,
                group,
                sampling,
                on_step,
            )
            done += len(group) * sampling.steps
            for video in videos:
                edited = match_surroundings(to_frames(video)[0], self.pixels, self.mask)
                yield self.crop.paste(self.frame, edited, self.alpha if task == "delete" else self.alpha * self._shown(edited, task))

    def _shown(self, edited: NDArray[np.uint8], task: str) -> NDArray[np.float32]:
        """How much of the crop `edited` (h, w, 3) to show, for the whole frame: background that it only repainted stays the source."""
        shown = np.zeros(self.region.shape, np.float32)
        x0, y0, x1, y1 = self.crop.inside
        area = np.s_[y0:y1, x0:x1]
        hidden = self.hidden[area] if task == "modify" else None
        shown[area] = visible_edit(self.crop.enlarge(edited), self.frame[area], self.region[area], hidden)
        return shown
