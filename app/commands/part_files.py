"""`edit --also`: parts of the result as files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.render.edit import MadeEdit
from app.render.result_parts import PARTS, ResultParts, write_part
from core.progress import JobContext

if TYPE_CHECKING:
    import numpy as np

    from core.media import ClipReader


def part_files(forms: Sequence[str]) -> tuple[str, ...]:
    """What the parts are called in the folder of a result, in the same order."""
    return tuple(f"output-{form}{PARTS[form].suffix}" for form in forms)


def write_parts(out: Path, forms: Sequence[str], planned: MadeEdit, reader: ClipReader, context: JobContext) -> None:
    """Write parts of a result whose windows are made.

    Args:
        out: The folder of the result.
        forms: Which of `app.render.result_parts.PARTS`.
        planned: The edit.
        reader: The clip.
        context: Progress and cancelling.

    Raises:
        InputError: A codec can't hold the clip.
        StorageError: The disk refuses.
        Cancelled: A person stopped the job.
    """
    from app.render.windows import edited_frames
    from core.background.affected import united

    request = planned.request.edit
    below = planned.below.reader if planned.below else reader
    first, *others = (part.request.edit.region for part in planned.parts)
    region = united(first, *others) if others else first
    keyframes = [keyframe for part in planned.parts for keyframe in part.request.edit.keyframes]
    carried = tuple(keyframe.insert for keyframe in keyframes if keyframe.insert is not None)
    for form, name in zip(forms, part_files(forms), strict=True):
        frames = edited_frames(planned, reader)

        def result(index: int, _: np.ndarray) -> np.ndarray:
            return next(picture for number, _, picture in frames if number == index)  # noqa: B023 (used up in this turn)

        parts = ResultParts(below, result, region, carried, painted=len(carried) < len(keyframes))
        write_part(out / name, form, parts, request.frames, context)
