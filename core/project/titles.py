"""What a project is called before a person names it."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

_SAYS_NOTHING = re.compile(
    r"(video|clip|movie|film|footage|untitled|unnamed|input|output|export|download|desktop|document|upload|te?mp|new)?s?[\s_.-]*\(?\d{0,3}\)?",
    re.IGNORECASE,
)
_DRAWN_BY_LOT = re.compile(r"(?=.*[a-f])[0-9a-f]{8}[0-9a-f-]*|[0-9a-f-]{16,}", re.IGNORECASE)


def title_of(stem: str, folder: Path | None = None) -> str:
    """Name a project after its video.

    Args:
        stem: The name of the video's file, without its ending.
        folder: Where it lies, where a person put it there.

    Returns:
        The file's name; where that says nothing ("video", "clip 2", "1f0c9a7e2b"), the folder's;
        else the file's with day and time, so that two can be told apart.
    """
    stem = stem.strip()
    for name in (stem, "" if folder is None else folder.name.strip()):
        if not (_SAYS_NOTHING.fullmatch(name) or _DRAWN_BY_LOT.fullmatch(name)):
            return name
    return f"{stem.capitalize() or 'Video'}, {datetime.now().astimezone():%d %b %H:%M}"
