"""Edited windows, and the frames of the result that they make with the source."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError, StorageError
from core.masks import feather as feathered
from core.render.composite import composite
from core.render.region import CropRegion

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]


class Frames(Protocol):
    """Frames on demand: what `core.media.open_clip` gives."""

    def __len__(self) -> int: ...

    def frame(self, index: int) -> Frame: ...

    def frames(self, start: int, stop: int) -> Iterable[Frame]: ...


class Region(Protocol):
    """Masks on demand: what `core.masks.MaskSequence` is."""

    @property
    def frames(self) -> range: ...

    def __getitem__(self, frame: int) -> Mask: ...

    def is_empty(self, frame: int) -> bool: ...


@dataclass(frozen=True)
class EditedWindow:
    """What one run of the model made: `crops` uint8 (T, h, w, 3), one for each of `frames`, to be put at `crop` of the frame."""

    frames: tuple[int, ...]
    crop: CropRegion
    crops: NDArray[np.uint8]

    def save(self, path: Path) -> None:
        """Write to a .npz file, complete or not at all. StorageError when the disk refuses."""
        crop = self.crop
        buffer = io.BytesIO()
        place = np.array([crop.x, crop.y, crop.width, crop.height, *crop.frame_size, *crop.working_size])
        np.savez(buffer, frames=np.array(self.frames), place=place, crops=self.crops)
        part = path.with_name(path.name + ".part")
        try:
            part.write_bytes(buffer.getbuffer())
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StorageError(f"the edited frames can't be stored at {path}: {error.strerror or error}") from error

    @classmethod
    def load(cls, path: Path) -> EditedWindow:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            x, y, width, height, frame_w, frame_h, working_h, working_w = (int(value) for value in file["place"])
            crop = CropRegion(x, y, width, height, (frame_w, frame_h), (working_h, working_w))
            return cls(tuple(int(frame) for frame in file["frames"]), crop, file["crops"])


def fit_keyframe(image: Frame, size: tuple[int, int]) -> Frame:
    """`image` (H, W, 3) brought to the clip's (width, height); InputError unless its aspect agrees within 1 %."""
    width, height = size
    own_height, own_width = image.shape[:2]
    if (own_width, own_height) == (width, height):
        return image
    if abs(own_width * height / (own_height * width) - 1) > 0.01:
        raise InputError(f"the keyframe is {own_width}x{own_height}, the clip {width}x{height}: its shape has to agree within 1 %")
    return CropRegion(0, 0, own_width, own_height, (own_width, own_height), (height, width)).cut(image)


def feathered_keyframe(source: Frame, image: Frame, mask: Mask, feather: int) -> Frame:
    """A picture of the whole frame that was edited elsewhere, as the model's own keyframes are: softened into `source` along the edge of
    `mask` (H, W) over `feather` pixels, the source itself outside."""
    return composite(source, image, feathered(mask, feather))


def accepted_frame(source: Frame, keyframe: Frame, mask: Mask) -> Frame:
    """The keyframe inside the region, the source outside: what a keyframe that came from elsewhere may have changed there is dropped."""
    return np.where(mask[..., None], keyframe, source)


def composed_frames(
    reader: Frames,
    region: Region,
    span: tuple[int, int],
    windows: Iterable[EditedWindow | Path],
    keyframe_index: int,
    keyframe: Frame,
    feather: int = 4,
) -> Iterator[tuple[int, Frame, Frame]]:
    """Every frame of the half-open `span` in order, as (index, source, result), both uint8 (H, W, 3).

    `windows` are what `propagate` gave, or paths where `EditedWindow.save` left them: of those, one at a time is in memory. The frame
    `keyframe_index` shows the accepted `keyframe`; frames that no window made are the source itself, the same object.
    """
    kept = list(windows)
    where: dict[int, tuple[int, int]] = {}
    for number, window in enumerate(kept):
        frames = window.frames if isinstance(window, EditedWindow) else EditedWindow.load(window).frames
        where.update({frame: (number, position) for position, frame in enumerate(frames)})
    opened: tuple[int, EditedWindow] | None = None
    start, stop = span
    for index, source in zip(range(start, stop), reader.frames(start, stop), strict=True):
        if index == keyframe_index:
            yield index, source, accepted_frame(source, keyframe, region[index])
        elif index not in where or region.is_empty(index):
            yield index, source, source
        else:
            number, position = where[index]
            if opened is None or opened[0] != number:
                window = kept[number]
                opened = number, window if isinstance(window, EditedWindow) else EditedWindow.load(window)
            edited = opened[1]
            yield index, source, edited.crop.paste(source, edited.crops[position], feathered(region[index], feather))
