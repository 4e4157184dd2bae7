"""A small evaluation set in the shape of VIVID-10M-Eval: all three tasks, with the example clips
and with procedural ones, whose truth is known where something is added or deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from core.errors import InputError
from core.evaluation.arrays import Frames, Masks
from core.evaluation.clips import as_sequence, EvaluationClip, example_clips
from core.evaluation.deletion import cover, MaskTrack
from core.evaluation.edit_set import EDIT, write_edit
from core.evaluation.procedural import draw_samples, unseen_world
from core.evaluation.propagation import contrary_caption
from core.masks.png import export_png
from core.media import VideoWriter
from core.progress import JobContext
from core.project.video import VideoInfo

FRAMES, SAMPLES = 49, 4
"""Frames of each clip, as in the paper, and procedural clips of each task."""
SIZE = (192, 288)
"""Height and width of the procedural clips."""
RATE = 30
_EXAMPLE_CAPTION = "a red ball"


@dataclass(frozen=True)
class _Edit:
    name: str
    frames: Frames
    region: Masks
    task: str
    caption: str
    truth: Frames | None = None


def build_edit_set(out: Path, context: JobContext, samples: int = SAMPLES, frames: int = FRAMES, size: tuple[int, int] = SIZE) -> int:
    """Write an evaluation set.

    Args:
        out: Folder that gets a folder of each edit; must not hold edits yet.
        context: Reports progress; work stops when it is cancelled.
        samples: Procedural clips of each task; 0 for the example clips alone.
        frames: Of each clip at most.
        size: Height and width of the procedural clips.

    Returns:
        How many edits there are.

    Raises:
        InputError: The folder holds a set already, or a number is out of range.
        StorageError: The disk refuses.
    """
    if not 0 <= samples <= 1000 or frames < 2:
        raise InputError(f"{samples} samples of {frames} frames can't be drawn: 0 to 1000 of at least 2 can")
    if out.is_dir() and any(out.glob(f"*/{EDIT}")):
        raise InputError(f"'{out}' holds an evaluation set already: choose another folder")
    total, count = 5 + 3 * samples, 0
    for edit in _edits(samples, frames, size):
        context.report("writing the set", count, total)
        context.check()
        _write(out / edit.name, edit)
        count += 1
    context.report("writing the set", count, total)
    return count


def _edits(samples: int, frames: int, size: tuple[int, int]) -> Iterator[_Edit]:
    clips = list(example_clips(frames))
    for number, clip in enumerate(clips):
        assert clip.masks is not None
        yield _Edit(f"{clip.name}-delete", clip.frames, clip.masks, "delete", "")
        yield _Edit(f"{clip.name}-modify", clip.frames, clip.masks, "modify", _EXAMPLE_CAPTION)
        other = clips[number - 1]
        if other is not clip and number == 0:  # what is added moves as the thing of another clip
            yield _added(clip, other)
    if samples:
        drawn = draw_samples(unseen_world(size), samples, frames, seed=4)
        for number, one in enumerate(drawn):
            name = f"drawn-{number:02d}"
            yield _Edit(f"{name}-add", one.plate, one.region, "add", one.caption, one.frames)
            yield _Edit(f"{name}-delete", one.frames, one.region, "delete", "", one.plate)
            yield _Edit(f"{name}-modify", one.frames, one.region, "modify", contrary_caption(one, drawn, number))


def _added(clip: EvaluationClip, other: EvaluationClip) -> _Edit:
    assert other.masks is not None
    pair = cover(clip, MaskTrack(other.name, other.masks))
    return _Edit(f"{clip.name}-add", pair.truth, pair.holes, "add", _EXAMPLE_CAPTION)


def _write(folder: Path, edit: _Edit) -> None:
    """The sample's files; edit.json comes last, so that a folder without it is no sample."""
    _write_video(folder / "video.mp4", edit.frames)
    export_png(as_sequence(edit.region), folder / "masks")
    if edit.truth is not None:
        _write_video(folder / "truth.mp4", edit.truth)
    write_edit(folder, edit.task, edit.caption)


def _write_video(path: Path, frames: Frames) -> None:
    info = VideoInfo(frames.shape[2], frames.shape[1], Fraction(RATE), len(frames), color_matrix="bt709", color_range="tv")
    with VideoWriter(path, info) as writer:
        for frame in frames:
            writer.write(frame)
