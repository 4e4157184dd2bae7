"""A folder of numbered images as a clip."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

from core.errors import InputError
from core.media.images import image_size, read_image
from core.project.video import VideoInfo

FOLDER_RATE = Fraction(24)
"""Images carry no rate; this one is assumed."""

_SUFFIXES = {".png": "png", ".jpg": "mjpeg", ".jpeg": "mjpeg", ".webp": "webp", ".bmp": "bmp", ".tif": "tiff", ".tiff": "tiff"}
_NUMBER = re.compile(r"(\d+)\D*$")


def numbered_images(folder: Path) -> list[Path]:
    """The images of a folder in the order of the last number in their names. InputError when there
    are none or two share a number.
    """
    try:
        names = [path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")]
    except OSError as error:
        raise InputError(f"the folder {folder} can't be read ({error.strerror}): check that it exists and that you may read it") from error
    numbered: dict[int, Path] = {}
    for path in sorted(names):
        found = _NUMBER.search(path.stem)
        if found is None:
            continue
        number = int(found.group(1))
        if number in numbered:
            raise InputError(
                f"the folder {folder} holds two images numbered {number}: {numbered[number].name} and {path.name}, leave one out"
            )
        numbered[number] = path
    if not numbered:
        raise InputError(f"the folder {folder} holds no numbered images (such as 00000.png or frame_1.jpg)")
    return [numbered[number] for number in sorted(numbered)]


def probe_folder(folder: Path) -> tuple[VideoInfo, list[Path]]:
    """The facts about a folder of images and its files in order. InputError for images of differing
    size or a broken first or last one.
    """
    images = numbered_images(folder)
    size = image_size(images[0])
    for path in images:
        other = image_size(path)
        if other != size:
            raise InputError(
                f"{path.name} is {other[0]}x{other[1]} but {images[0].name} is {size[0]}x{size[1]}: the images of a clip must have one size"
            )
    for path in {images[0], images[-1]}:  # a copy that was cut short shows at the end
        read_image(path)
    codec = _SUFFIXES[images[0].suffix.lower()]
    info = VideoInfo(width=size[0], height=size[1], rate=FOLDER_RATE, frames=len(images), codec=codec, pixel_format="rgb24")
    return info, images
