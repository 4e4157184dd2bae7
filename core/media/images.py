"""Single pictures: PNG, JPEG, WebP and TIFF in, PNG and JPEG out."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from core.errors import InputError
from core.files import atomic_path, check_regular
from core.media.color import check_frame, RgbFrame
from core.pictures import open_picture

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def read_image(path: str | Path) -> RgbFrame:
    """A picture as uint8 (H, W, 3) RGB, upright (EXIF orientation applied), without its alpha.
    InputError in one line if it is none.
    """
    return read_image_with_alpha(path)[0]


def read_image_with_alpha(path: str | Path) -> tuple[RgbFrame, NDArray[np.uint8]]:
    """A picture as uint8 (H, W, 3) sRGB and its alpha (H, W), 255 everywhere when it has none.
    Otherwise as `read_image`.
    """
    path = Path(path)
    check_regular(path)
    try:
        with open_picture(path) as image:
            image.load()
            upright = ImageOps.exif_transpose(image)
            opaque = np.full((upright.height, upright.width), 255, np.uint8)
            if upright.mode == "F":
                raise InputError(f"the picture {path} holds floating point numbers: save it with 8 or 16 bits a channel")
            if upright.mode.startswith("I"):  # 16 bits of grey; Pillow's own conversion would clip it
                grey = (np.asarray(upright, dtype=np.int64) // 257).clip(0, 255).astype(np.uint8)
                return np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2)), opaque
            alpha = np.array(upright.convert("RGBA").getchannel("A")) if upright.has_transparency_data else opaque
            return np.array(_in_srgb(upright)), alpha
    except FileNotFoundError as error:
        raise InputError(f"there is no picture at {path}: check the path") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{path} is not a picture that can be read: PNG, JPEG, WebP or TIFF will do") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"the picture {path} can't be read ({error}): save it again as PNG") from error


def _in_srgb(image: Image.Image) -> Image.Image:
    """The picture as RGB; one that brings the profile of another colour space (Display P3, Adobe
    RGB, a press) is converted from it.
    """
    profile = image.info.get("icc_profile")
    own_space = image if image.mode in ("RGB", "CMYK") else image.convert("RGB")
    try:
        if not profile or image.mode in ("L", "LA"):
            return image.convert("RGB")
        known = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(known):
            return image.convert("RGB")
        converted = ImageCms.profileToProfile(own_space, known, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # a damaged profile says nothing
        return image.convert("RGB")
    return image.convert("RGB") if converted is None else converted


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) as displayed, read from the header only. InputError if `path` is no
    picture.
    """
    check_regular(path)
    try:
        with open_picture(path) as image:
            width, height = image.size
            sideways = image.getexif().get(0x0112, 1) >= 5  # the EXIF orientations that turn by a quarter
            return (height, width) if sideways else (width, height)
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{path} is not a picture that can be read: a PNG or JPEG will do") from error


def depth_of(path: Path) -> int:
    """Bits a channel of a picture, 8 or 16, read from the header only. InputError if `path` is no
    picture.
    """
    try:
        with open_picture(path) as image:
            # Pillow has no mode for 16 bits of colour; it reads them as 8.
            return 16 if image.mode.startswith("I") or ";16" in str(getattr(image, "tile", "")) else 8
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{path} is not a picture that can be read: a PNG or JPEG will do") from error


def write_image(path: str | Path, frame: RgbFrame) -> None:
    """Write uint8 (H, W, 3) RGB as PNG (exact) or JPEG (quality 95, full colour), by the suffix; a
    PNG may have alpha as a fourth channel.

    The file appears only when complete. Raises InputError for another suffix or array, StorageError
    when the disk refuses.
    """
    path = Path(path)
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path.name} is neither .png nor .jpg: give it one of these endings")
    if frame.ndim != 3:
        raise InputError(f"an array of shape {frame.shape} is not a picture (H, W, 3)")
    image = Image.fromarray(check_frame(frame, (frame.shape[1], frame.shape[0]), 4 if kind == "PNG" and frame.shape[2] == 4 else 3))
    with atomic_path(path) as temporary:
        if kind == "PNG":
            image.save(temporary, format=kind, compress_level=3)  # a third of the default's time for a twentieth more bytes
        else:
            image.save(temporary, format=kind, quality=95, subsampling=0)


def write_png_frame(folder: str | Path, index: int, frame: RgbFrame) -> Path:
    """Write one frame of a sequence.

    Args:
        folder: The sequence's folder.
        index: The frame's number, which becomes its name: 00042.png.
        frame: uint8 (H, W, 3) RGB.

    Returns:
        The file's path.

    Raises:
        InputError: The frame has another type or shape.
        StorageError: The disk refused.
    """
    path = Path(folder) / f"{index:05d}.png"
    write_image(path, frame)
    return path
