"""The whole clip from one or several accepted keyframes: which windows there are, what each is called, and the frames they come to.

The first keyframe reaches back to the start of the span and on to the next one; every further keyframe starts the edit anew from its own
frame. A window that reaches beyond the next keyframe is made whole, and what lies behind that keyframe is left out: its frames before
it stay what a person has seen and approved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.masks import Feather
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.propagation.propagate import propagate, STAGE
from core.propagation.result import composed_frames, EditedWindow, Frame, Frames, Region
from core.propagation.window_keys import window_keys
from core.propagation.windows import plan_windows, Window
from core.vivid.model import VividModel


@dataclass(frozen=True)
class Keyframe:
    """The accepted picture of a frame, uint8 (H, W, 3), and how its stretch of the clip is asked for."""

    frame: int
    picture: Frame
    task: str
    caption: str
    seed: int


@dataclass(frozen=True)
class Stretch:
    """Windows that go out from one keyframe in one direction, over `span` at most, with their names."""

    keyframe: Keyframe
    span: tuple[int, int]
    windows: tuple[Window, ...]
    keys: tuple[str, ...]
    reach: int
    """The first frame, going on, that the next keyframe takes over."""

    def made(self, window: Window) -> tuple[int, int]:
        """The frames start:stop that count of one of the windows."""
        return min(window.edited), min(max(window.edited) + 1, self.reach)


def plan_chain(
    model: VividModel,
    region: Region,
    span: tuple[int, int],
    keyframes: Sequence[Keyframe],
    settings: SamplingSettings,
    feather: Feather,
    facts: dict[str, object],
) -> list[Stretch]:
    """The stretches that carry `keyframes` (any order) through the half-open `span`, in the order in which they are made.

    `facts` say which clip and which weights it is, for the windows' names. InputError for no keyframe, two on one frame, or one outside.
    """
    start, stop = span
    ordered = sorted(keyframes, key=lambda keyframe: keyframe.frame)
    if not ordered:
        raise InputError("there is no keyframe to carry: accept a try first")
    for one, two in pairwise(ordered):
        if one.frame == two.frame:
            raise InputError(f"there are two keyframes on frame {one.frame}: leave one out")
    for keyframe in ordered:
        if not start <= keyframe.frame < stop:
            raise InputError(
                f"the keyframe {keyframe.frame} is outside the frames {start}:{stop} that are to be edited: leave it out, "
                "or work on more frames"
            )
        if region.is_empty(keyframe.frame):
            raise InputError(f"the region to edit is empty on the keyframe {keyframe.frame}: choose a frame where it is not")

    def stretch(keyframe: Keyframe, part: tuple[int, int], reach: int) -> Stretch:
        plan = plan_windows(part, keyframe.frame, model.window_frames, region.is_empty)
        windows = tuple(window for window in plan if min(window.edited) < reach)
        asked = {
            **facts,
            "task": keyframe.task,
            "caption": model.caption_for(keyframe.task, keyframe.caption),
            "seed": keyframe.seed,
            "sampling": asdict(sampling_of(model, keyframe.task, settings)),
            "working_size": list(model.working_size),
            "window_frames": model.window_frames,
            **({"tiled": True} if model.memory.tiled else {}),
        }
        keys = window_keys(windows, region, feather, keyframe.frame, keyframe.picture, asked)
        return Stretch(keyframe, part, windows, tuple(keys), reach)

    ends = [keyframe.frame for keyframe in ordered[1:]] + [stop]
    onward = [stretch(keyframe, (keyframe.frame, stop), end) for keyframe, end in zip(ordered, ends, strict=True)]
    back = stretch(ordered[0], (start, ordered[0].frame + 1), stop)
    return [found for found in (*onward, back) if found.windows]


def run_chain(
    model: VividModel,
    reader: Frames,
    region: Region,
    chain: Sequence[Stretch],
    settings: SamplingSettings,
    feather: Feather,
    context: JobContext,
    stored: Callable[[str], EditedWindow | None],
) -> Iterator[tuple[str, EditedWindow, bool]]:
    """Make the windows that `stored` does not have by their name; yields (name, window, whether it was made now) as they finish.

    Reports the denoising steps of the windows that are missing only, so that the time left is true. Errors as `propagate`.
    """
    there = {key: stored(key) is not None for stretch in chain for key in stretch.keys}
    runs = [sampling_of(model, stretch.keyframe.task, settings).runs for stretch in chain]
    total = sum(steps * sum(not there[key] for key in stretch.keys) for steps, stretch in zip(runs, chain, strict=True))
    done = 0
    context.report(STAGE, 0, total)
    for own, stretch in zip(runs, chain, strict=True):
        keyframe = stretch.keyframe
        names = dict(zip(stretch.windows, stretch.keys, strict=True))
        missing = [not there[key] for key in stretch.keys]
        steps = _Steps(context, done, total, own, missing)
        windows = propagate(
            model,
            reader,
            region,
            stretch.span,
            keyframe.frame,
            keyframe.picture,
            keyframe.task,
            keyframe.caption,
            keyframe.seed,
            settings,
            steps,
            feather=feather,
            stored=lambda window, names=names: stored(names[window]) if window in names else None,  # type: ignore[misc]
        )
        for key in stretch.keys:  # fewer than there are where the next keyframe takes over
            yield key, next(windows), not there[key]
        windows.close()  # type: ignore[attr-defined]
        done += sum(missing) * own


def composed_chain(
    reader: Frames,
    region: Region,
    span: tuple[int, int],
    keyframes: Sequence[Keyframe],
    windows: Sequence[EditedWindow | Path],
) -> Iterator[tuple[int, Frame, Frame]]:
    """`composed_frames` for several keyframes: every frame of the span in order, as (index, source, result). `windows` in any order."""
    ordered = sorted(keyframes, key=lambda keyframe: keyframe.frame)
    starts = [span[0], *(keyframe.frame for keyframe in ordered[1:])]
    for keyframe, start, stop in zip(ordered, starts, [*starts[1:], span[1]], strict=True):
        yield from composed_frames(reader, region, (start, stop), windows, keyframe.frame, keyframe.picture)


def sampling_of(model: VividModel, task: str, settings: SamplingSettings) -> Any:
    """How the windows of a task are sampled: what `propagate` uses."""
    return model.sampling("delete" if task == "delete" else "propagate", settings)


class _Steps(JobContext):
    """Passes the steps of one stretch on as steps of the whole, leaving out windows that were there before."""

    def __init__(self, whole: JobContext, before: int, total: int, runs: int, missing: Sequence[bool]) -> None:
        super().__init__(token=whole.token)
        self._whole, self._before, self._sum, self._runs, self._missing = whole, before, total, runs, missing

    def report(self, stage: str, done: int, total: int, partial: Any = None) -> None:
        if stage != STAGE:
            self._whole.report(stage, done, total, partial)
            return
        number, step = divmod(done, self._runs)
        own = sum(self._missing[:number]) * self._runs + (step if number < len(self._missing) and self._missing[number] else 0)
        if self._before + own:
            self._whole.report(stage, self._before + own, self._sum, partial)
        self.check()
