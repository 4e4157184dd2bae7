"""Direct editing: a clip edited by its caption alone, without a keyframe.

Half of the training shows the model this. The editor works with keyframes; this is what they are
measured against.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from core.geometry import FrameRange
from core.masks import bounding_box, MaskSequence
from core.progress import JobContext
from core.project.edits import check_task, SamplingSettings
from core.propagation.result import Frame, Frames
from core.propagation.windows import plan_windows, Window
from core.render.color_match import match_surroundings
from core.render.crop_path import crop_path
from core.vivid.contract import VideoEngine
from core.vivid.pixels import mask_to_model, to_frames, to_model


@dataclass(frozen=True)
class DirectEdit:
    """What is asked for: a task and its caption in `region`, which covers the clip."""

    region: MaskSequence
    task: str
    caption: str
    settings: SamplingSettings
    seed: int = 0


def edit_directly(model: VideoEngine, reader: Frames, edit: DirectEdit, context: JobContext) -> Iterator[tuple[int, Frame, Frame]]:
    """Edit a clip without a keyframe.

    The model paints the region of the first window from noise; each later window goes on from the
    last finished frame, as in the paper.

    Args:
        model: The video model.
        reader: The clip.
        edit: What is asked for.
        context: Work stops when it is cancelled.

    Yields:
        Of each frame with a region its number, the result and the model's raw output, both uint8
        (H, W, 3); in order.

    Raises:
        InputError: The task is unknown, or its caption is missing.
        Cancelled: The job was stopped.
    """
    check_task(edit.task, edit.caption)
    region = edit.region
    with_region = [index for index in region.frames if not region.is_empty(index)]
    if not with_region:
        return
    first = _first_window(with_region, model.window_frames)
    rest = plan_windows(FrameRange(first.frames[-1], len(reader)), first.frames[-1], model.window_frames, region.is_empty)
    last: tuple[int, Frame] | None = None
    for number, window in enumerate([first, *rest]):
        made = window.frames if number == 0 else window.edited
        known = last[1] if last is not None and last[0] == window.conditioning_frame else None
        for index, result, raw in _window(model, reader, edit, window, known, context):
            if index in made and not region.is_empty(index):
                yield index, result, raw
            last = index, result


def _first_window(with_region: list[int], length: int) -> Window:
    start = with_region[0]
    stop = max(index for index in with_region if index < start + length) + 1
    return Window("forward", tuple(range(start, stop)))


def _window(
    model: VideoEngine, reader: Frames, edit: DirectEdit, window: Window, known: Frame | None, context: JobContext
) -> Iterator[tuple[int, Frame, Frame]]:
    """The frames of a window, with results and raw output. `known` is the finished conditioning
    frame, where there is one.
    """
    sources = list(reader.frames(window.frames[0], window.frames[-1] + 1))
    masks = [edit.region[index] for index in window.frames]
    if known is not None:
        sources[0], masks[0] = known, np.zeros_like(masks[0])
    height, width = sources[0].shape[:2]
    crops = crop_path([bounding_box(edit.region[index]) for index in window.frames], (width, height), model.working_size)
    padding = -(len(sources) - 1) % model.frame_unit
    pixels = np.stack([crop.crop(source) for crop, source in zip(crops, sources, strict=True)])
    hidden = np.stack([crop.crop_mask(mask) for crop, mask in zip(crops, masks, strict=True)])
    pixels, hidden = (np.concatenate([part, part[-1:].repeat(padding, 0)]) for part in (pixels, hidden))
    # From noise, with as many steps as a keyframe of the task takes.
    sampling = model.sampling(edit.task, edit.settings)

    def on_step(step: int) -> None:
        context.check()

    with torch.inference_mode():
        conditions = model.encode(to_model(pixels), mask_to_model(hidden))
    video = model.paint(model.caption_for(edit.task, edit.caption), conditions, [edit.seed], sampling, on_step)
    for index, source, mask, crop, seen, inside, answer in zip(
        window.frames, sources, masks, crops, pixels, hidden, to_frames(video[0]), strict=False
    ):
        painted = crop.over(source, match_surroundings(answer, seen, inside)) if mask.any() else source
        yield index, np.where(mask[..., None], painted, source), crop.over(source, answer)
