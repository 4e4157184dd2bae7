"""What is this file? The first thing that happens to everything a person hands in."""

from __future__ import annotations

from pathlib import Path

from core.files import is_folder
from core.media.folder import probe_folder
from core.media.index import frame_index
from core.project.video import VideoInfo


def probe(path: str | Path) -> VideoInfo:
    """Facts about a video file or a folder of numbered images, with the number of frames it really
    decodes to.

    Long files are counted by their packets and checked by decoding both ends, so this takes
    seconds, not the length of the clip. Raises InputError in one line for what is no usable video:
    missing, unreadable, text, sound only, a single picture or a cover picture, damaged before its
    first frame, a folder without numbered images or with images of differing size.
    """
    path = Path(path)
    return probe_folder(path)[0] if is_folder(path) else frame_index(path).info
