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

    request = planned.request.edit
    carried = tuple(keyframe.insert for keyframe in request.keyframes if keyframe.insert is not None)
    for form, name in zip(forms, part_files(forms), strict=True):
        frames = edited_frames(planned, reader)

        def result(index: int, _: np.ndarray) -> np.ndarray:
            return next(picture for number, _, picture in frames if number == index)  # noqa: B023 (used up in this turn)

        parts = ResultParts(reader, result, request.region, carried, painted=len(carried) < len(request.keyframes))
        write_part(out / name, form, parts, request.frames, context)
