"""A folder of numbered images as a clip."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from core.errors import InputError
from core.media.images import depth_of, image_size, read_image_with_alpha
from core.numbering import gaps_of, numbers_of, twins_of
from core.project.video import VideoInfo

FOLDER_RATE = Fraction(24)
"""Images carry no rate; this one is assumed."""

_SUFFIXES = {".png": "png", ".jpg": "mjpeg", ".jpeg": "mjpeg", ".webp": "webp", ".bmp": "bmp", ".tif": "tiff", ".tiff": "tiff"}


def numbered_images(folder: Path) -> list[Path]:
    """The images of a folder in the order of the numbers in their names (`core.numbering`).
    InputError when there are none or two share a number.
    """
    return list(_numbered(folder).values())


def _numbered(folder: Path) -> dict[int, Path]:
    """The images of a folder by their numbers, ascending."""
    try:
        images = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"the folder {folder} can't be read ({error.strerror}): check that it exists and that you may read it") from error
    numbers = numbers_of([path.stem for path in images])
    if (twins := twins_of(numbers)) is not None:
        one, other = twins
        raise InputError(
            f"the folder {folder} holds two images numbered {numbers[one]}: {images[one].name} and {images[other].name}, leave one out"
        )
    numbered = {number: path for number, path in zip(numbers, images, strict=True) if number is not None}
    if not numbered:
        raise InputError(f"the folder {folder} holds no numbered images (such as 00000.png or frame_1.jpg)")
    return dict(sorted(numbered.items()))


def probe_folder(folder: Path) -> tuple[VideoInfo, list[Path]]:
    """The facts about a folder of images and its files in order. InputError for images of differing
    size or a broken first or last one.
    """
    numbered = _numbered(folder)
    images = list(numbered.values())
    size = image_size(images[0])
    for path in images:
        other = image_size(path)
        if other != size:
            raise InputError(
                f"{path.name} is {other[0]}x{other[1]} but {images[0].name} is {size[0]}x{size[1]}: the images of a clip must have one size"
            )
    ends = [read_image_with_alpha(path)[1] for path in {images[0], images[-1]}]  # a copy that was cut short shows at the end
    codec = _SUFFIXES[images[0].suffix.lower()]
    info = VideoInfo(
        width=size[0],
        height=size[1],
        rate=FOLDER_RATE,
        frames=len(images),
        codec=codec,
        pixel_format="rgb24",
        bit_depth=depth_of(images[0]),
        gaps=tuple(gaps_of(list(numbered))),
        alpha=any(alpha.min() < 255 for alpha in ends),
    )
    return info, images
