"""Programs that edit an evaluation set here: the video model as the editor runs it, and what needs
no model. Their results are lossless, so that nothing but the program changes a pixel."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from core.background import BackgroundModel
from core.background.canvas import behind_keyframe
from core.errors import InputError
from core.evaluation.arrays import Frame
from core.evaluation.baselines import inpainted
from core.evaluation.edit_set import open_sample, SampleEdit
from core.evaluation.edits import paint_keyframe
from core.files import write_text
from core.geometry import FrameRange
from core.masks import Feather, MaskSequence
from core.media import ClipReader, VideoWriter
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.propagation.direct import direct_keyframe, direct_start
from core.propagation.propagate import propagate
from core.propagation.request import EditRequest, Keyframe
from core.propagation.schedule import composite_segments
from core.propagation.window_input import WindowInput
from core.vivid.contract import VideoEngine

OURS, DIRECT, INPAINT, BACKGROUND = "ours", "direct", "inpaint", "background"
PROGRAMS = {
    OURS: "the video model, as the editor runs it",
    DIRECT: "the video model without a keyframe",
    INPAINT: "cv2.inpaint (Telea), a frame at a time",
    BACKGROUND: "the background model of the clip, without the video model",
}
"""Name -> what it is. The last two only delete."""
_DELETES = (INPAINT, BACKGROUND)
SECONDS = "seconds.json"
"""In a program's folder: by edit how long a try at its keyframe took (`try`) and its video."""
SUFFIX = ".mkv"


def check_programs(names: tuple[str, ...]) -> None:
    """InputError for a name that is none of PROGRAMS."""
    for name in names:
        if name not in PROGRAMS:
            raise InputError(f"unknown program '{name}' (known: {', '.join(PROGRAMS)})")


def run_programs(
    names: tuple[str, ...], samples: list[SampleEdit], results: Path, video: Callable[[], VideoEngine], context: JobContext
) -> None:
    """Edit every sample with some programs; what is there already stays.

    Args:
        names: Of PROGRAMS.
        samples: The edits of the set.
        results: Folder that gets a folder of each program.
        video: Loads the video model, when it is needed.
        context: Reports progress; work stops when it is cancelled.
    """
    check_programs(names)
    wanted = [(name, sample) for name in names for sample in samples if name not in _DELETES or sample.task == "delete"]
    for done, (name, sample) in enumerate(wanted):
        context.report(f"editing with {name}", done, len(wanted))
        folder = results / name
        if (folder / "composited" / f"{sample.name}{SUFFIX}").exists():
            continue
        with open_sample(sample) as (reader, region):
            begun = time.monotonic()
            took: dict[str, float] = {}
            if name in (OURS, DIRECT):
                tried = _edit(video(), sample, reader, region, folder, context, name == DIRECT)
                took |= {"try": tried} if name == OURS else {}
            else:
                filled = _inpainted(reader, region) if name == INPAINT else _background(reader, region)
                _write(folder / "composited" / f"{sample.name}{SUFFIX}", reader, filled, context)
            took["video"] = time.monotonic() - begun - took.get("try", 0)
        said = seconds_of(folder) | {sample.name: {part: round(value, 3) for part, value in took.items()}}
        write_text(folder / SECONDS, json.dumps(said, indent=1) + "\n")


def seconds_of(folder: Path) -> dict[str, dict[str, float]]:
    """What a program's folder says of how long its edits took; nothing where it doesn't."""
    try:
        said = json.loads((folder / SECONDS).read_text(encoding="utf-8"))
        return {str(name): {part: float(value) for part, value in parts.items()} for name, parts in said.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _edit(
    model: VideoEngine, sample: SampleEdit, reader: ClipReader, region: MaskSequence, folder: Path, context: JobContext, direct: bool
) -> float:
    """A keyframe on the first frame that has a region, propagated, or `direct` without one; what
    the model itself gives back is kept beside it, where it is asked for every frame. Returns the
    seconds of the keyframe.
    """
    whole = FrameRange(0, len(reader))
    at = direct_start(region, whole)
    begun = time.monotonic()
    if direct:
        keyframe = direct_keyframe(reader, at, sample.task, sample.caption, seed=0)
    else:
        behind = behind_keyframe(reader, region, at)
        picture = paint_keyframe(model, reader.frame(at), region[at], sample.task, sample.caption, context, behind=behind)
        keyframe = Keyframe(at, picture, sample.task, sample.caption, seed=0)
    took = time.monotonic() - begun
    request = EditRequest(whole, region, (keyframe,), SamplingSettings(), Feather(0), times=reader.timestamps)
    raw: dict[int, Frame] = {}

    def answered(given: WindowInput, answers: list[Frame]) -> None:
        for slot, answer in zip(given.slots, answers, strict=True):
            raw.setdefault(given.window.frames[slot], given.crops[slot].over(given.sources[slot], answer))

    windows = list(propagate(model, reader, request, JobContext(token=context.token), answered=answered))
    frames = (result for _, _, result in composite_segments(reader, request, windows))
    if raw and all(index in raw or region.is_empty(index) for index in whole.frames):
        shown = (raw.get(index, source) for index, source in enumerate(reader.frames()))
        _write(folder / "raw" / f"{sample.name}{SUFFIX}", reader, shown, context)
    _write(folder / "composited" / f"{sample.name}{SUFFIX}", reader, frames, context)
    return took


def _inpainted(reader: ClipReader, region: MaskSequence) -> Iterator[Frame]:
    for index, frame in enumerate(reader.frames()):
        yield inpainted([frame], [region[index]])[0]


def _background(reader: ClipReader, region: MaskSequence) -> Iterator[Frame]:
    behind = BackgroundModel(reader, region)
    return (behind.inpaint(index, frame) for index, frame in enumerate(reader.frames()))


def _write(path: Path, reader: ClipReader, frames: Iterator[Frame], context: JobContext) -> None:
    with ExitStack() as stack:
        writer = stack.enter_context(VideoWriter(path, replace(reader.info, audio=()), timestamps=reader.timestamps, codec="ffv1"))
        for frame in frames:
            context.check()
            writer.write(frame)
