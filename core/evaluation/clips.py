"""The clips that are measured on: a folder of videos with true masks, the example clips that ship,
and procedural ones of a fixed seed.

A folder of clips holds, for each clip, either

    NAME/video.mp4 (or another video, or NAME/frames/00000.png ...) and NAME/masks/00000.png ...
    NAME.mp4 and NAME_masks/00000.png ...

with one mask a frame (anything but 0 is the object). A `manifest.json` beside them may give a box
and a click on frame 0 of a clip: `[{"name": NAME, "box_frame0_xyxy": [x0, y0, x1, y1],
"click_frame0_xy": [x, y]}]`; without it both are taken from the first mask.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from core.assets import ASSETS
from core.errors import InputError
from core.evaluation.arrays import Frame, Frames, Mask, Masks
from core.masks import bounding_box, depth_inside, MaskSequence
from core.masks.png import numbered_masks, read_mask
from core.media import open_clip
from core.project.video import VideoInfo

EXAMPLES = ASSETS / "clips"
VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")
FRAMES_AT_MOST = 120
"""Longer clips are measured on their first frames only: what is measured is held in memory."""


@dataclass(frozen=True)
class EvaluationClip:
    """A clip in memory: frames uint8 (T, H, W, 3), and where they are known the true masks bool (T,
    H, W) of one object.

    `box` (x0, y0, x1, y1) and `click` (x, y) show the object on frame 0, in pixels; None without
    masks.
    """

    name: str
    frames: Frames
    masks: Masks | None = None
    box: tuple[float, float, float, float] | None = None
    click: tuple[float, float] | None = None
    real: bool = False

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.frames.shape[2], self.frames.shape[1]


class FramesInMemory:
    """Frames (T, H, W, 3) behind the interface of a clip reader."""

    def __init__(self, frames: Frames, rate: int = 24) -> None:
        self._frames = frames
        self.info = VideoInfo(frames.shape[2], frames.shape[1], Fraction(rate), len(frames))

    def __len__(self) -> int:
        return len(self._frames)

    def frame(self, index: int) -> Frame:
        """uint8 (H, W, 3)."""
        return self._frames[index]

    def frames(self, start: int, stop: int) -> Iterator[Frame]:
        """Frames start:stop."""
        return iter(self._frames[start:stop])


def as_sequence(masks: Masks) -> MaskSequence:
    """Masks (T, H, W) of frames 0 to T - 1 as the editor keeps them."""
    return MaskSequence((masks.shape[2], masks.shape[1]), 0, masks)


def first_box(mask: Mask) -> tuple[float, float, float, float]:
    """The box around a mask (H, W): x0, y0, x1, y1, half-open."""
    box = bounding_box(mask)
    if box is None:
        raise InputError("the first mask of a clip is empty: it has to show the object to track")
    return float(box.x0), float(box.y0), float(box.x1), float(box.y1)


def deepest_point(mask: Mask) -> tuple[float, float]:
    """The pixel (x, y) of a mask (H, W) that is farthest from its outline: where a person would
    click."""
    depth = depth_inside(mask)
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(x), float(y)


def find_clips(folder: Path) -> list[tuple[str, Path, Path | None]]:
    """(name, video or folder of frames, folder of masks or None) of every clip in `folder`, by
    name.

    InputError when there is no such folder or no clip in it.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder of clips at '{folder}'")
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            videos = sorted(item for item in path.iterdir() if item.suffix.lower() in VIDEO_SUFFIXES)
            pictures = path / "frames"
            if len(videos) == 1 or pictures.is_dir():
                masks = path / "masks"
                found.append((path.name, pictures if pictures.is_dir() else videos[0], masks if masks.is_dir() else None))
        elif path.suffix.lower() in VIDEO_SUFFIXES:
            masks = path.with_name(f"{path.stem}_masks")
            found.append((path.stem, path, masks if masks.is_dir() else None))
    if not found:
        raise InputError(f"there is no clip in '{folder}': it should hold NAME/video.mp4 with NAME/masks, or NAME.mp4 with NAME_masks")
    return found


class ClipFolder:
    """The clips of a folder, read one at a time as they are asked for, at most `frames_at_most`
    frames of each."""

    def __init__(self, folder: Path, *, need_masks: bool, real: bool = True, frames_at_most: int = FRAMES_AT_MOST) -> None:
        """With `need_masks` only clips that have masks count.

        InputError when there is no clip that does.
        """
        self._real, self._limit = real, frames_at_most
        self._given = _read_manifest(folder / "manifest.json")
        found = find_clips(folder)
        # A mask of the first frame alone shows what is meant, but is no truth to score against.
        masks = {name: numbered_masks(where) if where is not None else [] for name, _, where in found}
        self._found = [(name, video, masks[name]) for name, video, _ in found if len(masks[name]) > 1 or not need_masks]
        if not self._found:
            raise InputError(f"no clip in '{folder}' has true masks: each needs a folder of masks beside it, one PNG a frame")

    def __len__(self) -> int:
        return len(self._found)

    @property
    def total_frames(self) -> int:
        """Frames of all clips, as far as their masks tell."""
        return sum(min(len(masks), self._limit) for _, _, masks in self._found)

    def tracks(self, frames_at_most: int) -> Iterator[tuple[str, Masks]]:
        """The masks of every clip that has more than one, without its frames."""
        for name, video, paths in self._found:
            if len(paths) > 1:
                with open_clip(video) as reader:
                    size = reader.info.size
                yield name, np.stack([read_mask(path, size) for path in paths[:frames_at_most]])

    def __iter__(self) -> Iterator[EvaluationClip]:
        for name, video, paths in self._found:
            with open_clip(video) as reader:
                if len(paths) > 1 and len(paths) != len(reader):
                    raise InputError(
                        f"the clip '{name}' has {len(reader)} frames and {len(paths)} masks: there has to be one for each frame"
                    )
                length = min(len(reader), self._limit)
                frames = np.stack(list(reader.frames(0, length)))
                masks = np.stack([read_mask(path, reader.info.size) for path in paths[:length]]) if len(paths) > 1 else None
            yield _with_prompts(name, frames, masks, self._given.get(name, {}), self._real)


class ClipList(list[EvaluationClip]):
    """Clips in memory, behind the same interface."""

    @property
    def total_frames(self) -> int:
        """Frames of all clips."""
        return sum(len(clip) for clip in self)


EvaluationClips = ClipFolder | ClipList


def example_clips(frames_at_most: int = FRAMES_AT_MOST) -> ClipFolder:
    """The example clips that ship, with their true masks."""
    return ClipFolder(EXAMPLES, need_masks=True, real=False, frames_at_most=frames_at_most)


def _with_prompts(name: str, frames: Frames, masks: Masks | None, given: dict, real: bool) -> EvaluationClip:
    if masks is None:
        return EvaluationClip(name, frames, real=real)
    box, click = given.get("box_frame0_xyxy"), given.get("click_frame0_xy")
    return EvaluationClip(
        name,
        frames,
        masks,
        (float(box[0]), float(box[1]), float(box[2]), float(box[3])) if box else first_box(masks[0]),
        (float(click[0]), float(click[1])) if click else deepest_point(masks[0]),
        real,
    )


def _read_manifest(path: Path) -> dict[str, dict]:
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {entry["name"]: entry for entry in entries}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} can't be read: it should be a list of objects, each with the name of a clip") from error
