"""Parts of a result for a compositor: the edited thing alone with alpha, and the clean plate."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.contract.values import ExportFormat
from core.errors import InputError
from core.progress import JobContext

if TYPE_CHECKING:
    import numpy as np

    from core.inserts.carried import CarriedInsert
    from core.masks import MaskSequence
    from core.media import ClipReader

    Picture = np.ndarray

STAGE = "exporting"

PARTS: dict[str, ExportFormat] = {
    part.codec: part
    for part in (
        ExportFormat("alone-prores", "The edited thing alone, ProRes 4444", ".mov"),
        ExportFormat("alone-webm", "The edited thing alone, VP9 with alpha", ".webm"),
        ExportFormat("alone-png", "The edited thing alone, PNG in a zip", ".zip"),
        ExportFormat("plate", "The clean plate, H.264", ".mp4"),
    )
}
"""By the names that an export and `--also` have for them."""
_CODECS = {"alone-prores": "prores-4444", "alone-webm": "vp9-alpha", "plate": "h264"}


@dataclass(frozen=True)
class ResultParts:
    """What parts of a result are made of.

    Attributes:
        below: The clip that the edit stands on.
        result: The frame with the edit, of a frame's number and the frame below it.
        region: What may have changed.
        inserts: The pictures that were laid on it.
        painted: Whether anything else was edited: that is told by what differs.
        opacity: How much of the edit shows, 0 to 1.
    """

    below: ClipReader
    result: Callable[[int, Picture], Picture]
    region: MaskSequence
    inserts: tuple[CarriedInsert, ...] = ()
    painted: bool = True
    opacity: float = 1.0

    def alone(self, index: int, below: Picture) -> Picture:
        """The edited thing of a frame, uint8 (H, W, 4)."""
        import numpy as np

        from core.inserts.drawing import shown_alpha
        from core.render.alone import edited_alone

        known = None
        if not self.painted:
            known = np.zeros(below.shape[:2], np.float32)
            for insert in self.inserts[:1]:  # those of several keyframes share one path
                known = self.opacity * shown_alpha(insert, index, (below.shape[1], below.shape[0]))
        return edited_alone(self.result(index, below), below, self.region[index], known)


def write_part(path: Path, form: str, parts: ResultParts, span: tuple[int, int], context: JobContext) -> None:
    """Write a part of a result.

    Args:
        path: The file; it appears when it is complete.
        form: One of PARTS.
        parts: What it is made of.
        span: The frames start:stop.
        context: Reports frames, and can cancel.

    Raises:
        InputError: There is no such form, or its codec can't hold the clip.
        StorageError: The disk refuses.
        Cancelled: A person stopped the job.
    """
    from core.files import atomic_path
    from core.media import VideoWriter, write_png_frame

    if form not in PARTS:
        raise InputError(f"there is no part '{form}' of a result: choose one of {', '.join(PARTS)}")
    pictures = _plates(parts, span) if form == "plate" else _alone(parts, span)
    total = span[1] - span[0]
    context.report(STAGE, 0, total)
    if form in _CODECS:
        codec: Any = _CODECS[form]
        with VideoWriter(path, parts.below.info, timestamps=parts.below.timestamps, codec=codec, span=span) as writer:
            for done, picture in enumerate(pictures, 1):
                writer.write(picture)
                context.report(STAGE, done, total)
        return
    with (
        atomic_path(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
        tempfile.TemporaryDirectory(dir=path.parent) as folder,
    ):
        for done, picture in enumerate(pictures):
            file = write_png_frame(folder, span[0] + done, picture)
            archive.write(file, file.name)
            file.unlink()
            context.report(STAGE, done + 1, total)


def _alone(parts: ResultParts, span: tuple[int, int]) -> Iterator[Picture]:
    for index, below in zip(range(*span), parts.below.frames(*span), strict=True):
        yield parts.alone(index, below)


def _plates(parts: ResultParts, span: tuple[int, int]) -> Iterator[Picture]:
    """The clip without what the edit replaces. A picture that is laid on it replaces nothing."""
    from core.background import BackgroundModel

    background = BackgroundModel(parts.below, parts.region) if parts.painted else None
    for index, below in zip(range(*span), parts.below.frames(*span), strict=True):
        empty = background is None or parts.region.is_empty(index)
        yield below if empty or background is None else background.inpaint(index, below)
