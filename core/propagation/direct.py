"""Direct edits: a clip painted from its caption alone, without a keyframe, as half of the training
shows it to the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from core.background import BackgroundModel
from core.background.canvas import Canvas
from core.errors import InputError
from core.geometry import FrameRange
from core.progress import JobContext
from core.propagation.amodal import AmodalExtent
from core.propagation.mask_motion import NO_MARGINS
from core.propagation.redraw import Answered, redraw
from core.propagation.request import EditRequest, Keyframe
from core.propagation.result import EditedWindow, Frame, Frames, Mask, Region
from core.propagation.window_input import WindowInput, WindowReader
from core.propagation.windows import STAGE, Window
from core.render.composite import soft_edge
from core.render.proportions import place_in
from core.vivid.contract import Sampling, VideoEngine


def direct_start(region: Region, frames: FrameRange) -> int:
    """The frame on which a direct edit begins: the first one with a region. InputError where there
    is none.
    """
    for frame in frames.frames:
        if not region.is_empty(frame):
            return frame
    raise InputError("the region is empty on every frame, so there is nothing to paint: select something first")


def direct_keyframe(reader: Frames, start: int, task: str, caption: str, seed: int) -> Keyframe:
    """What a direct edit has in a keyframe's place: the source's own frame, which nothing shows.

    Args:
        reader: The clip.
        start: The frame on which it begins, see `direct_start`.
        task: Add, modify or delete.
        caption: What the region should show; empty to delete.
        seed: Of the noise.

    Returns:
        The keyframe of a request.
    """
    return Keyframe(start, reader.frame(start), task, caption, seed, "direct")


def paint_directly(
    model: VideoEngine,
    reader: Frames,
    request: EditRequest,
    windows: Sequence[Window],
    sampling: Sampling,
    context: JobContext,
    stored: Callable[[Window], EditedWindow | None] | None = None,
    answered: Answered | None = None,
) -> Iterator[EditedWindow]:
    """Paint the windows of a direct edit.

    The first is painted from noise, each later one goes on from the last finished frame of the one
    before, as in the paper. What is painted comes back into its frame as a keyframe does: a thing
    is cut out of background that was only painted again. Of a deletion, the model paints all of the
    region, whatever other frames show.

    Args:
        model: The video model.
        reader: The clip.
        request: What to edit; its keyframe is that of a direct edit.
        windows: The windows to make, in order.
        sampling: How each is denoised.
        context: Reports every denoising step, and stops within one.
        stored: Asked before a window is made.
        answered: Told of what the model itself gives back.

    Yields:
        Windows as they finish.

    Raises:
        Cancelled: The job was stopped.
    """
    painter = _Painter(model, reader, request)
    total = len(windows) * sampling.runs
    last: tuple[int, Frame] | None = None
    for number, window in enumerate(windows):
        finished = stored(window) if stored is not None else None
        if finished is None:

            def on_step(step: int, before: int = number * sampling.runs) -> None:
                context.report(STAGE, before + step, total)

            known = last[1] if window.given and last is not None and last[0] == window.conditioning_frame else None
            given = painter.read(window, known, context)
            guess = None if known is None else given.warp(known, painter.place(window.conditioning_frame))
            answers = redraw(model, request, given, guess, sampling, on_step, answered)
            finished = EditedWindow.of(window.edited, painter.finished(given, answers, context), request.region)
        else:
            context.report(STAGE, (number + 1) * sampling.runs, total)
        frame = window.frames[-1]
        last = frame, finished.onto(frame, reader.frame(frame), request.region[frame])
        yield finished


class _Painter:
    """What the model is shown of each window, and what becomes of its answers."""

    def __init__(self, model: VideoEngine, reader: Frames, request: EditRequest) -> None:
        self._model, self._request = model, request
        keyframe, region = request.keyframe, request.region
        self._background = BackgroundModel(reader, region) if keyframe.task == "modify" else None
        self._reader = WindowReader(model, reader, region, AmodalExtent(region), NO_MARGINS)
        self._hollow = model.vocabulary is not None and model.vocabulary.is_hollow(keyframe.caption)

    def place(self, frame: int) -> Mask:
        """What the model paints of a frame's region: all of it, or the place that a thing of its
        own proportions takes in it.
        """
        keyframe, region = self._request.keyframe, self._request.region[frame]
        if keyframe.task == "delete" or not region.any():
            return region
        return place_in(region, keyframe.caption, self._request.settings.fit)

    def read(self, window: Window, known: Frame | None, context: JobContext) -> WindowInput:
        """A window as the model sees it.

        Args:
            window: Which frames.
            known: The finished conditioning frame (H, W, 3); None where there is none.
            context: Asked before each frame whether to stop.

        Returns:
            Where things take places of their own, what lies behind shows around them.
        """
        given = self._reader.read(window, known, context)
        pixels, masks = given.pixels.copy(), given.masks.copy()
        for number, slot in enumerate(given.slots):
            frame = window.frames[slot]
            region, place = self._request.region[frame], self.place(frame)
            if np.array_equal(place, region) or (slot == 0 and window.given):
                continue
            stop = len(pixels) if number == len(given.slots) - 1 else number + 1  # what fills up repeats the last
            pixels[number:stop] = given.crops[slot].crop(self._behind(frame, given.sources[slot]))
            masks[number:stop] = given.crops[slot].crop_mask(place)
        return replace(given, pixels=pixels, masks=masks)

    def finished(self, given: WindowInput, answers: Sequence[Frame], context: JobContext) -> Iterator[Frame]:
        """The finished frames of a window, (H, W, 3), without one that was given."""
        keyframe, feather = self._request.keyframe, self._request.feather
        first = len(given.window.frames) - len(given.window.edited)
        for at, frame in enumerate(given.window.edited, first):
            context.check()
            source, region = given.sources[at], self._request.region[frame]
            if not region.any():
                yield source
                continue
            edge = region.astype(np.float32) if keyframe.task == "delete" else soft_edge(region, feather.at(frame))
            crop, answer = given.crops[at], answers[at]
            canvas = Canvas(source, region, edge, None, crop, answer, crop.crop_mask(region))
            under = None if self._background is None else (self._background, frame)
            yield canvas.finished(keyframe.task, answer, under, keyframe.seed + frame, self._model.object_mattes, self._hollow)

    def _behind(self, frame: int, source: Frame) -> Frame:
        return source if self._background is None else self._background.inpaint(frame, source)
