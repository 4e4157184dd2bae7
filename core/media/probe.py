"""What is this file? The first thing that happens to everything a person hands in."""

from __future__ import annotations

from pathlib import Path

from core.files import is_folder
from core.media.animation import AnimationReader
from core.media.folder import probe_folder
from core.media.index import frame_index
from core.media.reader import ClipReader, FolderReader, VideoReader
from core.media.source import head_of, is_animated_webp
from core.progress import JobContext
from core.project.video import VideoInfo


def probe(path: str | Path, context: JobContext | None = None) -> VideoInfo:
    """Facts about a video file or a folder of numbered images, with the number of frames it really
    decodes to.

    Long files are counted by their packets and checked by decoding both ends, which takes seconds.
    Only where packets don't tell the frames is all decoded, once for each file: then `context` is
    told how far that is, and can cancel it. Raises InputError in one line for what is no usable
    video: missing, unreadable, text, sound only, a single picture or a cover picture, damaged
    before its first frame, a folder without numbered images or with images of differing size.
    """
    path = Path(path)
    if is_folder(path):
        return probe_folder(path)[0]
    if is_animated_webp(head_of(path)):
        with AnimationReader(path) as reader:
            return reader.info
    return frame_index(path, context).info


def open_clip(path: str | Path, deinterlace: bool = False, context: JobContext | None = None) -> ClipReader:
    """Open a clip for reading.

    Args:
        path: A video file, an animation or a folder of numbered images.
        deinterlace: Whether to make whole frames where those of the file are interlaced.
        context: As for `probe`.

    Returns:
        The reader.

    Raises:
        InputError: Exactly when `probe` raises it.
        Cancelled: The context said so.
    """
    path = Path(path)
    if is_folder(path):
        return FolderReader(path)
    return AnimationReader(path) if is_animated_webp(head_of(path)) else VideoReader(path, deinterlace, context)
