"""Propagation: the accepted keyframe is warped through the clip, window by window, forwards and
backwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from core.background import BackgroundModel
from core.carrying.motion import ThingMotion
from core.carrying.occluders import Occluders
from core.carrying.pose import ThingPose
from core.errors import InputError
from core.geometry import Box
from core.progress import JobContext
from core.project.edits import check_task, SamplingSettings
from core.propagation.amodal import AmodalExtent
from core.propagation.changed import carry_change
from core.propagation.direct import paint_directly
from core.propagation.keyframe_warp import AcceptedKeyframe, KeyframeWarper, WarpTarget
from core.propagation.laid import carry_insert
from core.propagation.mask_motion import STRETCH
from core.propagation.pace import Pace, pace_of
from core.propagation.redraw import Answered, redraw
from core.propagation.removed import over_plates
from core.propagation.request import EditRequest, Keyframe
from core.propagation.result import accepted_frame, EditedWindow, Frame, Frames
from core.propagation.warp_state import WarpState
from core.propagation.window_input import WindowInput, WindowReader
from core.propagation.windows import SegmentPlan, STAGE, Window
from core.render.composite import composite
from core.render.grain import grain_around, ring_box
from core.render.proportions import keeps_proportions
from core.vivid.contract import Sampling, VideoEngine


def propagate(
    model: VideoEngine,
    reader: Frames,
    request: EditRequest,
    context: JobContext,
    stored: Callable[[Window], EditedWindow | None] | None = None,
    answered: Answered | None = None,
) -> Iterator[EditedWindow]:
    """Edit the frames of a request like its one keyframe.

    Windows go forwards from the keyframe, then backwards. Each continues from the last edited frame
    of the one before, composited at full size in memory, and chooses its own crops. The keyframe
    itself is never made again; frames where the region is empty belong to no window.

    Around the edit the source shows; where a modify replaces something, the background behind the
    region: a person widens the region over what is to go.

    A model that works at another rate than the clip's is shown frames at its own rate (`pace_for`);
    its answers for the frames between are drawn from those on either side, and all that follows is
    done for every frame of the clip.

    Of a removal the model is shown the background that other frames show, and paints the rest;
    where all of it is shown, it isn't asked. One that is shown what goes (`shows_region`) is shown
    the clip as it is.

    A keyframe that is carried as a change needs no model (see `carry_change`), nor does one with an
    insert (see `carry_insert`). A direct edit has no keyframe (see `paint_directly`).

    Args:
        model: The video model.
        reader: The clip.
        request: What to edit, with one keyframe.
        context: Reports every denoising step, and stops within one.
        stored: Asked before a window is made. The window that it gives (as an earlier run made it)
            is taken as it is, and the next ones go on from there to the same pixels.
        answered: Told of every window that the model is asked for: what it read, and its own frames
            at the working size, one for each slot, before anything is done to them.

    Yields:
        Windows as they finish.

    Raises:
        InputError: The frames, region or keyframe don't fit the clip, the task is unknown, or a
            caption is missing.
        Cancelled: The job was stopped.
    """
    keyframe, region = request.keyframe, request.region
    _check(reader, request)
    if keyframe.insert is None and keyframe.carried != "change":
        model.check_does(keyframe.task)
    sampling = sampling_of(model, keyframe, request.settings)
    pace, held = pace_for(model, request, keyframe), [other.frame for other in request.kept]
    windows = SegmentPlan(keyframe, request.frames, request.frames.stop).windows(model.window_frames, region.is_empty, pace, held)
    total = len(windows) * sampling.runs
    context.report(STAGE, 0, total)
    if keyframe.insert is not None:
        yield from carry_insert(reader, request, windows, sampling.runs, context, stored)
        return
    if keyframe.carried == "change":
        yield from carry_change(reader, request, windows, sampling.runs, context, stored)
        return
    if keyframe.carried == "direct":
        yield from paint_directly(model, reader, request, windows, sampling, context, stored, answered)
        return

    background = None if keyframe.task == "add" else BackgroundModel(reader, region)
    source = reader.frame(keyframe.frame)
    picture = accepted_frame(source, keyframe.picture, region[keyframe.frame])
    base = background.inpaint(keyframe.frame, source) if background is not None and keyframe.task == "modify" else source
    extent = AmodalExtent(region)
    stretch = 1.0 if keeps_proportions(keyframe.caption) else STRETCH
    accepted = AcceptedKeyframe.of(picture, base, region[keyframe.frame], _box(extent, keyframe.frame), stretch)
    # A thing that takes the place of another moves as that one does, as far as it moves as a whole.
    bounds = request.bounds()
    pose = ThingPose(ThingMotion(reader, bounds, keyframe.frame)) if keyframe.task == "modify" else None
    occluders = None if pose is None else Occluders(pose, source, bounds[keyframe.frame])
    window_reader = WindowReader(model, reader, region, extent, accepted.margins, pose)
    last = _Finished(keyframe.frame, picture, None)
    for number, window in enumerate(windows):
        if window.direction != windows[number - 1].direction or window.conditioning_frame == keyframe.frame:
            last = _Finished(keyframe.frame, picture, None)
        goes_on = last.frame == window.conditioning_frame
        finished = stored(window) if stored is not None else None
        if finished is None:

            def on_step(step: int, before: int = number * sampling.runs) -> None:
                context.report(STAGE, before + step, total)

            given = window_reader.read(window, last.picture if goes_on else None, context)
            if background is not None and keyframe.task == "delete":
                answers = None
                if model.paints_background:
                    filled = over_plates(given, region, background, context)
                    asked = given if model.declared.shows_region else filled
                    if filled.masks.any():  # otherwise there is nothing to paint
                        answers = redraw(model, request, asked, filled.pixels, sampling, on_step, answered)
                pictures = _deleted(given, answers, background, context)
                if answers is None:
                    pictures = _told(pictures, len(window.edited), sampling.runs, on_step)
                finished = EditedWindow.of(window.edited, pictures, region)
                on_step(sampling.runs)
            else:
                guess = given.warp(last.picture, region[last.frame])
                redrawn = redraw(model, request, given, guess, sampling, on_step, answered)
                warper = _warper(given, extent, redrawn[0], accepted, last, model.keyframe_weight)
                pictures = _warped(request, given, redrawn, background, warper, occluders, context)
                finished = EditedWindow.of(window.edited, pictures, region)
                finished = replace(finished, warp_state=warper.state)
        else:
            context.report(STAGE, (number + 1) * sampling.runs, total)
        frame = window.frames[-1]
        last = _Finished(frame, finished.onto(frame, reader.frame(frame), region[frame]), finished.warp_state)
        yield finished


class Asked(Protocol):
    """What is asked of a keyframe here: its task, and how it is carried."""

    @property
    def task(self) -> str: ...

    @property
    def carried(self) -> str | None: ...


def sampling_of(model: VideoEngine, keyframe: Asked | None, settings: SamplingSettings) -> Sampling:
    """How the windows of a keyframe are sampled.

    Args:
        model: Its own settings count where `settings` say None.
        keyframe: What is propagated; None for any that is carried as a picture. A direct edit is
            painted from noise, with as many steps as a keyframe of its task.
        settings: What was asked for.

    Returns:
        Steps, guidance and strength.
    """
    if keyframe is not None and keyframe.carried == "direct":
        return model.sampling(keyframe.task, settings)
    return model.sampling("delete" if keyframe is not None and keyframe.task == "delete" else "propagate", settings)


def pace_for(model: VideoEngine, request: EditRequest, keyframe: Keyframe) -> Pace | None:
    """Which frames the model is shown of the windows of a keyframe.

    Args:
        model: Its own rate counts where the request asks for no other.
        request: Has the clip's time stamps, where frames may be chosen by them.
        keyframe: One that is carried without the model is drawn on every frame.

    Returns:
        The pace; None for every frame.
    """
    filled = keyframe.task == "delete" and keyframe.carried != "direct" and not model.paints_background
    if keyframe.insert is not None or keyframe.carried == "change" or filled:
        return None
    return pace_of(model.declared.rate, request.settings.rate, request.times)


@dataclass(frozen=True)
class _Finished:
    """The finished frame (H, W, 3) that the next window goes on from, and the way to it; None for
    the keyframe itself.
    """

    frame: int
    picture: Frame
    state: WarpState | None


def _check(reader: Frames, request: EditRequest) -> None:
    keyframe, region, frames = request.keyframe, request.region, request.frames
    check_task(keyframe.task, keyframe.caption)
    frames.check(len(reader))
    if frames.start not in region.frames or frames.stop - 1 not in region.frames:
        raise InputError(f"the region covers the frames {region.frames.start}:{region.frames.stop}, not all of {frames}")
    request.check_keyframe(keyframe)
    height, width = region[keyframe.frame].shape
    if keyframe.picture.shape != (height, width, 3):
        raise InputError(
            f"the keyframe is {keyframe.picture.shape[1]}x{keyframe.picture.shape[0]}, the region {width}x{height}: they have to agree"
        )


def _deleted(given: WindowInput, redrawn: Sequence[Frame] | None, background: BackgroundModel, context: JobContext) -> Iterator[Frame]:
    """The finished frames of a window without the conditioning frame: the background, and where no
    frame shows it the model's answer, if the model was asked.

    It continues what surrounds the region, so its edge needs no softening, which would let the rim
    of what is deleted shine through.
    """
    for position, frame in enumerate(given.window.edited, 1):
        context.check()
        source = given.sources[position]
        answer = None if redrawn is None else given.crops[position].over(source, redrawn[position])
        yield background.inpaint(frame, source, answer)


def _told(pictures: Iterable[Frame], count: int, runs: int, on_step: Callable[[int], None]) -> Iterator[Frame]:
    """Pictures as they come, `count` of them. What no model runs for has no steps to report: each
    picture is its share of the `runs`.
    """
    for number, picture in enumerate(pictures, 1):
        yield picture
        on_step(runs * number // count)


def _box(extent: AmodalExtent, frame: int) -> Box[float]:
    box = extent.box(frame)
    if box is None:
        raise ValueError(f"nothing is edited on frame {frame}")
    return box


def _warper(
    given: WindowInput, extent: AmodalExtent, redrawn: Frame, accepted: AcceptedKeyframe, last: _Finished, keyframe_weight: float
) -> KeyframeWarper:
    """The warper of a window. `redrawn` is what the model made of the conditioning frame."""
    crop, box, before = given.crops[0], _box(extent, last.frame), redrawn
    if last.frame == given.window.conditioning_frame:
        box = given.boxes[0] or box
    else:
        before = crop.crop(last.picture)
    state, goes_on = last.state or WarpState.of_keyframe(box, crop), last.state is not None
    return KeyframeWarper(accepted, state, last.picture, crop, before, keyframe_weight, goes_on)


def _warped(
    request: EditRequest,
    given: WindowInput,
    redrawn: Sequence[Frame],
    background: BackgroundModel | None,
    warper: KeyframeWarper,
    occluders: Occluders | None,
    context: JobContext,
) -> Iterator[Frame]:
    """The finished frames of a window without the conditioning frame. What passes before the thing
    that is replaced stays in front.
    """
    for position, frame in enumerate(given.window.edited, 1):
        context.check()
        source, box = given.sources[position], given.boxes[position]
        if box is None:
            yield source
            continue
        behind = source if background is None else background.inpaint(frame, source)
        mask = request.region[frame]
        ring = ring_box(mask)
        # Without the frame before, texture would pass for grain; an edit, which has been smoothed,
        # for none.
        before = given.sources[position - 1] if position > 1 else given.conditioning_source
        picture = warper.warp(
            WarpTarget(
                source=source,
                background=behind,
                mask=mask,
                feather=request.feather.at(frame),
                box=box,
                crop=given.crops[position],
                redrawn=redrawn[position],
                motion=given.motions[position],
                grain=grain_around(ring.crop(source), ring.crop(mask), ring.crop(before)),
                grain_seed=(request.keyframe.seed, frame),
            )
        )
        front = None if occluders is None else occluders.before(frame, source, mask)
        yield picture if front is None else composite(picture, source, front)
