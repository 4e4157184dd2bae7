"""Runs the video model on clips in memory the way the editor does: a keyframe, then propagation,
then the composited frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from core.background.canvas import Behind
from core.evaluation.arrays import Frame, Frames, Mask, Masks
from core.evaluation.clips import as_sequence, FramesInMemory
from core.geometry import FrameRange
from core.masks import Feather
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.propagation.mask_motion import warp_frames
from core.propagation.propagate import propagate
from core.propagation.request import EditRequest, Keyframe
from core.propagation.result import composite_frames
from core.vivid.conditioning import with_keyframe
from core.vivid.contract import VideoEngine
from core.vivid.keyframe import KeyframeStudio
from core.vivid.pixels import mask_to_model, to_frames, to_model

SETTINGS = SamplingSettings()
"""The model's own."""


def paint_keyframe(
    model: VideoEngine,
    frame: Frame,
    region: Mask,
    task: str,
    caption: str,
    context: JobContext,
    feather: int = 0,
    behind: Behind | None = None,
) -> Frame:
    """Paint the first try at one frame, as the editor's keyframe step does.

    Args:
        model: The video model.
        frame: (H, W, 3).
        region: (H, W).
        task: Add, modify or delete.
        caption: What the region should show.
        context: Work stops when it is cancelled.
        feather: Width of the soft edge in pixels.
        behind: What is behind the region, if that is known.

    Returns:
        The painted frame.
    """
    prepared = KeyframeStudio(model).prepare(frame, region, feather, behind)
    return next(iter(prepared.tries(task, caption, (0,), SETTINGS, JobContext(token=context.token))))


def propagate_keyframe(
    model: VideoEngine, frames: Frames, region: Masks, keyframe: Frame, task: str, caption: str, context: JobContext, feather: int = 0
) -> Frames:
    """Edit a clip like its frame 0, as the editor propagates and composites it.

    Args:
        model: The video model.
        frames: (T, H, W, 3).
        region: (T, H, W).
        keyframe: The edited frame 0.
        task: Add, modify or delete.
        caption: What the region should show.
        context: Work stops when it is cancelled.
        feather: Width of the soft edge in pixels; with one, the source shows at the region's rim,
            where it may be the truth.

    Returns:
        The edited clip.
    """
    reader, sequence = FramesInMemory(frames), as_sequence(region)
    accepted = Keyframe(0, keyframe, task, caption, seed=0)
    request = EditRequest(FrameRange(0, len(frames)), sequence, (accepted,), SETTINGS, Feather(feather))
    windows = list(propagate(model, reader, request, JobContext(token=context.token)))
    return np.stack([result for _, _, result in composite_frames(reader, sequence, request.frames, windows, 0, keyframe)])


def with_window(model: VideoEngine, frames: int) -> VideoEngine:
    """The same model with windows of another length (a multiple of its frame unit, plus 1)."""
    return replace(model, window_frames=frames)


def own_first_frame(model: VideoEngine, frames: Frames, region: Masks, caption: str) -> Frame:
    """Let the model give back frame 0 when frame 0 is the keyframe; the editor never shows it.

    Args:
        model: The video model.
        frames: (T, h, w, 3) at the working size, at most one window.
        region: (T, h, w).
        caption: What the region shows.

    Returns:
        The frame, (h, w, 3).
    """
    pixels, hole = with_keyframe(to_model(frames), mask_to_model(region), to_model(frames[:1]))
    filling = to_model(warp_frames(frames[0], region[0], frames, region)) if model.mask_fill == "warped" else None
    with torch.inference_mode():
        conditions = model.encode(pixels, hole, filling)
    sampling = replace(model.sampling("propagate", SETTINGS), strength=1.0)
    video = model.paint(caption, conditions, [0], sampling, lambda step: None)
    return to_frames(video[0])[0]
