"""The whole clip from one or several accepted keyframes: which windows there are, what each is
called, and the frames they make.

The first keyframe reaches back to the start and on to the next one, every further keyframe on from
its own frame. Between two keyframes each has a say, the nearer one more: two that are carried as
changes mix within a window; others are taken towards each other in windows of their own, which are
mixed. Where one of them deletes there is nothing to mix, and the next starts the edit anew. A
window that reaches beyond the next keyframe is made whole, and what lies behind that keyframe is
left out: its frames before it stay what a person has seen and approved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.geometry import FrameRange
from core.progress import JobContext
from core.propagation.laid import insert_key
from core.propagation.propagate import pace_for, propagate, sampling_of
from core.propagation.request import EditRequest, Keyframe
from core.propagation.result import composite_frames, EditedWindow, Frame, Frames
from core.propagation.window_keys import picture_key, window_keys
from core.propagation.windows import segment_plans, SegmentPlan, STAGE, Window
from core.vivid.contract import VideoEngine
from core.vivid.speed.levers import Levers


@dataclass(frozen=True)
class Segment:
    """Windows that go out from one keyframe in one direction.

    Attributes:
        keyframe: Where they start.
        frames: What they cover at most.
        windows: In the order in which they are made.
        keys: The name of each.
        next_keyframe: The first frame, going forwards, that another keyframe takes over.
        following: That keyframe, where both are carried as changes and mix within a window.
        kept: Other keyframes that the engine is shown where a window has them.
    """

    keyframe: Keyframe
    frames: FrameRange
    windows: tuple[Window, ...]
    keys: tuple[str, ...]
    next_keyframe: int
    following: Keyframe | None = None
    kept: tuple[Keyframe, ...] = ()

    def frames_of(self, window: Window) -> FrameRange:
        """The frames that count of one of the windows."""
        return FrameRange(min(window.edited), min(max(window.edited) + 1, self.next_keyframe))


def plan_segments(model: VideoEngine, request: EditRequest, facts: Mapping[str, object]) -> list[Segment]:
    """Divide an edit into segments and windows, and name these. Makes nothing.

    Args:
        model: The video model.
        request: What to edit.
        facts: Which clip and which weights it is, for the windows' names; as JSON takes it.

    Returns:
        The segments in the order in which they are made, those without windows left out.

    Raises:
        InputError: There is no keyframe, there are two on one frame, or one lies outside the frames
            or the region.
    """
    region = request.region
    ordered = sorted(request.keyframes, key=lambda keyframe: keyframe.frame)
    if not ordered:
        raise InputError("there is no keyframe to propagate: accept a try first")
    for one, two in pairwise(ordered):
        if one.frame == two.frame:
            raise InputError(f"there are two keyframes on frame {one.frame}: leave one out")
    for keyframe in ordered:
        request.check_keyframe(keyframe)
        if keyframe.carried == "direct":
            model.check_paints_directly()

    def segment(plan: SegmentPlan[Keyframe]) -> Segment:
        keyframe, following = plan.keyframe, plan.following
        kept = tuple(other for other in ordered if _is_shown(model, keyframe, other))
        pace = pace_for(model, request, keyframe)
        windows = plan.windows(model.window_frames, region.is_empty, pace, [other.frame for other in kept])
        all_facts = {
            **facts,
            **({} if model.levers == Levers() else {"speed": str(model.levers)}),
            "task": keyframe.task,
            "caption": model.caption_for(keyframe.task, keyframe.caption),
            "seed": keyframe.seed,
            "sampling": asdict(sampling_of(model, keyframe, request.settings)),
            "working_size": list(model.working_size),
            "window_frames": model.window_frames,
            **({} if pace is None else {"rate": str(pace.rate)}),
            **({"tiled": True} if model.memory.tiled else {}),
            **({"carried": keyframe.carried} if keyframe.carried != "picture" else {}),
            **({"insert": insert_key(keyframe.insert)} if keyframe.insert is not None else {}),
            **({"following": [following.frame, picture_key(following.picture)]} if following is not None else {}),
        }
        things = request.things if keyframe.follows_thing else None
        pictures = {other.frame: other.picture for other in kept}
        keys = window_keys(windows, region, request.feather, keyframe.frame, keyframe.picture, all_facts, pictures, things)
        return Segment(keyframe, plan.frames, windows, tuple(keys), plan.next_keyframe, following, kept)

    segments = [segment(plan) for plan in segment_plans(ordered, request.frames)]
    return [found for found in segments if found.windows]


def _is_shown(model: VideoEngine, keyframe: Keyframe, other: Keyframe) -> bool:
    """Whether the windows of a keyframe show another one to the model. One that is carried as a
    change, or deletes, says nothing of how the first goes on.
    """
    pictures = keyframe.carried == other.carried == "picture" and "delete" not in (keyframe.task, other.task)
    return model.declared.keyframes == "any" and pictures and other is not keyframe


def run_segments(
    model: VideoEngine,
    reader: Frames,
    request: EditRequest,
    segments: Sequence[Segment],
    context: JobContext,
    stored: Callable[[str], EditedWindow | None],
) -> Iterator[tuple[str, EditedWindow]]:
    """Make the windows that are not stored yet.

    Args:
        model: The video model.
        reader: The clip.
        request: What to edit.
        segments: What `plan_segments` gave for it.
        context: Reports the denoising steps of the missing windows only, so that the estimate of
            the time left is true.
        stored: Gives the window of a name, or None where it has to be made.

    Yields:
        (name, window) of each that was made, as they finish.

    Raises:
        InputError: The frames or the region don't fit the clip, or a task or caption can't be used.
        Cancelled: The job was stopped.
    """
    missing = {key: stored(key) is None for segment in segments for key in segment.keys}
    runs = [sampling_of(model, segment.keyframe, request.settings).runs for segment in segments]
    total = sum(steps * sum(missing[key] for key in segment.keys) for steps, segment in zip(runs, segments, strict=True))
    done = 0
    context.report(STAGE, 0, total)
    for steps, segment in zip(runs, segments, strict=True):
        names = dict(zip(segment.windows, segment.keys, strict=True))
        to_make = [missing[key] for key in segment.keys]
        windows = propagate(
            model,
            reader,
            replace(request, frames=segment.frames, keyframes=(segment.keyframe,), following=segment.following, kept=segment.kept),
            _Steps(context, done, total, steps, to_make),
            stored=lambda window, names=names: stored(names[window]) if window in names else None,  # type: ignore[misc]
        )
        for key in segment.keys:  # fewer than there are where the next keyframe takes over
            made = replace(next(windows), keyframe=segment.keyframe.frame)
            if missing[key]:
                yield key, made
        windows.close()  # type: ignore[attr-defined]
        done += sum(to_make) * steps


def composite_segments(reader: Frames, request: EditRequest, windows: Sequence[EditedWindow | Path]) -> Iterator[tuple[int, Frame, Frame]]:
    """Put the result of several keyframes together, as `composite_frames` does it for one.

    Args:
        reader: The clip.
        request: What was edited.
        windows: All windows or their files, in any order.

    Yields:
        (index, source, result) for every frame of the request in order.
    """
    ordered = sorted(request.keyframes, key=lambda keyframe: keyframe.frame)
    starts = [request.frames.start, *(keyframe.frame for keyframe in ordered[1:])]
    for keyframe, start, stop in zip(ordered, starts, [*starts[1:], request.frames.stop], strict=True):
        at = keyframe.frame if keyframe.carried != "direct" else None
        yield from composite_frames(reader, request.region, FrameRange(start, stop), windows, at, keyframe.picture)


class _Steps(JobContext):
    """Passes the steps of one segment on as steps of the whole, leaving out windows that were there
    before.
    """

    def __init__(self, whole: JobContext, before: int, total: int, runs: int, missing: Sequence[bool]) -> None:
        super().__init__(token=whole.token)
        self._whole, self._before, self._sum, self._runs, self._missing = whole, before, total, runs, missing

    def report(self, stage: str, done: int, total: int, partial: Any = None, unit: str = "") -> None:
        if stage != STAGE:
            self._whole.report(stage, done, total, partial, unit)
            return
        number, step = divmod(done, self._runs)
        own = sum(self._missing[:number]) * self._runs + (step if number < len(self._missing) and self._missing[number] else 0)
        if self._before + own:
            self._whole.report(stage, self._before + own, self._sum, partial)
        self.check()
