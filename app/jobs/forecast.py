"""How long a propagation will take, and how much memory, made from what was measured."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.engine import Engine
from app.jobs.estimates import Estimates
from app.jobs.quick_look import half_size, quick_steps, settings_of
from app.jobs.timing import Carried, Making, StepClock, Timing, timing_key, Way, way_of
from app.media.pictures import Pictures
from core.geometry import FrameRange
from core.models.presets import split_draft
from core.progress import JobContext
from core.project import project as document
from core.project.edits import Carry, KeyframeEdit, SamplingSettings
from core.project.project import Project
from core.vivid.speed.steps import whole_steps

if TYPE_CHECKING:
    from fractions import Fraction

    from app.render.edit import EditPlan
    from core.masks import MaskSequence
    from core.propagation.schedule import Segment
    from core.propagation.windows import Window
    from core.vivid.contract import VideoEngine

UNASKED = ("change", "insert")
"""Ways in which no model runs, and"""
ASKED: tuple[Way, ...] = ("picture", "delete", "direct")
"""those in which one may."""
_LOOKED_AT = 24
"""Frames on which the size of a region is looked at."""
UNSEEN = 17
"""Frames of a window in which no model runs, where none is at hand to say its own."""


@dataclass(frozen=True)
class Piece:
    """Windows to be made along a keyframe, towards the `following` one where two mix."""

    keyframe: Carried
    following: Carried | None
    windows: Sequence[Window]

    @property
    def frames(self) -> int:
        """How many frames are made; those that two keyframes make count twice."""
        return sum(len(window.edited) for window in self.windows) * (1 if self.following is None else 2)


@dataclass(frozen=True)
class Extent:
    """10^6 pixels of all frames of a result, and of the box around what is edited on one."""

    whole: float
    around: float

    @classmethod
    def of(cls, frames: FrameRange, size: tuple[int, int], masks: Sequence[MaskSequence]) -> Extent:
        """Measure it.

        Args:
            frames: Of the result.
            size: Width and height of a frame.
            masks: What is edited, as far as it is known; where nothing is, that is all of a frame.

        Returns:
            The extent; the box as it is on some of the frames, in the mean.
        """
        pixels = size[0] * size[1]
        seen = frames.frames[:: max(1, len(frames.frames) // _LOOKED_AT)]
        boxes = [[box for one in masks if (box := one.facts(frame).box) is not None] for frame in seen]
        areas = [sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in found) for found in boxes if found]
        return cls(len(frames.frames) * pixels / 1e6, min(pixels, sum(areas) / len(areas) if areas else pixels) / 1e6)


@dataclass(frozen=True)
class Forecast:
    """Seconds until all frames are made, and to render them; `windows` are those of a model,
    `shown` the frames a second that it is shown, None where that is every one.
    """

    making: float
    rendering: float
    memory_mb: float
    windows: int
    measured: bool
    shown: Fraction | None = None

    @property
    def seconds(self) -> float:
        """In all."""
        return self.making + self.rendering


class Forecaster:
    """Foretells propagations. Safe to use from several threads."""

    def __init__(self, engine: Engine, pictures: Pictures, estimates: Estimates) -> None:
        self._engine = engine
        self._pictures = pictures
        self._estimates = estimates

    def of_project(self, project: Project, wanted: SamplingSettings, draft: bool = False, carry: Carry = "auto") -> Forecast | None:
        """What propagating the accepted keyframes will take.

        Args:
            project: With at least one accepted keyframe.
            wanted: Steps, guidance and rate; the model's own where None.
            draft: Whether it is a quick look.
            carry: How keyframes are carried; auto stands for how each says.

        Returns:
            The forecast; None while it is not known: a trial finds it out.
        """
        groups = [tuple(_carried(edit, carry) for edit in group) for group in project.keyframes_by_object]
        found = [self._of_group(project, group, wanted, draft) for group in groups]
        known = [one for one in found if one is not None]
        if not known or len(known) < len(found):
            return None
        rendering = known[-1].rendering
        memory, measured = max(one.memory_mb for one in known), all(one.measured for one in known)
        windows = sum(one.windows for one in known)
        return Forecast(sum(one.making for one in known), rendering, memory, windows, measured, known[-1].shown)

    def _of_group(self, project: Project, keyframes: tuple[KeyframeEdit, ...], wanted: SamplingSettings, draft: bool) -> Forecast | None:
        from core.propagation.pace import pace_of
        from core.propagation.windows import segment_plans

        model, pace = None, None
        if any(way_of(keyframe) not in UNASKED for keyframe in keyframes):
            if self._engine.workers is not None and not self._engine.has(self._engine.named(wanted)):
                return None  # workers may be long in coming
            wanted = settings_of(wanted, keyframes[0])
            model = self._engine.of_size(self._engine.named(wanted))
            model = half_size(model) if draft else model
            pace = pace_of(model.declared.rate, wanted.rate, self._pictures.frames.reader(project, project.base).timestamps)
        span = FrameRange(project.clip.start, project.clip.stop)
        known = self._masks(project, keyframes)

        def empty(frame: int) -> bool:
            return bool(known) and all(masks.is_empty(frame) for masks in known)

        def piece(keyframe: KeyframeEdit, following: KeyframeEdit | None, windows: Callable[..., Sequence[Window]]) -> Piece:
            way, length = way_of(keyframe), UNSEEN if model is None else model.window_frames
            asked = model is not None and way not in UNASKED and not (way == "delete" and not model.paints_background)
            return Piece(keyframe, following, windows(length, empty, pace if asked else None))

        pieces = [piece(plan.keyframe, plan.following, plan.windows) for plan in segment_plans(keyframes, span)]
        size = project.clip.info.size
        found = self.of_pieces(pieces, model, wanted, Extent.of(span, size, known), draft)
        return found and replace(found, shown=None if pace is None else pace.rate)

    def of_pieces(
        self, pieces: Iterable[Piece], model: VideoEngine | None, wanted: SamplingSettings, extent: Extent, draft: bool = False
    ) -> Forecast | None:
        """What it takes to make windows, and to render a result.

        Args:
            pieces: What is to be made.
            model: The video model, at the size at which it works; None where none runs.
            wanted: Steps and guidance; the model's own where None.
            extent: How large the result is, and what is edited of it.
            draft: Whether steps that are not said are those of a quick look.

        Returns:
            The forecast; None while it is not known.
        """
        making, windows, timings = 0.0, 0, []
        for piece in pieces:
            way = way_of(piece.keyframe)
            sampled = None if model is None else _sampled(way, piece.keyframe, model, wanted, draft)
            timing = self._timing(way, model, sampled, extent.around)
            if timing is None:
                return None
            timings.append(timing)
            making += piece.frames * timing.frame
            if sampled is not None:
                making += len(piece.windows) * sampled.whole * timing.step
            if way not in UNASKED:
                windows += len(piece.windows)
        rendering = extent.whole * max((timing.render for timing in timings), default=0.0)
        memory = max((timing.memory_mb for timing in timings), default=0.0)
        return Forecast(making, rendering, memory, windows, all(timing.measured for timing in timings))

    def of_plan(self, plan: EditPlan, settings: SamplingSettings, missing: Container[str]) -> Forecast | None:
        """What it takes to make windows of a plan, and to render it.

        Args:
            plan: What is made.
            settings: Steps and guidance.
            missing: The keys of the windows that are not there yet.

        Returns:
            The forecast; None while it is not known.
        """
        pieces = [_missing(segment, missing) for segment in plan.segments]
        return self.of_pieces(pieces, plan.model, settings, _extent(plan))

    def clock(self, plan: EditPlan, settings: SamplingSettings, missing: Container[str], context: JobContext) -> StepClock:
        """A context for making those windows, which measures it.

        Args:
            plan: What is made.
            settings: Steps and guidance.
            missing: The keys of the windows that are not there yet.
            context: The job's own context, which gets all progress.

        Returns:
            The context to hand to the run.
        """
        from core.propagation.propagate import sampling_of

        model = plan.model
        ways = {way_of(segment.keyframe) for segment in plan.segments}
        first = plan.request.edit.keyframes[0]
        way = ways.pop() if len(ways) == 1 else None
        sampled = _sampled(way or way_of(first), first, model, settings, draft=False)
        runs = sampling_of(model, first, settings).runs
        frames = sum(_missing(segment, missing).frames for segment in plan.segments)
        making = Making(way, frames, _extent(plan).around, runs, 0 if sampled is None else sampled.whole)
        way = way or "picture"  # several ways tell nothing of any, and are not stored
        key = timing_key(way) if sampled is None else timing_key(way, model, sampled.guided, plan.request.weights)
        return StepClock(context, key, str(model.device), making)

    def _timing(self, way: Way, model: VideoEngine | None, sampled: _Sampled | None, pixels: float) -> Timing | None:
        """What is known of a way; else what follows from a model's other ways, from the same at its
        whole size, with or without guidance, or without what a Draft adds to the weights, which
        costs no time. Where no model is asked, what such work usually takes.
        """
        usual = self._estimates.usual(way, pixels)
        if model is None or sampled is None:
            return self._estimates.timing(timing_key(way), pixels) or usual
        guided = sampled.guided
        whole = self._engine.of_size(split_draft(model.name)[0])
        ways: tuple[Way, ...] = (way, *(other for other in ASKED if other != way))
        for other, name, one, twice in itertools.product(ways, (model.name, whole.name), (model, whole), (guided, not guided)):
            timing = self._estimates.timing(timing_key(other, one, twice, self._engine.weights(name)), pixels)
            if timing is None:
                continue
            smaller = one.working_size != model.working_size
            if (other, name, twice, smaller) == (way, model.name, guided, False):
                return timing
            # Steps of a quarter of the pixels; what is done besides is done at the clip's own size.
            step = timing.step / (4 if smaller else 1) * (1 if twice == guided else 2 if guided else 0.5)
            frame = timing.frame if other == way else max(timing.frame, usual.frame)
            return replace(timing, step=step, frame=frame, measured=False)
        return None

    def _masks(self, project: Project, keyframes: tuple[KeyframeEdit, ...]) -> list[MaskSequence]:
        """Those of the objects to edit, as far as they are known; none where a picture is laid."""
        if all(keyframe.insert is not None for keyframe in keyframes):
            return []
        tracks = document.for_objects(project, keyframes[0].objects).edited_tracks
        return [masks for track in tracks if (masks := self._pictures.masks.object_masks(project, track)) is not None]


@dataclass(frozen=True)
class _Sampled:
    """How a model is run for a window: as much as so many `whole` steps, `guided` or not."""

    whole: float
    guided: bool


def _sampled(way: Way, keyframe: Carried, model: VideoEngine, wanted: SamplingSettings, draft: bool) -> _Sampled | None:
    """None where no model is run."""
    from core.propagation.propagate import sampling_of

    if way in UNASKED or (way == "delete" and not model.paints_background):
        return None
    sampling = sampling_of(model, keyframe, wanted)
    runs, guided = sampling.runs, sampling.guidance > 1
    if draft and wanted.steps is None:
        runs = max(1, round(sampling.strength * quick_steps(sampling.steps)))
    return _Sampled(whole_steps(runs, model.levers, guided), guided)


def _carried(edit: KeyframeEdit, carry: Carry) -> KeyframeEdit:
    """A keyframe as it is carried where that is overruled."""
    if carry == "auto" or edit.task == "delete" or edit.insert is not None or edit.direct:
        return edit
    return replace(edit, carried=carry)


def _missing(segment: Segment, missing: Container[str]) -> Piece:
    pairs = zip(segment.windows, segment.keys, strict=True)
    return Piece(segment.keyframe, segment.following, [window for window, key in pairs if key in missing])


def _extent(plan: EditPlan) -> Extent:
    request = plan.request.edit
    laid = all(keyframe.insert is not None for keyframe in request.keyframes)
    return Extent.of(request.frames, request.region.size, [] if laid else [request.region])
