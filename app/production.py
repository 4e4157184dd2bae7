"""From a region and an accepted keyframe to a finished video with its report."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TYPE_CHECKING

from core.progress import JobContext
from core.project.edits import SamplingSettings

if TYPE_CHECKING:
    import numpy as np

    from core.masks import MaskSequence
    from core.vivid.model import VividModel

STAGE = "rendering"


@dataclass(frozen=True)
class Production:
    """What to make. `region` covers at least `span` (half-open); `keyframe` is the whole edited frame, uint8 (H, W, 3)."""

    source: Path
    span: tuple[int, int]
    region: MaskSequence
    feather: int
    keyframe_index: int
    keyframe: np.ndarray
    task: str
    caption: str
    seed: int
    settings: SamplingSettings


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


def write_edited_video(
    production: Production,
    model: VividModel,
    folder: Path,
    context: JobContext,
    *,
    png: bool = False,
    stopwatch: Stopwatch | None = None,
) -> dict[str, Any]:
    """Propagate, composite and encode; writes `output.mp4` and `report.json` (and `frames/` with `png`) into `folder`.

    Returns the report. All of it appears when it is complete, and what was there before stays until then.
    """
    from core.media import open_clip, VideoWriter, write_png_frame
    from core.media.files import written_whole
    from core.render.composite import difference_outside
    from core.vivid.propagate import composed_frames, propagate

    stopwatch = stopwatch or Stopwatch()
    start, stop = production.span
    output = folder / "output.mp4"
    difference = 0
    with open_clip(production.source) as reader:
        with stopwatch("propagate"):
            windows = list(
                propagate(
                    model,
                    reader,
                    production.region,
                    production.span,
                    production.keyframe_index,
                    production.keyframe,
                    production.task,
                    production.caption,
                    production.seed,
                    production.settings,
                    context,
                    feather=production.feather,
                )
            )
        context.report(STAGE, 0, stop - start)
        with (
            stopwatch("render"),
            _pictures_of(folder / "frames" if png else None) as drafts,
            VideoWriter(output, reader.info, timestamps=reader.timestamps, audio_from=production.source, span=(start, stop)) as writer,
        ):
            composed = composed_frames(
                reader, production.region, production.span, windows, production.keyframe_index, production.keyframe, production.feather
            )
            for frame, source, result in composed:
                difference = max(difference, difference_outside(source, result, production.region[frame]))
                writer.write(result)
                if drafts is not None:
                    write_png_frame(drafts, frame - start, result)
                context.report(STAGE, frame - start + 1, stop - start)
        info = reader.info
    report = {
        "frames": stop - start,
        "span": [start, stop],
        "size": list(info.size),
        "rate": str(info.rate),
        "model": model.name,
        "task": production.task,
        "caption": production.caption,
        "keyframe": production.keyframe_index,
        "seed": production.seed,
        "settings": {name: asdict(model.sampling(name, production.settings)) for name in (production.task, "propagate")},
        "windows": len(windows),
        "seconds": {stage: round(seconds, 2) for stage, seconds in stopwatch.seconds.items()},
        "peak_memory_mb": round(peak_memory_mb()),
        "max_difference_outside": difference,
    }
    with written_whole(folder / "report.json") as temporary:
        temporary.write_text(json.dumps(report, indent=1), encoding="utf-8")
    return report


@contextlib.contextmanager
def _pictures_of(folder: Path | None) -> Iterator[Path | None]:
    """Yield a hidden folder to write to; at the end its pictures replace the numbered ones of `folder`. None gives None.

    StorageError when the disk refuses; nothing in `folder` has changed then, nor after any other error inside the block.
    """
    from core.media.files import storage_errors

    if folder is None:
        yield None
        return
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as drafts:
            yield Path(drafts)
            folder.mkdir(exist_ok=True)
            names = sorted(draft.name for draft in Path(drafts).iterdir())
            for name in names:
                (Path(drafts) / name).replace(folder / name)
        for path in folder.glob("*.png"):
            if path.stem.isdecimal() and path.name not in names:
                path.unlink()


def peak_memory_mb() -> float:
    """The most memory this process has held, in 10^6 bytes."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3
