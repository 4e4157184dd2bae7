"""Masks as PNG files: one 8-bit picture a frame, 0 outside and 255 inside, numbered like the frames of the span."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from core.errors import InputError, StorageError
from core.masks.operators import Mask
from core.masks.sequence import MaskSequence


def export_png(sequence: MaskSequence, folder: Path | str) -> list[Path]:
    """Write 00000.png, 00001.png ... into `folder`, one a covered frame in order, and remove numbered PNGs left from a longer export.

    The number counts from the sequence's first frame.
    """
    folder = Path(folder)
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for index, frame in enumerate(sequence.frames):
            path = folder / f"{index:05d}.png"
            write_mask(path, sequence[frame])
            written.append(path)
        for path in folder.glob("*.png"):
            if path.stem.isdecimal() and path not in written:
                path.unlink()
    except OSError as error:
        raise StorageError(f"the masks can't be written to {folder}: {error.strerror or error}") from error
    return written


def import_png(folder: Path | str, size: tuple[int, int], frames: range) -> MaskSequence:
    """Read the PNGs of `folder` in the order of their numbers as the masks of `frames`; anything but 0 is inside.

    InputError, naming the file, when there is no such folder, a picture is unreadable or not (W, H) = `size`, or the count is not that of
    the frames.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"there is no mask folder at {folder}")
    pictures = [path for path in folder.iterdir() if path.suffix.lower() == ".png" and not path.name.startswith(".")]
    for path in pictures:
        if not path.stem.isdecimal():
            raise InputError(f"{path} is no mask of a frame: masks are named by number, like 00000.png")
    pictures.sort(key=lambda path: int(path.stem))
    if len(pictures) != len(frames):
        raise InputError(f"{folder} holds {len(pictures)} masks, but the clip's span has {len(frames)} frames")
    return MaskSequence(size, frames.start, (read_mask(path, size) for path in pictures))


def write_mask(path: Path | str, mask: Mask) -> None:
    """Write one bool (H, W) mask; the file appears under its name only when it is complete."""
    path = Path(path)
    draft = path.with_name(path.name + ".part")
    Image.fromarray(mask.astype(np.uint8) * 255).save(draft, format="PNG", compress_level=3)
    draft.replace(path)


def read_mask(path: Path | str, size: tuple[int, int]) -> Mask:
    """Read one mask as bool (H, W); InputError, naming the file, when it is unreadable or not (W, H) = `size`."""
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB") if image.mode in ("P", "RGBA", "LA") else image)
    except FileNotFoundError:
        raise InputError(f"there is no mask at {path}") from None
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise InputError(f"the mask {path} is no readable picture") from error
    mask = pixels > 0 if pixels.ndim == 2 else (pixels > 0).any(axis=-1)
    if mask.shape != (size[1], size[0]):
        raise InputError(f"the mask {path} has {mask.shape[1]}x{mask.shape[0]} pixels, the clip {size[0]}x{size[1]}")
    return mask
