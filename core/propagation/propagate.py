"""Propagation: the accepted keyframe is carried through the clip, window by window, forwards and backwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import InputError
from core.geometry import Box, FrameRange
from core.masks import bounding_box, Feather
from core.progress import JobContext
from core.project.edits import check_task, SamplingSettings
from core.propagation.amodal import Overhang
from core.propagation.keyframe_warp import Accepted, Carrier, Trail
from core.propagation.motion import Margins, motion, smoothed_boxes
from core.propagation.result import accepted_frame, composed_frames, EditedWindow, fit_keyframe, Frame, Frames, Mask, Region
from core.propagation.warp import warp_along
from core.propagation.windows import plan_windows, Window
from core.render.background import Backdrop
from core.render.color_match import match_surroundings
from core.render.crop_path import follow_region
from core.render.grain import grain_around, ring_box
from core.render.region import CropRegion
from core.vivid.conditioning import BLACK, with_keyframe
from core.vivid.denoise import denoise
from core.vivid.model import Sampling, VividModel
from core.vivid.pixels import mask_to_model, to_frames, to_model

__all__ = ["EditedWindow", "Window", "composed_frames", "fit_keyframe", "propagate"]

STAGE = "propagate"
USUAL_FEATHER = Feather()


def propagate(
    model: VividModel,
    reader: Frames,
    region: Region,
    span: tuple[int, int],
    keyframe_index: int,
    keyframe: Frame,
    task: str,
    caption: str,
    seed: int,
    settings: SamplingSettings,
    context: JobContext,
    feather: Feather = USUAL_FEATHER,
    stored: Callable[[Window], EditedWindow | None] | None = None,
) -> Iterator[EditedWindow]:
    """Edit the frames of the half-open `span` like the accepted `keyframe`, uint8 (H, W, 3), at `keyframe_index`.

    Yields windows as they finish: forwards from the keyframe, then backwards. Each continues from the last edited frame of the one
    before, composited at full size in memory, and chooses its own crops. The keyframe itself is never made again; frames where the
    region is empty belong to no window. Reports every denoising step; Cancelled comes within one step.

    Around the edit the source shows; where a modify replaces something, what lies behind the region: a person widens it over what is to go.

    `feather` is how soft the region's edge is; a task that deletes has a hard one, as its fill goes on in what surrounds it.

    `stored` is asked before a window is made: what it gives (the window as an earlier run made it) is taken as it is, and the chain goes
    on from there to the same pixels.

    InputError for a span, region or keyframe that doesn't fit the clip, an unknown task or a missing caption.
    """
    check_task(task, caption)
    _check(reader, region, span, keyframe_index, keyframe)
    sampling = model.sampling("delete" if task == "delete" else "propagate", settings)
    windows = plan_windows(span, keyframe_index, model.window_frames, region.is_empty)
    total = len(windows) * sampling.runs
    context.report(STAGE, 0, total)

    behind = None if task == "add" else Backdrop(reader, region)
    if behind is not None:
        behind.look([keyframe_index])
    source = reader.frame(keyframe_index)
    picture = accepted_frame(source, keyframe, region[keyframe_index])
    base = behind.fill(keyframe_index, source) if behind is not None and task == "modify" else source
    overhang = Overhang(region)
    first = Accepted.of(picture, base, region[keyframe_index], _found(overhang, keyframe_index))
    last, shown, trail = keyframe_index, picture, None
    for number, window in enumerate(windows):
        if window.direction != windows[number - 1].direction or window.bridge == keyframe_index:
            last, shown, trail = keyframe_index, picture, None
        if behind is not None:
            behind.look(window.frames, (last, shown) if task == "delete" and last == window.bridge else None)
        finished = stored(window) if stored is not None else None
        if finished is None:

            def on_step(step: int, before: int = number * sampling.runs) -> None:
                context.report(STAGE, before + step, total)

            cut = _cut_window(model, reader, region, overhang, window, first.margins, shown if last == window.bridge else None, context)
            guess = cut.carried(shown, region[last])
            redrawn = _redraw(model, task, caption, cut, guess, seed, sampling, on_step)
            if behind is not None and task == "delete":
                finished = EditedWindow.of(window.edited, _deleted(cut, redrawn, behind, context), region)
            else:
                carrier = _carrier(cut, overhang, redrawn[0], first, (last, shown), trail, model.kept)
                pictures = _carried(cut, region, feather, redrawn, behind, carrier, seed, context)
                finished = EditedWindow.of(window.edited, pictures, region)
                finished = replace(finished, trail=carrier.trail)
        else:
            context.report(STAGE, (number + 1) * sampling.runs, total)
        last = window.frames[-1]
        shown, trail = finished.onto(last, reader.frame(last), region[last]), finished.trail
        yield finished


def _check(reader: Frames, region: Region, span: tuple[int, int], keyframe_index: int, keyframe: Frame) -> None:
    start, stop = span
    FrameRange(start, stop).check(len(reader))
    if not start <= keyframe_index < stop:
        raise InputError(f"the keyframe {keyframe_index} is outside the frames {start}:{stop} that are to be edited: choose one of these")
    if start not in region.frames or stop - 1 not in region.frames:
        raise InputError(f"the region covers the frames {region.frames.start}:{region.frames.stop}, not all of {start}:{stop}")
    if region.is_empty(keyframe_index):
        raise InputError(f"the region to edit is empty on the keyframe {keyframe_index}: choose a frame where it is not")
    mask = region[keyframe_index]
    if keyframe.shape != (*mask.shape, 3):
        raise InputError(
            f"the keyframe is {keyframe.shape[1]}x{keyframe.shape[0]}, the region {mask.shape[1]}x{mask.shape[0]}: they have to agree"
        )


@dataclass(frozen=True)
class _Cut:
    """A window as the model sees it: pixels (T, h, w, 3) and masks (T, h, w), padded to 8k + 1 frames by repeating the last; the crop and
    the full-size frame of each, the bridge's as edited and as it was; and the masks' boxes as their motion is read from them, which may go
    beyond the picture."""

    window: Window
    sources: list[Frame]
    before: Frame
    crops: list[CropRegion]
    boxes: list[Box[float] | None]
    pixels: NDArray[np.uint8]
    masks: NDArray[np.bool_]

    def carried(self, picture: Frame, mask: Mask) -> NDArray[np.uint8]:
        """The pixels with what `picture` (H, W, 3) shows in `mask` moved into each frame's mask: what a model may start from."""
        bridge = self.crops[0].cut(picture)
        result = warp_along(bridge, self.crops[0].cut_mask(mask), self.pixels, self.masks)
        start, shape = self.boxes[0], picture.shape[:2]
        for position, (crop, end) in enumerate(zip(self.crops, self.boxes, strict=True)):
            # `warp_along`, which models are trained with, knows no more than what is seen.
            if start is not None and end is not None and (_beyond(start, shape) or _beyond(end, shape)):
                matrix = crop.matrix @ motion(start, end, shape) @ np.linalg.inv(self.crops[0].matrix)
                moved = cv2.warpAffine(bridge, matrix[:2], bridge.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
                result[position] = np.where(self.masks[position][..., None], moved, result[position])
        result[len(self.boxes) :] = result[len(self.boxes) - 1]
        return result


def _beyond(box: Box[float], shape: tuple[int, ...]) -> bool:
    """Whether a side is known to lie outside the picture."""
    return box.x0 < 0 or box.y0 < 0 or box.x1 > shape[1] or box.y1 > shape[0]


def _cut_window(
    model: VividModel,
    reader: Frames,
    region: Region,
    overhang: Overhang,
    window: Window,
    margins: Margins,
    bridge: Frame | None,
    context: JobContext,
) -> _Cut:
    """Read a window. `margins` are those of the keyframe, `bridge` is the window's first frame as edited, None for the source."""
    first, last = min(window.frames), max(window.frames)
    read: dict[int, Frame] = {}
    for index, source in zip(range(first, last + 1), reader.frames(first, last + 1), strict=True):
        context.check()
        read[index] = source
    sources = [read[frame] for frame in window.frames]
    before = sources[0]
    if bridge is not None:
        sources[0] = bridge
    height, width = sources[0].shape[:2]
    crops = follow_region([bounding_box(region[frame]) for frame in window.frames], (width, height), model.working_size)
    pixels = np.stack([crop.cut(source) for crop, source in zip(crops, sources, strict=True)])
    masks = np.stack([crop.cut_mask(region[frame]) for crop, frame in zip(crops, window.frames, strict=True)])
    padding = -(len(window.frames) - 1) % model.pipeline.frame_unit
    return _Cut(
        window,
        sources,
        before,
        crops,
        smoothed_boxes([overhang.box(frame) for frame in window.frames], (height, width), margins),
        np.concatenate([pixels, pixels[-1:].repeat(padding, 0)]),
        np.concatenate([masks, masks[-1:].repeat(padding, 0)]),
    )


def _redraw(
    model: VividModel,
    task: str,
    caption: str,
    cut: _Cut,
    guess: NDArray[np.uint8],
    seed: int,
    sampling: Sampling,
    on_step: Callable[[int], None],
) -> list[NDArray[np.uint8]]:
    """The model's answer for each frame of the window, the bridge's included, in the colours of what surrounds the region."""
    kept, hole = with_keyframe(to_model(cut.pixels), mask_to_model(cut.masks), to_model(cut.pixels[:1]))
    carried = to_model(guess)
    with torch.inference_mode():
        start = model.pipeline.encode_pixels(carried) if sampling.strength < 1 else None
        conditions = model.pipeline.encode_masked(kept, hole, carried if model.hole == "carried" and task != "delete" else BLACK)
    video = denoise(model, model.caption_for(task, caption), *conditions, [seed], sampling, on_step, start)
    answers = zip(to_frames(video[0]), cut.pixels, cut.masks, cut.sources, strict=False)
    return [match_surroundings(answer, pixels, mask) for answer, pixels, mask, _ in answers]


def _deleted(cut: _Cut, redrawn: list[NDArray[np.uint8]], behind: Backdrop, context: JobContext) -> Iterator[Frame]:
    """The finished frames of a window, the bridge left out: what lies behind the region, with the model's answer for what nothing shows.

    It continues what surrounds the region, so its edge needs no softening, which would let the rim of what is deleted shine through.
    """
    for position, frame in enumerate(cut.window.frames[1:], 1):
        context.check()
        source = cut.sources[position]
        yield behind.fill(frame, source, cut.crops[position].over(source, redrawn[position]))


def _found(overhang: Overhang, frame: int) -> Box[float]:
    box = overhang.box(frame)
    if box is None:
        raise ValueError(f"nothing is edited on frame {frame}")
    return box


def _carrier(
    cut: _Cut, overhang: Overhang, redrawn: Frame, keyframe: Accepted, last: tuple[int, Frame], trail: Trail | None, kept: float
) -> Carrier:
    """`last` is the last finished frame and its index, `trail` its way from the keyframe (None for the keyframe itself)."""
    index, picture = last
    found = _found(overhang, index)
    box = (cut.boxes[0] or found) if index == cut.window.bridge else found
    crop = cut.crops[0]
    before = redrawn if index == cut.window.bridge else crop.cut(picture)
    return Carrier(keyframe, trail or Trail.start(box, crop), picture, crop, before, kept)


def _carried(
    cut: _Cut,
    region: Region,
    feather: Feather,
    redrawn: list[Frame],
    behind: Backdrop | None,
    carrier: Carrier,
    seed: int,
    context: JobContext,
) -> Iterator[Frame]:
    """The finished frames of a window, the bridge left out."""
    for position, frame in enumerate(cut.window.frames[1:], 1):
        context.check()
        source, end = cut.sources[position], cut.boxes[position]
        if end is None:
            yield source
            continue
        under = source if behind is None else behind.fill(frame, source)
        mask = region[frame]
        ring = ring_box(mask)
        # Without the frame before, texture would pass for grain; an edit, which has been smoothed, for none.
        before = cut.sources[position - 1] if position > 1 else cut.before
        grain = grain_around(ring.crop(source), ring.crop(mask), ring.crop(before))
        yield carrier.onto(source, under, mask, feather.at(frame), end, cut.crops[position], redrawn[position], grain, (seed, frame))
