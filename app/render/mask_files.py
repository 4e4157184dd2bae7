"""Masks that lie in files of any kind: pictures, folders and zips of them, matte videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.files import check_regular, is_folder
from core.progress import JobContext
from core.project.video import VideoInfo
from core.words import counted

if TYPE_CHECKING:
    from core.masks.importing import ImportedMasks

VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mts", ".m2ts", ".mpg")
SHAPES = ".json"
"""How the names of files end that hold drawn shapes."""

SAMPLES = 8
"""Frames of a video that are looked at, to tell whether it is masks."""
BLACK, WHITE = 48, 207
"""Levels up to which, and from which on, a pixel counts as black or white: lossy codecs leave
neither pure.
"""
GREY = 0.04
"""Share of a mask's pixels that may lie between, along soft edges."""


def looks_like_masks(path: Path, info: VideoInfo, span: tuple[int, int]) -> bool:
    """Whether a video is plainly masks for a clip: as many frames as the clip or its `span`, its
    shape, and all black and white.

    Args:
        path: The video.
        info: Of the clip.
        span: The frames start:stop that are worked on.

    Returns:
        True where all that was looked at is black and white.
    """
    from core.media import open_clip

    with open_clip(path) as reader:
        if (
            len(reader) not in (info.frames, span[1] - span[0])
            or abs(reader.info.width * info.height / info.width / reader.info.height - 1) > 0.02
        ):
            return False
        white = 0.0
        for index in sorted({round(i * (len(reader) - 1) / (SAMPLES - 1)) for i in range(SAMPLES)}):
            frame = reader.preview(index, 320)
            darkest, brightest = frame.min(axis=-1), frame.max(axis=-1)
            bright = float((darkest >= WHITE).mean())
            if float((brightest <= BLACK).mean()) + bright < 1 - GREY:
                return False
            white = max(white, bright)
        return 0 < white < 1


def read_masks(path: Path, info: VideoInfo, span: tuple[int, int], frame: int, context: JobContext | None = None) -> ImportedMasks:
    """The masks in `path` for a clip, or for its `span`: the one reader of the page and of the
    command line.

    Args:
        path: A picture, a folder or zip of pictures, a video, or a JSON file of drawn shapes.
        info: Of the clip.
        span: The frames start:stop that are worked on.
        frame: What a single picture is for.
        context: Is told of the frames of a video that has to be read through, and can cancel.

    Returns:
        The objects, and what a person should know of how they were read.

    Raises:
        InputError: There are no masks, or they don't fit.
    """
    from core.masks.importing import import_masks, masks_from_frames
    from core.masks.shapes import read_shapes
    from core.media import open_clip

    check_regular(path)
    info.check_frame(frame)
    if not is_folder(path) and not path.is_file():
        raise InputError(f"there are no masks at {path}: name a folder or zip of pictures, a picture, or a matte video")
    if path.suffix.lower() == SHAPES and not path.is_dir():
        return read_shapes(path, info.size, info.frames)
    if path.suffix.lower() not in VIDEOS or path.is_dir():
        return import_masks(path, info.size, info.frames, span, frame)
    with open_clip(path, context=context) as reader:
        if len(reader) not in (info.frames, span[1] - span[0]):
            raise InputError(
                f"'{path.name}' has {counted(len(reader), 'frame')}; the clip has {info.frames}, its chosen range {span[1] - span[0]}: "
                "bring masks of as many"
            )
        start = 0 if len(reader) == info.frames else span[0]
        return masks_from_frames(lambda: reader.frames(), start, info.size, info.frames, path.stem)
