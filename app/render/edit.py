"""From a region and accepted keyframes to a finished video with its report, by way of windows that
are kept as they come.
"""

from __future__ import annotations

import contextlib
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TYPE_CHECKING

from core.errors import StudioError
from core.machine import peak_memory_mb
from core.progress import JobContext
from core.project.mix import Mix, PLAIN

if TYPE_CHECKING:
    from app.engine import RunSegments
    from core.masks import MaskSequence
    from core.media import ClipReader
    from core.propagation.request import EditRequest
    from core.propagation.schedule import Segment
    from core.propagation.stack import AppliedEdit
    from core.vivid.contract import VideoEngine


@dataclass(frozen=True)
class RenderRequest:
    """A video to make.

    Attributes:
        edit: The frames of the result, their region and keyframes.
        source: The file that the sound comes from.
        clip: Names the frames that are edited by their content. Stored windows are used again where
            this, the weights and all else that they depend on are the same.
        weights: Names the model's weights.
        mix: How the edit lies over what is below.
        front: What stays in front of it; None for nothing.
    """

    edit: EditRequest
    source: Path
    clip: str
    weights: str
    mix: Mix = PLAIN
    front: MaskSequence | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the edit is shown as it was made."""
        return self.mix.is_plain and self.front is None


@dataclass(frozen=True)
class PlannedWindow:
    """The frames start:stop that a window makes, its name, and its file."""

    start: int
    stop: int
    key: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class MadeEdit:
    """An edit by its windows: what it takes to see it once they are made.

    Attributes:
        request: What was asked for.
        windows: In the order in which they are made.
        below: What lies under it and belongs to the same result; None for nothing.
    """

    request: RenderRequest
    windows: list[PlannedWindow]
    below: Below | None = None

    @property
    def parts(self) -> tuple[MadeEdit, ...]:
        """What lies over one another in the result, the lowest first, this one last."""
        return (*(self.below.plans if self.below else ()), self)

    def applied(self, joined: bool = False) -> AppliedEdit:
        """The edit as it lies on a clip, once its windows are made.

        `joined` says that it belongs to the same result as the one below it.
        """
        from core.propagation.stack import AppliedEdit

        request = self.request.edit
        pictures = {keyframe.frame: partial(_same, keyframe.picture) for keyframe in request.keyframes if keyframe.carried != "direct"}
        windows = tuple((window.start, window.stop, window.path) for window in self.windows)
        mix, front = self.request.mix, self.request.front
        return AppliedEdit(request.frames, request.region, windows, pictures, mix=mix, joined=joined, front=front)


@dataclass(frozen=True, kw_only=True)
class EditPlan(MadeEdit):
    """What has to be done for a request: its segments and windows, in the order in which they are
    made. `run` makes them.
    """

    model: VideoEngine
    segments: list[Segment]
    run: RunSegments


@dataclass(frozen=True)
class Below:
    """What lies under an edit and belongs to the same result: the plans of these parts, whose
    windows are made, and the clip without them.
    """

    reader: ClipReader
    plans: tuple[MadeEdit, ...]


def _same(picture: Any) -> Any:
    return picture


class Stopwatch:
    """Seconds per stage, summed."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.monotonic() - started


def plan(request: RenderRequest, model: VideoEngine, folder: Path, run: RunSegments | None = None) -> EditPlan:
    """Divide an edit into windows. Makes nothing.

    Args:
        request: The video to make.
        model: The video model.
        folder: Where the windows' files lie.
        run: What makes them (`Engine.run_segments`); this process where it is None.

    Returns:
        The plan.

    Raises:
        InputError: The keyframes don't fit the frames or the region.
    """
    from core.propagation.schedule import plan_segments, run_segments

    segments = plan_segments(model, request.edit, {"clip": request.clip, "weights": request.weights})
    windows = [
        PlannedWindow(*segment.frames_of(window), key, folder / f"{key}.npz")
        for segment in segments
        for window, key in zip(segment.windows, segment.keys, strict=True)
    ]
    return EditPlan(request=request, windows=windows, model=model, segments=segments, run=run or run_segments)


def write_edited_video(
    plan: EditPlan,
    reader: ClipReader,
    folder: Path,
    context: JobContext,
    *,
    png: bool = False,
    whole: bool = False,
    stopwatch: Stopwatch | None = None,
    also: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Propagate, composite and encode: `output.mp4` and `report.json`, and with `png` the folder
    `frames`.

    Every window is stored as soon as it is made; windows that are there already are not made again.
    The results appear when they are complete, and what was there before stays until then.

    Args:
        plan: What to do.
        reader: The clip to edit, with what lies below on it.
        folder: Where the results go.
        context: Reports denoising steps, then frames.
        png: Also write every edited frame as a picture, exactly as it is handed to the encoder.
        whole: Write the whole clip with the edited frames in it, what nothing changed copied from
            the source where that is possible. Otherwise only the frames that were edited.
        stopwatch: Gets the seconds of each stage.
        also: Goes into the report.

    Returns:
        The report.

    Raises:
        StorageError: The disk refuses.
        Cancelled: The job was stopped.
    """
    from app.render.windows import render_windows
    from core.files import write_text
    from core.propagation.propagate import pace_for
    from core.propagation.support import unsupported_frames

    stopwatch = stopwatch or Stopwatch()
    request, model = plan.request.edit, plan.model
    start, stop = request.frames
    with stopwatch("propagate"):
        made = make_windows(plan, reader, context)
    with stopwatch("render"):
        written = render_windows(plan, reader, folder, context, png=png, whole=whole)
    info = reader.info
    pace = next((found for found in (pace_for(model, request, keyframe) for keyframe in request.keyframes) if found is not None), None)
    first = min(request.keyframes, key=lambda keyframe: keyframe.frame)
    report = {
        "frames": stop - start,
        "span": [start, stop],
        "size": list(info.size),
        "rate": str(info.rate),
        "model": model.name,
        "weights": plan.request.weights,
        "task": first.task,
        "caption": first.caption,
        "keyframe": first.frame,
        "keyframes": sorted(keyframe.frame for keyframe in request.keyframes),
        "seed": first.seed,
        "settings": {name: asdict(model.sampling(name, request.settings)) for name in (first.task, "propagate")},
        "working_size": list(model.working_size),
        "speed": str(model.levers),
        "shown_rate": None if pace is None else float(pace.rate),
        "carried": {
            str(keyframe.frame): keyframe.carried
            for keyframe in request.keyframes
            if keyframe.task != "delete" or keyframe.carried == "direct"
        },
        "unsupported": [
            asdict(found) for part in plan.parts for found in unsupported_frames([w.path for w in part.windows], part.request.edit)
        ],
        "windows": sum(len(part.windows) for part in plan.parts),
        "windows_made": made,
        "seconds": {stage: round(seconds, 2) for stage, seconds in stopwatch.seconds.items()},
        "peak_memory_mb": round(peak_memory_mb()),
        **written.report(),
        **({} if plan.request.mix.is_plain else {"mix": asdict(plan.request.mix)}),
        **({"parts": [_about(part) for part in plan.parts]} if plan.below else {}),
        **(also or {}),
    }
    write_text(folder / "report.json", json.dumps(report, indent=1))
    return report


def _about(part: MadeEdit) -> dict[str, Any]:
    """What a part of several does."""
    keyframes = part.request.edit.keyframes
    names = ("frame", "task", "caption", "seed", "carried")
    return {"windows": len(part.windows), "keyframes": [{name: getattr(keyframe, name) for name in names} for keyframe in keyframes]}


def make_windows(plan: EditPlan, reader: ClipReader, context: JobContext) -> int:
    """Make the windows of a plan that are not stored yet.

    Args:
        plan: What to do.
        reader: The clip to edit.
        context: Reports denoising steps.

    Returns:
        How many had to be made.

    Raises:
        StorageError: The disk refuses.
        Cancelled: The job was stopped.
    """
    from core.files import storage_errors
    from core.propagation.result import EditedWindow

    paths = {window.key: window.path for window in plan.windows}

    def stored(key: str) -> EditedWindow | None:
        try:
            return EditedWindow.load(paths[key])
        except (
            OSError,
            ValueError,
            KeyError,
            EOFError,
            zipfile.BadZipFile,
            StudioError,
        ):  # not there, or a disk that lost something: it is made again
            return None

    made = 0
    for key, window in plan.run(plan.model, reader, plan.request.edit, plan.segments, context, stored):
        with storage_errors(paths[key]):
            paths[key].parent.mkdir(parents=True, exist_ok=True)
        window.save(paths[key])
        made += 1
    return made
