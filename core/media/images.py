"""Single pictures: PNG and JPEG in and out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import InputError
from core.media.color import check_frame, RgbFrame
from core.media.files import written_whole

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def read_image(path: str | Path) -> RgbFrame:
    """A picture as uint8 (H, W, 3) RGB, upright (EXIF orientation applied), without its alpha. InputError in one line if it is none."""
    path = Path(path)
    try:
        with Image.open(path) as image:
            image.load()
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I"):  # 16 bits of grey; Pillow's own conversion would clip it
                grey = (np.asarray(upright, dtype=np.int64) // 257).clip(0, 255).astype(np.uint8)
                return np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2))
            return np.array(upright.convert("RGB"))
    except FileNotFoundError as fault:
        raise InputError(f"there is no picture at {path}") from fault
    except UnidentifiedImageError as fault:
        raise InputError(f"{path} is not a picture that can be read: a PNG or JPEG will do") from fault
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        raise InputError(f"the picture {path} can't be read ({fault})") from fault


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) as displayed, read from the header only. InputError if `path` is no picture."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            sideways = image.getexif().get(0x0112, 1) >= 5  # the EXIF orientations that turn by a quarter
            return (height, width) if sideways else (width, height)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        raise InputError(f"{path} is not a picture that can be read: a PNG or JPEG will do") from fault


def write_image(path: str | Path, frame: RgbFrame) -> None:
    """Write uint8 (H, W, 3) RGB as PNG (exact) or JPEG (quality 95, full colour), by the suffix.

    The file appears only when complete. Raises InputError for another suffix or array, StorageError when the disk refuses.
    """
    path = Path(path)
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path.name} is neither .png nor .jpg")
    if frame.ndim != 3:
        raise InputError(f"an array of shape {frame.shape} is not a picture (H, W, 3)")
    image = Image.fromarray(check_frame(frame, (frame.shape[1], frame.shape[0])))
    with written_whole(path) as temporary:
        if kind == "PNG":
            image.save(temporary, format=kind, compress_level=3)  # a third of the default's time for a twentieth more bytes
        else:
            image.save(temporary, format=kind, quality=95, subsampling=0)


def write_png_frame(folder: str | Path, index: int, frame: RgbFrame) -> Path:
    """Write one frame of a sequence as `folder/00042.png` and return its path. Errors as `write_image`."""
    path = Path(folder) / f"{index:05d}.png"
    write_image(path, frame)
    return path
