"""From a region and accepted keyframes to a finished video with its report, by way of windows that are kept as they come."""

from __future__ import annotations

import contextlib
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TYPE_CHECKING

from core.errors import StudioError
from core.machine import peak_memory_mb
from core.progress import JobContext
from core.project.edits import SamplingSettings

if TYPE_CHECKING:
    from core.masks import Feather, MaskSequence
    from core.media import ClipReader
    from core.propagation.schedule import Keyframe, Stretch
    from core.vivid.model import VividModel

STAGE = "rendering"


@dataclass(frozen=True)
class Production:
    """What to make. `region` covers at least `span` (half-open), `feather` is how soft its edge is; `keyframes` are at least one.

    `source` is the file that the sound comes from. `clip` names the frames that are edited by their content, and `weights` the model:
    stored windows are used again where both are the same, and everything else they depend on.
    """

    source: Path
    span: tuple[int, int]
    region: MaskSequence
    feather: Feather
    keyframes: tuple[Keyframe, ...]
    settings: SamplingSettings
    clip: str
    weights: str


@dataclass(frozen=True)
class PlannedWindow:
    """The frames start:stop that a window makes, its name, and the file where it lies or will lie."""

    start: int
    stop: int
    key: str
    path: Path


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


def plan(production: Production, model: VividModel, folder: Path) -> tuple[list[Stretch], list[PlannedWindow]]:
    """The windows that the production comes to, in the order in which they are made; their files lie in `folder`. Makes nothing."""
    from core.propagation.schedule import plan_chain

    facts: dict[str, object] = {"clip": production.clip, "weights": production.weights}
    chain = plan_chain(model, production.region, production.span, production.keyframes, production.settings, production.feather, facts)
    windows = [
        PlannedWindow(*stretch.made(window), key, folder / f"{key}.npz")
        for stretch in chain
        for window, key in zip(stretch.windows, stretch.keys, strict=True)
    ]
    return chain, windows


def write_edited_video(
    production: Production,
    model: VividModel,
    folder: Path,
    context: JobContext,
    *,
    reader: ClipReader,
    windows_folder: Path,
    planned: tuple[list[Stretch], list[PlannedWindow]] | None = None,
    png: bool = False,
    stopwatch: Stopwatch | None = None,
    also: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Propagate, composite and encode; writes `output.mp4` and `report.json` (and `frames/` with `png`) into `folder`.

    Frames come from `reader`. Every window is stored in `windows_folder` as soon as it is made; windows that lie there are not made
    again. `planned` is what `plan` gave, where the caller has it already; `also` goes into the report. Returns the report. The results
    appear when they are complete, and what was there before stays until then.
    """
    from core.files import atomic_pictures, write_text
    from core.media import VideoWriter, write_png_frame
    from core.propagation.schedule import composed_chain
    from core.render.composite import difference_outside
    from core.render.seams import JoinMeter

    stopwatch = stopwatch or Stopwatch()
    start, stop = production.span
    region = production.region
    with stopwatch("propagate"):
        planned = planned or plan(production, model, windows_folder)
        windows = planned[1]
        made = make_windows(production, model, planned, reader, context)
    difference = 0
    meter = JoinMeter({border for window in windows for border in (window.start, window.stop) if start < border < stop})
    context.report(STAGE, 0, stop - start)
    with (
        stopwatch("render"),
        atomic_pictures(folder / "frames") if png else contextlib.nullcontext() as drafts,
        VideoWriter(
            folder / "output.mp4", reader.info, timestamps=reader.timestamps, audio_from=production.source, span=(start, stop)
        ) as writer,
    ):
        paths = [window.path for window in windows]
        for frame, source, result in composed_chain(reader, region, production.span, production.keyframes, paths):
            mask = region[frame]
            difference = max(difference, difference_outside(source, result, mask))
            meter.see(frame, result, mask)
            writer.write(result)
            if drafts is not None:
                write_png_frame(drafts, frame - start, result)
            context.report(STAGE, frame - start + 1, stop - start)
    info = reader.info
    first = min(production.keyframes, key=lambda keyframe: keyframe.frame)
    report = {
        "frames": stop - start,
        "span": [start, stop],
        "size": list(info.size),
        "rate": str(info.rate),
        "model": model.name,
        "weights": production.weights,
        "task": first.task,
        "caption": first.caption,
        "keyframe": first.frame,
        "keyframes": sorted(keyframe.frame for keyframe in production.keyframes),
        "seed": first.seed,
        "settings": {name: asdict(model.sampling(name, production.settings)) for name in (first.task, "propagate")},
        "working_size": list(model.working_size),
        "windows": len(windows),
        "windows_made": made,
        "joins": [asdict(join) for join in meter.joins()],
        "seconds": {stage: round(seconds, 2) for stage, seconds in stopwatch.seconds.items()},
        "peak_memory_mb": round(peak_memory_mb()),
        "max_difference_outside": difference,
        **(also or {}),
    }
    write_text(folder / "report.json", json.dumps(report, indent=1))
    return report


def make_windows(
    production: Production,
    model: VividModel,
    planned: tuple[list[Stretch], list[PlannedWindow]],
    reader: ClipReader,
    context: JobContext,
) -> int:
    """See that every planned window lies in its file; returns how many had to be made."""
    from core.files import storage_errors
    from core.propagation.result import EditedWindow
    from core.propagation.schedule import run_chain

    chain, windows = planned
    paths = {window.key: window.path for window in windows}

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
    for key, window, is_new in run_chain(model, reader, production.region, chain, production.settings, production.feather, context, stored):
        if is_new:
            with storage_errors(paths[key]):
                paths[key].parent.mkdir(parents=True, exist_ok=True)
            window.save(paths[key])
            made += 1
    return made
