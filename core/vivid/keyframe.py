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

from core.background import BackgroundModel
from core.background.footage import Frames, Region
from core.errors import InputError
from core.masks import Widths
from core.progress import JobContext
from core.project.edits import check_keep, check_task, SamplingSettings
from core.render.color_match import match_surroundings
from core.render.composite import composite, soft_edge
from core.render.edit_alpha import edit_alpha
from core.render.grain import add_grain, grain_around, ring_box
from core.render.object_mattes import matte_objects
from core.render.proportions import place_in
from core.render.region import CropRegion, plan_region
from core.vivid.denoise import denoise
from core.vivid.model import Sampling, VividModel
from core.vivid.pixels import mask_to_model, to_frames, to_model

Behind = Callable[[str], tuple[BackgroundModel, int] | None]

STAGE = "keyframe"
_FRAMES_KEPT = 8


class KeyframeStudio:
    """Prepares frames for a model and remembers the last few by their content.

    `batch` seeds are denoised at once. With 1 the pixels of a seed do not depend on the others, to
    the last bit, and the first try is there soonest; more is a little faster on a GPU and exact up
    to rounding.
    """

    def __init__(self, model: VividModel, batch: int = 1) -> None:
        self.model = model
        self.batch = batch
        self._conditions: OrderedDict[str, tuple[Tensor, Tensor]] = OrderedDict()

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
        if region.shape != frame.shape[:2]:
            raise InputError(
                f"the region is {region.shape[1]}x{region.shape[0]}, the frame {frame.shape[1]}x{frame.shape[0]}: they have to agree"
            )
        if not region.any():
            raise InputError("the region to edit is empty on this frame: select something, or choose another keyframe")
        crop = plan_region([region], (frame.shape[1], frame.shape[0]), self.model.working_size)
        pixels, mask = crop.crop(frame), crop.crop_mask(region)
        alpha = soft_edge(region, feather)
        self._encode(pixels, mask)
        return PreparedKeyframe(self.model, frame, region, behind, alpha, crop, pixels, mask, self._encode, self.batch)

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
    """One frame and region, encoded: every further caption or seed costs only the denoising and a
    decode, and for a thing that takes a place of its own in the region another encoding.
    """

    model: VividModel
    frame: NDArray[np.uint8]
    region: NDArray[np.bool_]
    behind: Behind | None
    alpha: NDArray[np.float32]
    crop: CropRegion
    pixels: NDArray[np.uint8] = field(repr=False)
    mask: NDArray[np.bool_] = field(repr=False)
    encode: Callable[[NDArray[np.uint8], NDArray[np.bool_]], tuple[Tensor, Tensor]] = field(repr=False)
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
        sampling, guess = self._started_from(start, keep, self.model.sampling(task, settings))
        under = self.behind(task) if self.behind is not None else None
        total = len(seeds) * sampling.runs
        context.report(STAGE, 0, total)
        if task == "delete" and under is not None and not self.model.paints_background:
            for number, _ in enumerate(seeds, 1):
                yield under[0].inpaint(under[1], self.frame)
                context.report(STAGE, number * sampling.runs, total)
            return
        pixels, mask = self._painted(task, caption, settings, under)
        masked_latents, mask_latents = self.encode(pixels, mask)
        done = 0
        for first in range(0, len(seeds), self.batch):
            group = seeds[first : first + self.batch]

            def on_step(step: int, before: int = done, size: int = len(group)) -> None:
                context.report(STAGE, before + step * size, total)

            videos = denoise(
                self.model,
                self.model.caption_for(task, caption),
                masked_latents,
                mask_latents,
                group,
                sampling,
                on_step,
                guess,
            )
            done += len(group) * sampling.runs
            for seed, video in zip(group, videos, strict=True):
                edited = match_surroundings(to_frames(video)[0], pixels, mask)
                yield self._finished(task, caption, edited, under, seed)

    def _painted(
        self, task: str, caption: str, settings: SamplingSettings, under: tuple[BackgroundModel, int] | None
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """What the model sees, (h, w, 3), and which of it it paints, (h, w): all of the region, or
        the place that a thing of its own proportions takes in it.
        """
        place = self.region if task == "delete" else place_in(self.region, caption, settings.fit)
        if place is self.region:
            return self.pixels, self.mask
        frame = self.frame if under is None else under[0].inpaint(under[1], self.frame)
        return self.crop.crop(frame), self.crop.crop_mask(place)

    def _started_from(self, start: NDArray[np.uint8] | None, keep: float, sampling: Sampling) -> tuple[Sampling, Tensor | None]:
        """How to sample, and the latent (1, 1, C, h, w) to start from (None: noise alone)."""
        check_keep(keep)
        if start is None or keep == 0:
            return replace(sampling, strength=1.0), None
        if start.shape != self.frame.shape:
            raise InputError(f"the picture to start from is {start.shape[1]}x{start.shape[0]}, the frame another size")
        with torch.inference_mode():
            return replace(sampling, strength=1 - keep), self.model.pipeline.encode_pixels(to_model(self.crop.crop(start)[None]))

    def _finished(
        self, task: str, caption: str, edited: NDArray[np.uint8], under: tuple[BackgroundModel, int] | None, seed: int
    ) -> NDArray[np.uint8]:
        """The whole frame with the crop `edited` (h, w, 3): background that it only repainted stays
        the source, or what lies behind.
        """
        whole = self.crop.over(self.frame, edited)
        if task == "delete":
            if under is None:
                return composite(self.frame, whole, self.alpha)
            return under[0].inpaint(under[1], self.frame, whole)
        ring = ring_box(self.region)
        grain = grain_around(ring.crop(self.frame), ring.crop(self.region))
        base = self.frame if under is None else under[0].inpaint(under[1], self.frame)
        if task == "modify" and under is None:
            return composite(self.frame, add_grain(whole, self.alpha, grain, (seed,)), self.alpha)
        area = self.crop.inside.slices
        result = self.frame.copy()
        shown = edit_alpha(whole[area], base[area], self.region[area])
        if self.model.object_mattes:
            hollow = self.model.vocabulary is not None and self.model.vocabulary.is_hollow(caption)
            shown = matte_objects(whole[area], self.region[area], shown, hollow)
        # The edit fades into what lies behind it: the source, or what hides it, which must not
        # shine through at the region's edge.
        laid = composite(base[area], add_grain(whole[area], shown, grain, (seed,)), shown * self.alpha[area])
        result[area] = np.where(self.region[area][..., None], laid, self.frame[area])
        return result


def behind_keyframe(reader: Frames, region: Region, index: int) -> Behind:
    """For `KeyframeStudio.prepare`: what lies behind the region of frame `index`, as `propagate`
    will find it. Looks when first asked.

    Args:
        reader: The clip.
        region: What may change.
        index: Number of the keyframe.

    Returns:
        Gives the background model and the frame's number for a task; None for an add.
    """
    looked: list[BackgroundModel] = []

    def behind(task: str) -> tuple[BackgroundModel, int] | None:
        if task == "add":
            return None
        if not looked:
            looked.append(BackgroundModel(reader, region))
        return looked[0], index

    return behind
