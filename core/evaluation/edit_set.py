"""An evaluation set: a folder of edits to make, each a video, its masks, a task and a caption.

    SET/NAME/video.mp4 (or another video, or SET/NAME/frames/00000.png ...)
    SET/NAME/masks/00000.png ... (or SET/NAME/masks.mp4): one mask a frame, the region to edit
    SET/NAME/edit.json: {"task": "add", "caption": "a red ball"}
    SET/NAME/truth.mp4: what the result should show, where that is known

Any program can make the edits; `core.evaluation.result_sets` finds what it made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import InputError
from core.evaluation.clips import VIDEO_SUFFIXES
from core.files import write_text
from core.masks import MaskSequence
from core.masks.png import numbered_masks, read_mask
from core.media import ClipReader, open_clip
from core.project.edits import check_task

EDIT = "edit.json"
_INSIDE = 127
"""Level above which a pixel of a mask video is inside; its codec blurs edges."""


@dataclass(frozen=True)
class SampleEdit:
    """An edit to make: `video` and `masks` as files or folders; `truth` where it is known."""

    name: str
    video: Path
    masks: Path
    task: str
    caption: str
    truth: Path | None = None


def read_edit_set(folder: Path) -> list[SampleEdit]:
    """The edits of a set by name. InputError for what is missing or can't be understood, naming
    the folder.
    """
    if not folder.is_dir():
        raise InputError(f"there is no evaluation set at '{folder}': it should be a folder of NAME/video.mp4, NAME/masks and NAME/{EDIT}")
    found = [_read_sample(path) for path in sorted(folder.iterdir()) if (path / EDIT).is_file()]
    if not found:
        raise InputError(f"'{folder}' is not an evaluation set: no folder in it holds a video, masks and {EDIT}")
    return found


def write_edit(folder: Path, task: str, caption: str) -> None:
    """Write edit.json of a sample.

    Args:
        folder: Of the sample.
        task: Add, modify or delete.
        caption: What the region should show; may be empty for delete.
    """
    check_task(task, caption)
    write_text(folder / EDIT, json.dumps({"task": task, "caption": caption}, indent=1) + "\n")


def video_in(folder: Path, name: str) -> Path | None:
    """The video `name` in a folder, whatever its suffix, or the folder of frames called so."""
    for suffix in VIDEO_SUFFIXES:
        if (folder / f"{name}{suffix}").is_file():
            return folder / f"{name}{suffix}"
    return folder / name if (folder / name).is_dir() else None


@contextmanager
def open_sample(sample: SampleEdit) -> Iterator[tuple[ClipReader, MaskSequence]]:
    """The clip of a sample and the region of each of its frames. InputError when they don't agree,
    or no frame has a region.
    """
    with open_clip(sample.video) as reader:
        region = MaskSequence.empty(reader.info.size, 0, len(reader))
        if sample.masks.is_dir():
            pictures = numbered_masks(sample.masks)
            _check_length(sample, len(pictures), len(reader))
            for index, path in enumerate(pictures):
                region.set(index, read_mask(path, reader.info.size))
        else:
            with open_clip(sample.masks) as masks:
                _check_length(sample, len(masks), len(reader))
                if masks.info.size != reader.info.size:
                    raise InputError(
                        f"the masks of '{sample.name}' are {masks.info.size}, its video {reader.info.size}: they have to agree"
                    )
                for index, frame in enumerate(masks.frames()):
                    region.set(index, np.asarray(frame.max(-1) > _INSIDE, np.bool_))
        if all(region.is_empty(index) for index in region.frames):
            raise InputError(f"the masks of '{sample.name}' are empty: there is nothing to edit")
        yield reader, region


def _check_length(sample: SampleEdit, masks: int, frames: int) -> None:
    if masks != frames:
        raise InputError(f"'{sample.name}' has {frames} frames and {masks} masks: there has to be one for each frame")


def _read_sample(folder: Path) -> SampleEdit:
    path = folder / EDIT
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        task, caption = facts["task"], facts.get("caption", "")
        if not isinstance(task, str) or not isinstance(caption, str):
            raise TypeError
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        raise InputError(f'{path} can\'t be read: it should be an object such as {{"task": "add", "caption": "a red ball"}}') from None
    try:
        check_task(task, caption)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    video = video_in(folder, "video") or video_in(folder, "frames")
    masks = video_in(folder, "masks")
    if video is None or masks is None:
        raise InputError(f"'{folder}' has no {'masks' if video else 'video'}: it should hold video.mp4, masks/00000.png ... and {EDIT}")
    return SampleEdit(folder.name, video, masks, task, caption, video_in(folder, "truth"))
