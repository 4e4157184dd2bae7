"""Stored windows, composited and encoded: an edit as a video."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TYPE_CHECKING

import numpy as np

from core.files import atomic_pictures
from core.geometry import FrameRange
from core.media import write_png_frame
from core.media.codecs import Codec
from core.media.copying import CopyPlan, Part, plan_copies
from core.media.splice import clip_writer, SplicedWriter, SpliceError
from core.progress import JobContext
from core.propagation.schedule import composite_segments
from core.render.composite import difference_outside
from core.render.seams import Seam, SeamMeter

if TYPE_CHECKING:
    from app.render.edit import MadeEdit
    from core.media import ClipReader

STAGE = "rendering"
CODEC: Codec = "h264"


@dataclass(frozen=True)
class Rendered:
    """What a video was made of: the frames `span` of the clip, so many of them `copied`. The
    largest `difference` outside the region, in levels; and the seams between windows.
    """

    span: FrameRange
    copied: int
    difference: int
    seams: list[Seam]

    def report(self) -> dict[str, Any]:
        """What a report says of it."""
        return {
            "joins": [asdict(seam) for seam in self.seams],
            "max_difference_outside": self.difference,
            "written": list(self.span),
            "copied": self.copied,
        }


def render_windows(
    plan: MadeEdit, reader: ClipReader, folder: Path, context: JobContext, *, png: bool = False, whole: bool = False
) -> Rendered:
    """Write `output.mp4`, and with `png` the folder `frames`, of windows that are all there.

    Args:
        plan: What was made.
        reader: The clip that was edited.
        folder: Where the results go.
        context: Reports frames.
        png: Also write every edited frame as a picture, exactly as it is handed to the encoder.
        whole: Write the whole clip, and copy what nothing changed where that is possible.

    Returns:
        What was written.

    Raises:
        StorageError: The disk refuses.
        Cancelled: The job was stopped.
    """
    request = plan.request.edit
    if whole:

        def changed(frame: int) -> bool:
            regions = [part.request.edit.region for part in plan.parts]
            return reader.changes(frame) or (request.frames.contains(frame) and not all(one.is_empty(frame) for one in regions))

        copies = plan_copies(plan.request.source, reader.info, CODEC, ".mp4", changed)
        with contextlib.suppress(SpliceError):
            return _render(plan, reader, folder, context, png, FrameRange(0, len(reader)), copies)
        return _render(plan, reader, folder, context, png, FrameRange(0, len(reader)), None)
    return _render(plan, reader, folder, context, png, request.frames, None)


def _render(
    plan: MadeEdit, reader: ClipReader, folder: Path, context: JobContext, png: bool, span: FrameRange, copies: CopyPlan | None
) -> Rendered:
    """Write the frames of the span, and copy what the plan of copies says.

    Args:
        plan: What was made.
        reader: The clip that was edited.
        folder: Where the results go.
        context: Reports frames.
        png: Also write every edited frame as a picture.
        span: The frames that are written; those that are not edited are as the clip has them.
        copies: What is copied; None for nothing.

    Returns:
        What was written.
    """
    request = plan.request.edit
    start, stop = request.frames
    meters = [SeamMeter({border for w in part.windows for border in (w.start, w.stop) if start < border < stop}) for part in plan.parts]
    originals = plan.below.reader.frames(start, stop) if plan.below else None
    difference = 0
    source = plan.request.source
    context.report(STAGE, 0, len(span.frames))
    with (
        atomic_pictures(folder / "frames") if png else contextlib.nullcontext() as drafts,
        clip_writer(folder / "output.mp4", reader, source, CODEC, span, copies) as writer,
    ):
        edited = edited_frames(plan, reader)
        for part in copies.parts if copies is not None else (Part(*span, False),):
            if isinstance(writer, SplicedWriter) and part.copied:
                writer.copy(part)
            for frame, before, picture in _pictures(reader, part, request.frames, edited):
                if before is not None:
                    masks = [one.request.edit.region[frame] for one in plan.parts]
                    original = before if originals is None else next(originals)
                    difference = max(difference, difference_outside(original, picture, np.logical_or.reduce(masks)))
                    for meter, mask in zip(meters, masks, strict=True):
                        meter.see(frame, picture, mask)
                    if drafts is not None:
                        write_png_frame(drafts, frame - start, picture)
                if not part.copied:
                    writer.write(picture)
                context.report(STAGE, frame + 1 - span.start, len(span.frames))
    seams = sorted((seam for meter in meters for seam in meter.seams()), key=lambda seam: seam.frame)
    return Rendered(span, 0 if copies is None else copies.copied, difference, seams)


def edited_frames(plan: MadeEdit, reader: ClipReader) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """The result of a plan whose windows are made.

    Args:
        plan: What was made.
        reader: The clip that was edited.

    Yields:
        (index, frame before, frame with the edit) for every frame of the request in order.
    """
    if all(part.request.is_plain for part in plan.parts):
        yield from composite_segments(reader, plan.request.edit, [window.path for window in plan.windows])
        return
    from core.propagation.stack import StackedReader

    below = plan.below.reader if plan.below else reader
    stacked = StackedReader(below, [part.applied(number > 0) for number, part in enumerate(plan.parts)])
    start, stop = plan.request.edit.frames
    yield from zip(range(start, stop), below.frames(start, stop), stacked.frames(start, stop), strict=True)


def _pictures(
    reader: ClipReader, part: Part, frames: FrameRange, edited: Iterator[tuple[int, np.ndarray, np.ndarray]]
) -> Iterator[tuple[int, np.ndarray | None, np.ndarray]]:
    """The frames of a part, each with its number and, of those that were edited, what it was
    before; of a part that is copied only those.
    """
    since, until = max(part.start, frames.start), min(part.stop, frames.stop)
    if since >= until:
        since = until = part.stop
    if not part.copied and part.start < since:
        for frame, picture in zip(range(part.start, since), reader.frames(part.start, since), strict=True):
            yield frame, None, picture
    for _ in range(since, until):
        yield next(edited)
    if not part.copied and until < part.stop:
        for frame, picture in zip(range(until, part.stop), reader.frames(until, part.stop), strict=True):
            yield frame, None, picture
