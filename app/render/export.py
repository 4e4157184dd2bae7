"""Results as files to take home: any codec that this machine can write, or pictures; sound and
colour tags kept.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.contract.values import ExportFormat
from core.errors import InputError
from core.progress import JobContext

if TYPE_CHECKING:
    import numpy as np

    from core.media import ClipReader
    from core.media.copying import CopyPlan

STAGE = "exporting"
PNG = "png"


def export_formats() -> tuple[ExportFormat, ...]:
    """What can be written on this machine, the usual first."""
    from core.media.codecs import available_codecs, ENCODINGS

    videos = [ExportFormat(codec, ENCODINGS[codec].title, ENCODINGS[codec].suffixes[0]) for codec in available_codecs()]
    return (*videos, ExportFormat(PNG, "PNG pictures in a zip", ".zip"))


def format_of(codec: str) -> ExportFormat:
    """The format called `codec`; InputError for one that can't be written here."""
    formats = {known.codec: known for known in export_formats()}
    if codec not in formats:
        raise InputError(f"'{codec}' can't be written here (this machine can write {', '.join(formats)})")
    return formats[codec]


def file_stem(name: str) -> str:
    """A project's name as every file system takes it."""
    return re.sub(r'[<>:"/\\|?*\x00-\x1f]+', " ", name).strip(" .")[:100] or "video"


def export_notes(source: Path, span: tuple[int, int], codec: str) -> tuple[str, ...]:
    """What becomes of all but the picture of a clip in a format.

    Args:
        source: The clip.
        span: The frames start:stop.
        codec: As `export_formats` lists it.

    Returns:
        Sentences without a capital and a full stop; nothing for a clip that has only pictures.

    Raises:
        InputError: There is no such format, or the clip can't be opened.
    """
    from core.media.codecs import CONTAINERS
    from core.media.source import has_streams
    from core.media.stream_plan import stream_notes
    from core.media.streams import streams_of

    kind = format_of(codec)
    if not has_streams(source):
        return ()
    sounds = streams_of(source).sounds
    if codec == PNG:
        return ("pictures hold no sound",) if sounds else ()
    notes = stream_notes(source, CONTAINERS[kind.suffix], span)
    return notes or (("the sound is kept as it is",) if sounds else ())


def rehearse_clip(reader: ClipReader, span: tuple[int, int], source: Path, codec: str, context: JobContext) -> tuple[str, ...]:
    """Find out before any work whether `write_clip` could write the clip: the real encoders and
    streams, a few black frames.

    Args:
        reader: The clip.
        span: The frames start:stop.
        source: The file that the sound comes from.
        codec: As `export_formats` lists it.
        context: Can cancel.

    Returns:
        What a person should know about sound and subtitles, each a sentence without a capital and
        a full stop.

    Raises:
        InputError: The codec or its container can't hold the clip.
        StorageError: The disk refuses.
        Cancelled: The context said so.
    """
    from core.media import VideoWriter
    from core.media.source import has_streams
    from core.media.streams import streams_of

    kind = format_of(codec)
    if codec == PNG:
        return ()
    if has_streams(source):
        streams_of(source, context)  # looks through the whole file, and is remembered
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"output{kind.suffix}"
        written: Any = _with_alpha(reader, codec)
        writer = VideoWriter(path, reader.info, timestamps=reader.timestamps, codec=written, audio_from=source, span=span)
        return writer.rehearse()


def write_clip(
    reader: ClipReader, span: tuple[int, int], source: Path, codec: str, path: Path, context: JobContext, *, copies: bool = False
) -> int:
    """Write the frames of the half-open span, with the sound of `source`; PNG goes into a zip.

    The file appears when it is complete. InputError for what the codec can't hold, StorageError
    when the disk refuses.

    Args:
        reader: The clip.
        span: The frames start:stop.
        source: The file that the sound comes from.
        codec: As `export_formats` lists it.
        path: The file to write.
        context: Reports frames, and can cancel.
        copies: Whether what no edit changed is copied from the source where that is possible; the
            span has to be the whole clip.

    Returns:
        How many frames were copied; all others were encoded.

    Raises:
        InputError: The codec can't hold the clip.
        StorageError: The disk refuses.
    """
    from core.files import atomic_path
    from core.media import write_png_frame
    from core.media.copying import plan_copies
    from core.media.splice import SpliceError

    start, stop = span
    context.report(STAGE, 0, stop - start)
    if codec != PNG:
        written: Any = _with_alpha(reader, codec)
        plan = plan_copies(source, reader.info, written, path.suffix, reader.changes) if copies else None
        if plan is not None:
            try:
                return _write_video(reader, span, source, written, path, context, plan)
            except SpliceError:
                pass
        return _write_video(reader, span, source, written, path, context, None)
    with (
        atomic_path(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
        tempfile.TemporaryDirectory(dir=path.parent) as folder,
    ):
        for number, frame in enumerate(_pictures(reader, span, reader.info.alpha)):
            picture = write_png_frame(folder, number, frame)
            archive.write(picture, picture.name)
            picture.unlink()
            context.report(STAGE, number + 1, stop - start)
    return 0


def _write_video(
    reader: ClipReader, span: tuple[int, int], source: Path, codec: Any, path: Path, context: JobContext, copies: CopyPlan | None
) -> int:
    """Write the frames of the span, and copy what the plan says; how many frames were copied.

    Args:
        reader: The clip.
        span: The frames start:stop.
        source: The file that the sound comes from.
        codec: What it is written as.
        path: The file to write.
        context: Reports frames, and can cancel.
        copies: What is copied; None for nothing.

    Returns:
        Frames.
    """
    from core.media.copying import Part
    from core.media.splice import clip_writer, SplicedWriter

    start, stop = span
    alpha = codec == "prores-4444"
    with clip_writer(path, reader, source, codec, span, copies) as writer:
        for part in copies.parts if copies is not None else (Part(start, stop, False),):
            if isinstance(writer, SplicedWriter) and part.copied:
                writer.copy(part)
                context.report(STAGE, part.stop - start, stop - start)
                continue
            for number, frame in enumerate(_pictures(reader, (part.start, part.stop), alpha), part.start):
                writer.write(frame)
                context.report(STAGE, number + 1 - start, stop - start)
    return 0 if copies is None else copies.copied


def _with_alpha(reader: ClipReader, codec: str) -> str:
    """The kind of the codec that keeps transparency, where there is any and such a kind."""
    return "prores-4444" if codec == "prores" and reader.info.alpha else codec


def _pictures(reader: ClipReader, span: tuple[int, int], alpha: bool) -> Iterator[np.ndarray]:
    """The frames of the span, with `alpha` as a fourth channel."""
    import numpy as np

    if not alpha:
        return reader.frames(*span)
    return (np.dstack(both) for both in zip(reader.frames(*span), reader.alphas(*span), strict=True))
