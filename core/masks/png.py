"""Masks as PNG files: one 8-bit picture a frame, 0 outside and 255 inside, numbered like the frames
of the span.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from core.errors import InputError
from core.files import atomic_path, atomic_pictures
from core.masks.bounding_box import Mask
from core.masks.sequence import MaskSequence
from core.pictures import open_picture


def export_png(sequence: MaskSequence, folder: Path | str) -> list[Path]:
    """Write 00000.png, 00001.png ... into `folder`, one a covered frame in order, and remove
    numbered PNGs left from a longer export.

    The number counts from the sequence's first frame. Nothing in `folder` changes before all are on
    the disk; StorageError when it refuses.
    """
    folder = Path(folder)
    names = [f"{index:05d}.png" for index in range(len(sequence.frames))]
    with atomic_pictures(folder) as drafts:
        for name, frame in zip(names, sequence.frames, strict=True):
            _save(sequence[frame], drafts / name)
    return [folder / name for name in names]


def numbered_masks(folder: Path | str) -> list[Path]:
    """The PNGs of `folder` in the order of their numbers. InputError for no such folder, another
    name, or a number twice.
    """
    folder = Path(folder)
    try:
        pictures = [path for path in folder.iterdir() if path.suffix.lower() == ".png" and not path.name.startswith(".")]
    except OSError as error:
        raise InputError(f"there is no mask folder at {folder} ({error.strerror}): check the path") from None
    numbers: dict[int, Path] = {}
    for path in sorted(pictures):
        if not path.stem.isdecimal():
            raise InputError(f"{path} is not the mask of a frame: masks are named by number, like 00000.png")
        other = numbers.setdefault(int(path.stem), path)
        if other is not path:
            raise InputError(f"{folder} holds two masks numbered {int(path.stem)}: {other.name} and {path.name}, leave one out")
    return [numbers[number] for number in sorted(numbers)]


def write_mask(path: Path | str, mask: Mask) -> None:
    """Write one bool (H, W) mask; the file appears under its name only when it is complete."""
    with atomic_path(Path(path), sync="none") as temporary:
        _save(mask, temporary)


def _save(mask: Mask, path: Path) -> None:
    Image.fromarray(mask.astype(np.uint8) * 255).save(path, format="PNG", compress_level=3)


def read_mask(path: Path | str, size: tuple[int, int]) -> Mask:
    """Read one mask as bool (H, W); InputError, naming the file, when it is unreadable or not (W,
    H) = `size`.
    """
    try:
        with open_picture(path) as image:
            if image.size != tuple(size):  # before its pixels are unpacked
                raise InputError(
                    f"the mask {path} has {image.width}x{image.height} pixels, the clip {size[0]}x{size[1]}: save it in the clip's size"
                )
            pixels = np.asarray(image.convert("RGB") if image.mode in ("P", "RGBA", "LA") else image)
    except FileNotFoundError:
        raise InputError(f"there is no mask at {path}: check the path") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise InputError(f"the mask {path} is not a readable picture: save it as PNG") from error
    return np.asarray(pixels > 0 if pixels.ndim == 2 else (pixels > 0).any(axis=-1), np.bool_)
