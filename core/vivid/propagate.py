"""Propagation: the accepted keyframe is carried through the clip, window by window, forwards and backwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import InputError
from core.masks import feather as feathered
from core.progress import JobContext
from core.project.edits import check_task, SamplingSettings
from core.project.video import check_span
from core.render.match import match_surroundings
from core.render.region import CropRegion, plan_region
from core.vivid.conditioning import BLACK, with_keyframe
from core.vivid.denoise import denoise
from core.vivid.model import VividModel
from core.vivid.pixels import mask_to_model, to_frames, to_model
from core.vivid.result import accepted_frame, composed_frames, EditedWindow, fit_keyframe, Frame, Frames, Region
from core.vivid.warp import warp_along
from core.vivid.windows import plan_windows, Window

__all__ = ["EditedWindow", "Window", "composed_frames", "fit_keyframe", "propagate"]

STAGE = "propagate"


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
    feather: int = 4,
    stored: Callable[[Window], EditedWindow | None] | None = None,
) -> Iterator[EditedWindow]:
    """Edit the frames of the half-open `span` like the accepted `keyframe`, uint8 (H, W, 3), at `keyframe_index`.

    Yields windows as they finish: forwards from the keyframe, then backwards. Each continues from the last edited frame of the one
    before, composited at full size in memory, and chooses its own crop. The keyframe itself is never made again; frames where the
    region is empty belong to no window. Reports every denoising step; Cancelled comes within one step.

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

    accepted = accepted_frame(reader.frame(keyframe_index), keyframe, region[keyframe_index])
    last: tuple[int, Frame] = keyframe_index, accepted
    for number, window in enumerate(windows):
        if window.bridge == keyframe_index:
            last = keyframe_index, accepted
        elif last[0] != window.bridge:  # untouched frames lie between: the chain goes on from the source
            last = window.bridge, reader.frame(window.bridge)

        finished = stored(window) if stored is not None else None
        if finished is not None:
            final = window.frames[-1]
            last = final, finished.crop.paste(reader.frame(final), finished.crops[-1], feathered(region[final], feather))
            context.report(STAGE, (number + 1) * sampling.runs, total)
            yield finished
            continue

        def on_step(step: int, before: int = number * sampling.runs) -> None:
            context.report(STAGE, before + step, total)

        crop, pixels, masks, final_source = _cut_window(model, reader, region, window, last[1], context)
        kept, hole = with_keyframe(to_model(pixels), mask_to_model(masks), to_model(pixels[:1]))
        filled = model.hole == "carried" and task != "delete"
        with torch.inference_mode():
            guess, filling = None, None
            if filled or sampling.strength < 1:
                carried = to_model(warp_along(pixels[0], crop.cut_mask(region[window.bridge]), pixels, masks))
                filling = carried if filled else None
                guess = model.pipeline.encode_pixels(carried) if sampling.strength < 1 else None
            conditions = model.pipeline.encode_masked(kept, hole, BLACK if filling is None else filling)
        video = denoise(model, model.caption_for(task, caption), *conditions, [seed], sampling, on_step, guess)
        crops = np.stack([match_surroundings(*frame) for frame in zip(to_frames(video[0]), pixels, masks, strict=True)])
        crops = crops[1 : len(window.frames)]
        final = window.frames[-1]
        last = final, crop.paste(final_source, crops[-1], feathered(region[final], feather))
        yield EditedWindow(window.edited, crop, crops)


def _check(reader: Frames, region: Region, span: tuple[int, int], keyframe_index: int, keyframe: Frame) -> None:
    start, stop = span
    check_span(start, stop, len(reader))
    if not start <= keyframe_index < stop:
        raise InputError(f"the keyframe {keyframe_index} is outside the frames {start}:{stop} that are to be edited")
    if start not in region.frames or stop - 1 not in region.frames:
        raise InputError(f"the region covers the frames {region.frames.start}:{region.frames.stop}, not all of {start}:{stop}")
    if region.is_empty(keyframe_index):
        raise InputError(f"the region to edit is empty on the keyframe {keyframe_index}: choose a frame where it is not")
    mask = region[keyframe_index]
    if keyframe.shape != (*mask.shape, 3):
        raise InputError(
            f"the keyframe is {keyframe.shape[1]}x{keyframe.shape[0]}, the region {mask.shape[1]}x{mask.shape[0]}: they have to agree"
        )


def _cut_window(
    model: VividModel, reader: Frames, region: Region, window: Window, bridge: Frame, context: JobContext
) -> tuple[CropRegion, NDArray[np.uint8], NDArray[np.bool_], Frame]:
    """The window at the working size, padded to 8k + 1 frames by repeating the last, and the full-size source of its last frame.

    Full-size frames are read one at a time and dropped: only crops are kept.
    """
    height, width = bridge.shape[:2]
    crop = plan_region((region[frame] for frame in window.frames), (width, height), model.working_size)
    first, last = min(window.frames), max(window.frames)
    cuts: dict[int, NDArray[np.uint8]] = {}
    final_source = bridge
    for index, source in zip(range(first, last + 1), reader.frames(first, last + 1), strict=True):
        context.check()
        if index == window.frames[-1]:
            final_source = source
        cuts[index] = crop.cut(bridge if index == window.bridge else source)
    pixels = np.stack([cuts[frame] for frame in window.frames])
    masks = np.stack([crop.cut_mask(region[frame]) for frame in window.frames])
    padding = -(len(window.frames) - 1) % model.pipeline.frame_unit
    return (
        crop,
        np.concatenate([pixels, pixels[-1:].repeat(padding, 0)]),
        np.concatenate([masks, masks[-1:].repeat(padding, 0)]),
        final_source,
    )
