"""Masks that other programs made: pictures one by one, in a folder or a zip, with one object or
several.

What a picture means is decided over all of them together: a palette or few small numbers are ids of
objects, few colours are objects too, anything else is one object, brighter than half grey.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from core.errors import InputError
from core.masks.bounding_box import Mask
from core.masks.sequence import MaskSequence

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")

_MOST_OBJECTS = 32
_LARGEST_ID = 64  # a larger grey than this is a shade, not a number
_VOID = 255  # in palettes of segmentation benchmarks: nobody knows
_MOST_BYTES = 512 * 2**20  # of one picture in a zip, unpacked
_SHAPE = 0.02  # how far the shape of masks may be from the clip's; their size may be another


@dataclass(frozen=True)
class ImportedObject:
    """One object: a name, its masks over the whole clip, and the frames that something was
    said of.
    """

    name: str
    masks: MaskSequence
    frames: tuple[int, ...]


@dataclass(frozen=True)
class _Picture:
    """A picture to be read when it is needed: the folder it lies in, its own name, and its
    bytes.
    """

    folder: str
    name: str
    read: Callable[[], bytes]


def import_masks(source: Path | str, size: tuple[int, int], total: int, span: tuple[int, int], at: int) -> list[ImportedObject]:
    """Read masks from a folder of pictures, a zip of them, or one picture.

    Several folders side by side are several objects. Pictures belong to frames by their number; as
    many as the clip or its `span` has frames are those in order. Pictures of another size but the
    same shape are enlarged or shrunk.

    Args:
        source: The folder or file.
        size: The clip's (W, H).
        total: How many frames the clip has.
        span: The half-open part of the clip that is worked on.
        at: The frame that a single picture is for.

    Returns:
        The objects, each with at least one mask.

    Raises:
        InputError: Something can't be read or doesn't fit; the message names the file.
    """
    source = Path(source)
    with _pictures_of(source) as pictures:
        groups: dict[str, list[_Picture]] = defaultdict(list)
        for picture in pictures:
            groups[picture.folder].append(picture)
        if not groups:
            raise InputError(f"there are no masks in '{source.name}': it holds no pictures, give PNG or another kind of picture")
        found: list[ImportedObject] = []
        for folder, members in sorted(groups.items()):
            numbered = _numbered(members, total, span, at, source.name)
            whole = len(groups) > 1  # a folder an object: whatever is drawn there belongs to it
            name = PurePosixPath(folder).name or source.stem
            found += _objects(((frame, _labels(p)) for frame, p in numbered), size, total, name, [p.name for _, p in numbered], whole)
    return _not_empty(found, source.name)


def masks_from_frames(
    frames: Iterable[NDArray[np.uint8]], start: int, size: tuple[int, int], total: int, name: str
) -> list[ImportedObject]:
    """Read one object from the frames of a matte video: what is brighter than half grey.

    Args:
        frames: uint8 (H, W, 3) each.
        start: The clip's frame that the first one belongs to.
        size: The clip's (W, H).
        total: How many frames the clip has.
        name: What the object is called.

    Returns:
        The object, alone in a list.

    Raises:
        InputError: There are more frames than the clip has, they don't fit, or none has a mask.
    """
    masks = MaskSequence.empty(size, 0, total)
    said = []
    for frame, picture in enumerate(frames, start):
        if frame >= total:
            raise InputError(f"'{name}' has more frames than the clip, which has {total}: shorten it to that")
        masks.set(frame, _fitted(picture.max(axis=-1) >= 128, size, name))
        said.append(frame)
    return _not_empty([ImportedObject(name, masks, tuple(said))], name)


def _not_empty(found: list[ImportedObject], name: str) -> list[ImportedObject]:
    kept = [one for one in found if any(not one.masks.is_empty(frame) for frame in one.frames)]
    if not kept:
        raise InputError(f"the masks in '{name}' are all empty: paint the object white, or in a colour")
    if len(kept) > _MOST_OBJECTS:
        raise InputError(f"'{name}' holds {len(kept)} objects: import at most {_MOST_OBJECTS} at once")
    return kept


class _pictures_of:  # noqa: N801  (used like a function)
    """The pictures of a folder, a zip or a file, as a context: a zip stays open while they are
    read.
    """

    def __init__(self, source: Path) -> None:
        self._source = source
        self._zip: zipfile.ZipFile | None = None

    def __enter__(self) -> list[_Picture]:
        source = self._source
        try:
            if source.is_dir():
                files = sorted(p for p in source.rglob("*") if p.is_file())
                shown = [(p.relative_to(source).as_posix(), p.read_bytes) for p in files]
            elif zipfile.is_zipfile(source):
                self._zip = zipfile.ZipFile(source)
                entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
                if large := next((entry for entry in entries if entry.file_size > _MOST_BYTES), None):
                    raise InputError(f"'{large.filename}' in '{source.name}' is too large for a mask: save it in the clip's size")
                shown = [(entry.filename, lambda entry=entry: self._unzip(entry)) for entry in entries]  # type: ignore[misc]
            else:
                shown = [(source.name, source.read_bytes)]
        except (OSError, zipfile.BadZipFile) as error:
            raise InputError(
                f"'{source.name}' can't be read ({getattr(error, 'strerror', None) or error}): check that it is complete and readable"
            ) from error
        pictures = []
        for path, read in shown:
            parts = PurePosixPath(path.replace("\\", "/"))
            hidden = any(part.startswith((".", "__MACOSX")) for part in parts.parts)
            if parts.suffix.lower() in PICTURES and not hidden:
                pictures.append(_Picture(str(parts.parent).strip("."), parts.name, read))
        return pictures

    def __exit__(self, *_: object) -> None:
        if self._zip is not None:
            self._zip.close()

    def _unzip(self, entry: zipfile.ZipInfo) -> bytes:
        assert self._zip is not None
        try:
            return self._zip.read(entry)
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise InputError(
                f"'{entry.filename}' in '{self._source.name}' can't be unpacked ({error}): make the zip again, without a password"
            ) from error


def _numbered(pictures: list[_Picture], total: int, span: tuple[int, int], at: int, source: str) -> list[tuple[int, _Picture]]:
    """The frame that each picture is for."""
    numbers = [int(found[-1]) if (found := re.findall(r"\d+", Path(p.name).stem)) else None for p in pictures]
    known = [number for number in numbers if number is not None]
    if len(pictures) == 1:
        return [(at, pictures[0])]
    if len(known) < len(pictures) or len(set(known)) < len(known):
        raise InputError(f"which frames the pictures in '{source}' are for can't be told: number them, like 00000.png")
    ordered = sorted(zip(known, pictures, strict=True), key=lambda pair: pair[0])
    for start, stop in ((0, total), span):
        if len(ordered) == stop - start:
            return [(start + index, picture) for index, (_, picture) in enumerate(ordered)]
    if ordered[-1][0] >= total:
        raise InputError(
            f"'{source}' has a mask for frame {ordered[-1][0]}, but the clip's last frame is {total - 1}: leave it out, or number from 0"
        )
    return ordered


def _labels(picture: _Picture) -> tuple[str, NDArray[np.int32]]:
    """What a picture says of every pixel, int32 (H, W), and how: as `ids` of a palette, as `grey`
    or as `colour` (0xRRGGBB).
    """
    try:
        with Image.open(io.BytesIO(picture.read())) as image:
            if image.mode == "P" and "transparency" not in image.info:
                return "ids", np.asarray(image, np.int32)
            if "A" in image.getbands() or "transparency" in image.info:
                pixels = np.asarray(image.convert("RGBA"), np.int32)
                if pixels[..., 3].min() < 255:
                    return "grey", pixels[..., 3]
                pixels = pixels[..., :3]
            elif image.mode in ("1", "L", "I", "I;16", "F"):
                grey = np.asarray(image)
                grey = grey.astype(np.int32) * 255 if image.mode == "1" else grey.astype(np.int32)
                return "grey", grey // 257 if grey.max(initial=0) > 255 else grey
            else:
                pixels = np.asarray(image.convert("RGB"), np.int32)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"the mask '{picture.name}' is not a readable picture: save it as PNG") from error
    if (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all():
        return "grey", pixels[..., 0]
    return "colour", (pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]


def _objects(
    labelled: Iterator[tuple[int, tuple[str, NDArray[np.int32]]]],
    size: tuple[int, int],
    total: int,
    name: str,
    files: list[str],
    whole: bool,
) -> list[ImportedObject]:
    """The objects of one folder. Masks of every value are kept as run lengths until all values are
    known.
    """
    by_value: dict[int, MaskSequence] = {}
    bright, anything = MaskSequence.empty(size, 0, total), MaskSequence.empty(size, 0, total)
    kinds: set[str] = set()
    too_many = False
    said = []
    for (frame, (kind, labels)), file in zip(labelled, files, strict=True):
        said.append(frame)
        kinds.add(kind)
        luma = labels if kind != "colour" else np.maximum(np.maximum(labels >> 16, (labels >> 8) & 255), labels & 255)
        bright.set(frame, _fitted(luma >= 128, size, file))
        anything.set(frame, _fitted(labels > 0, size, file))
        values = [int(value) for value in np.unique(labels) if value]
        too_many = too_many or len(by_value.keys() | set(values)) > _MOST_OBJECTS + 1
        for value in values if not too_many else ():
            sequence = by_value.setdefault(value, MaskSequence.empty(size, 0, total))
            sequence.set(frame, _fitted(labels == value, size, file))
    frames = tuple(sorted(said))
    if "ids" in kinds and len(by_value) > 1:
        by_value.pop(_VOID, None)
    several = "ids" in kinds or "colour" in kinds or max(by_value, default=0) <= _LARGEST_ID
    if too_many or whole or len(by_value) <= 1 or not several:
        soft = too_many or (not whole and len(by_value) > 1)
        return [ImportedObject(name, bright if soft else anything, frames)]
    return [ImportedObject(f"{name} {number}", by_value[value], frames) for number, value in enumerate(sorted(by_value), 1)]


def _fitted(mask: Mask, size: tuple[int, int], name: str) -> Mask:
    """The mask at the clip's size; InputError when it has another shape."""
    width, height = size
    if mask.shape == (height, width):
        return np.ascontiguousarray(mask)
    if abs(np.log(mask.shape[1] / mask.shape[0] / (width / height))) > _SHAPE:
        raise InputError(
            f"the mask '{name}' has {mask.shape[1]}x{mask.shape[0]} pixels, another shape than the clip's {width}x{height}: "
            "save it in that shape"
        )
    return cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT) > 0
