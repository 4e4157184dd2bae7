"""Where the pictures of masks lie: in a folder, in a zip, or one by itself. Nothing is read before
it is known to be of a bearable size.
"""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from core.errors import InputError
from core.pictures import open_picture

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")

_MOST_PICTURES = 100_000
_MOST_BYTES = 512 * 2**20  # of one picture in a zip, unpacked
_MOST_UNPACKED = 32 * 2**30  # of all of them together
_MOST_PACKED = 1100  # how much larger a zip may become, unpacked: deflate itself can't do more
_MOST_PIXELS = 40_000_000  # of a picture, unless the clip's own frames have as many
_SHAPE = 0.02  # how far the shape of masks may be from the clip's; their size may be another
_LOSSY = ("JPEG",)
_DAMAGED = (UnidentifiedImageError, OSError, EOFError, ValueError, SyntaxError, TypeError, LookupError, OverflowError, zlib.error)
"""What Pillow raises over a file that is damaged."""


@dataclass(frozen=True)
class MaskPicture:
    """A picture to be read when it is needed: the folder that it lies in, its own name, its bytes,
    and the page of a file with several.
    """

    folder: str
    name: str
    read: Callable[[], bytes]
    page: int = 0


@dataclass(frozen=True)
class Pixels:
    """What a picture of a mask holds.

    `values` are (H, W): indices where there is a `palette` (256, 3), else levels of grey of 8, 16
    or 32 bits, or floating point; or they are uint8 (H, W, 3). `alpha` is uint8 (H, W). A `lossy`
    picture has no level exactly as it was drawn.
    """

    values: NDArray
    palette: NDArray[np.uint8] | None = None
    alpha: NDArray[np.uint8] | None = None
    lossy: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.values.shape[0], self.values.shape[1]


@contextmanager
def pictures_of(source: Path) -> Iterator[list[MaskPicture]]:
    """The pictures of a folder, a zip or a file. A zip stays open while the block runs.

    Yields:
        The pictures, by their paths.

    Raises:
        InputError: They can't be listed, or are too many or too large.
    """
    with _listed(source) as found:
        pictures = []
        for path, read in found:
            parts = PurePosixPath(path.replace("\\", "/"))
            hidden = any(part.startswith((".", "__MACOSX")) for part in parts.parts)
            if parts.suffix.lower() in PICTURES and not hidden:
                pictures.append(MaskPicture(str(parts.parent).strip("."), parts.name, read))
            if len(pictures) > _MOST_PICTURES:
                raise InputError(f"'{source.name}' holds more than {_MOST_PICTURES} pictures: give masks of a shorter part of the clip")
        yield _pages(pictures[0]) if len(pictures) == 1 and source.is_file() else pictures


def _pages(picture: MaskPicture) -> list[MaskPicture]:
    """The pictures in a file: of a stack (TIFF) or an animation (GIF, WebP, APNG) all of them."""
    try:
        with open_picture(io.BytesIO(picture.read()), picture.name) as image:
            count = getattr(image, "n_frames", 1)
    except _DAMAGED:  # said when it is read
        return [picture]
    if count == 1:
        return [picture]
    if count > _MOST_PICTURES:
        raise InputError(f"'{picture.name}' holds more than {_MOST_PICTURES} pictures: give masks of a shorter part of the clip")
    stem, suffix = Path(picture.name).stem, Path(picture.name).suffix
    return [replace(picture, name=f"{stem} {page}{suffix}", page=page) for page in range(count)]


@contextmanager
def _listed(source: Path) -> Iterator[Iterator[tuple[str, Callable[[], bytes]]]]:
    try:
        if source.is_dir():
            files = ((path, path.relative_to(source).as_posix()) for path in sorted(source.rglob("*")) if path.is_file())
            yield ((name, partial(_read, path)) for path, name in files)
        elif source.is_file() and zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as archive:
                entries = [entry for entry in archive.infolist() if not entry.is_dir()]
                _check_size(source, entries)
                yield ((entry.filename, partial(_unzip, archive, entry, source.name)) for entry in entries)
        else:
            yield iter([(source.name, partial(_read, source))])
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InputError(
            f"'{source.name}' can't be read ({getattr(error, 'strerror', None) or error!s:.100}): check that it is complete and readable"
        ) from error


def _check_size(source: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Raise InputError for a zip that becomes far too large when it is unpacked."""
    if large := next((entry for entry in entries if entry.file_size > _MOST_BYTES), None):
        raise InputError(f"'{large.filename}' in '{source.name}' is too large for a mask: save it in the clip's size")
    whole = sum(entry.file_size for entry in entries)
    if len(entries) > 2 * _MOST_PICTURES or whole > min(_MOST_UNPACKED, _MOST_PACKED * source.stat().st_size):
        size = f"{len(entries)} files, {whole >> 20} MB unpacked"
        raise InputError(f"'{source.name}' holds too much to be masks ({size}): zip the masks alone")


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"'{path.name}' is too large for a mask: save it in the clip's size")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"'{path.name}' can't be read ({error.strerror or error}): check that you may read it") from error


def _unzip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, source: str) -> bytes:
    try:
        return archive.read(entry)
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, ValueError) as error:
        said = f"'{entry.filename:.200}' in '{source}' can't be unpacked ({error!s:.100})"
        raise InputError(f"{said}: make the zip again, without a password") from error


def pixels_of(picture: MaskPicture, size: tuple[int, int]) -> Pixels:
    """Read a picture.

    Args:
        picture: The picture.
        size: The clip's (W, H).

    Returns:
        Its pixels, in its own size.

    Raises:
        InputError: It is no picture, or has another shape than the clip.
    """
    try:
        with open_picture(io.BytesIO(picture.read()), picture.name) as image:
            check_shape(image.size, size, picture.name)
            if picture.page:
                image.seek(picture.page)
                check_shape(image.size, size, picture.name)
            return _pixels(image)
    except _DAMAGED as error:
        raise InputError(f"the mask '{picture.name}' is not a readable picture: save it as PNG") from error
    except MemoryError as error:
        raise InputError(f"the mask '{picture.name}' is too large: save it in the clip's size") from error


def check_shape(own: tuple[int, int], size: tuple[int, int], name: str) -> None:
    """Raise InputError unless a mask can be brought to the clip's size.

    Args:
        own: The mask's (W, H).
        size: The clip's (W, H).
        name: What the message calls the mask.

    Raises:
        InputError: It has another shape, or far too many pixels.
    """
    width, height = size
    if not all(own) or abs(np.log(own[0] / own[1] / (width / height))) > _SHAPE:
        raise InputError(
            f"the mask '{name}' has {own[0]}x{own[1]} pixels, another shape than the clip's {width}x{height}: save it in that shape"
        )
    if own[0] * own[1] > max(_MOST_PIXELS, 4 * width * height):
        raise InputError(f"the mask '{name}' has {own[0]}x{own[1]} pixels, far more than the clip's {width}x{height}: save it in that size")


def _pixels(image: Image.Image) -> Pixels:
    lossy = image.format in _LOSSY
    if image.mode == "P" and "transparency" not in image.info:
        colours = np.zeros((256, 3), np.uint8)
        known = np.frombuffer(bytes(image.getpalette("RGB") or ()), np.uint8).reshape(-1, 3)[:256]
        colours[: len(known)] = known
        return Pixels(np.asarray(image, np.uint8), colours)
    if image.mode == "1":
        return Pixels(np.asarray(image).astype(np.uint8) * np.uint8(255))
    if image.mode in ("L", "F") or image.mode.startswith("I"):
        values = np.asarray(image)
        return Pixels(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0) if image.mode == "F" else values, lossy=lossy)
    if image.has_transparency_data:
        both = np.asarray(image.convert("RGBA"))
        return Pixels(both[..., :3], alpha=both[..., 3])
    return Pixels(np.asarray(image.convert("RGB")), lossy=lossy)
