"""Masks that other programs made: pictures one by one, in a folder or a zip, or the frames of a
matte video, with one object or several.

What a picture means is decided over all of them together, see `core.masks.meaning`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.masks.bounding_box import Mask
from core.masks.meaning import MOST_OBJECTS, Survey
from core.masks.pictures import check_shape, MaskPicture, pictures_of, Pixels, pixels_of
from core.masks.sequence import MaskSequence
from core.numbering import gaps_of, numbers_of, twins_of
from core.project.shapes import DrawnShape
from core.words import listed

Placed = tuple[int, str, Pixels]
"""The frame that a picture is for, its name, and what it holds."""


@dataclass(frozen=True)
class ImportedObject:
    """One object: a name, its masks over the whole clip, and the frames that something was
    said of. Its `shape` is the one that was drawn; None for masks.
    """

    name: str
    masks: MaskSequence
    frames: tuple[int, ...]
    shape: DrawnShape | None = None


@dataclass(frozen=True)
class ImportedMasks:
    """The objects, one at least, and in `notes` what a person should know of how they were
    read.
    """

    objects: tuple[ImportedObject, ...]
    notes: tuple[str, ...] = ()

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames that something was said of, in order."""
        return tuple(sorted({frame for one in self.objects for frame in one.frames}))

    def together(self) -> MaskSequence:
        """All objects as one, over the whole clip."""
        if len(self.objects) == 1:
            return self.objects[0].masks
        masks = [one.masks for one in self.objects]
        joined = MaskSequence.empty(masks[0].size, masks[0].frames.start, masks[0].frames.stop)
        for frame in self.frames:
            joined.set(frame, np.logical_or.reduce([one[frame] for one in masks]))
        return joined


def import_masks(source: Path | str, size: tuple[int, int], total: int, span: tuple[int, int], at: int) -> ImportedMasks:
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
    found: list[ImportedObject] = []
    notes: list[str] = []
    with pictures_of(source) as pictures:
        groups: dict[str, list[MaskPicture]] = defaultdict(list)
        for picture in pictures:
            groups[picture.folder].append(picture)
        if not groups:
            raise InputError(f"there are no masks in '{source.name}': it holds no pictures, give PNG or another kind of picture")
        for folder, members in sorted(groups.items()):
            numbered, said = _numbered(members, total, span, at, source.name)
            notes += [note for note in said if note not in notes]
            name = PurePosixPath(folder).name or source.stem
            # A folder an object: whatever is drawn there belongs to it.
            found += _objects(_reader(numbered, size), size, total, name, whole=len(groups) > 1)
    return ImportedMasks(_not_empty(found, source.name), tuple(notes))


def masks_from_frames(
    frames: Callable[[], Iterable[NDArray[np.uint8]]], start: int, size: tuple[int, int], total: int, name: str
) -> ImportedMasks:
    """Read one object from the frames of a matte video: what is brighter than the middle between
    its darkest and its brightest level.

    Args:
        frames: Gives uint8 (H, W, 3) each; is called twice.
        start: The clip's frame that the first one belongs to.
        size: The clip's (W, H).
        total: How many frames the clip has.
        name: What the object is called.

    Returns:
        The object.

    Raises:
        InputError: There are more frames than the clip has, they don't fit, or none has a mask.
    """

    def read() -> Iterator[Placed]:
        for frame, picture in enumerate(frames(), start):
            if frame >= total:
                raise InputError(f"'{name}' has more frames than the clip, which has {total}: shorten it to that")
            check_shape((picture.shape[1], picture.shape[0]), size, name)
            yield frame, name, Pixels(picture, lossy=True)

    return ImportedMasks(_not_empty(_objects(read, size, total, name, whole=True), name))


def _not_empty(found: Sequence[ImportedObject], name: str) -> tuple[ImportedObject, ...]:
    kept = tuple(one for one in found if any(not one.masks.is_empty(frame) for frame in one.frames))
    if not kept:
        raise InputError(f"the masks in '{name}' are all empty: paint the object white, or in a colour")
    if len(kept) > MOST_OBJECTS:
        raise InputError(f"'{name}' holds {len(kept)} objects: import at most {MOST_OBJECTS} at once")
    return kept


def _numbered(
    pictures: list[MaskPicture], total: int, span: tuple[int, int], at: int, source: str
) -> tuple[list[tuple[int, MaskPicture]], list[str]]:
    """The frame that each picture is for, and what a person should know of that."""
    if len(pictures) == 1:
        return [(at, pictures[0])], []
    numbers = numbers_of([Path(picture.name).stem for picture in pictures])
    if None in numbers:
        name = pictures[numbers.index(None)].name
        raise InputError(f"which frame '{name}' in '{source}' is for can't be told: number the masks, like 00000.png")
    if (twins := twins_of(numbers)) is not None:
        names = " and ".join(pictures[index].name for index in twins)
        raise InputError(f"'{source}' holds two masks numbered {numbers[twins[0]]}: {names}, leave one out")
    known = [number for number in numbers if number is not None]
    ordered = [picture for _, picture in sorted(zip(known, pictures, strict=True), key=lambda pair: pair[0])]
    known.sort()
    for start, stop in ((0, total), span):
        if len(ordered) == stop - start:
            skipped = [number for before, after in gaps_of(known) for number in range(before + 1, min(after, before + 1000))]
            gaps = f"the masks in '{source}' leave out the numbers {listed(skipped)}: they are taken in order, one for each frame"
            return list(zip(range(start, stop), ordered, strict=True)), [gaps] if skipped else []
    shift, notes = _shift(known, total, span, source)
    frames = [number + shift for number in known]
    missing = sorted(set(range(frames[0], frames[-1] + 1)) - set(frames))
    if missing:
        notes.append(f"'{source}' has no masks for {'frame' if len(missing) == 1 else 'frames'} {listed(missing)}")
    return list(zip(frames, ordered, strict=True)), notes


def _shift(numbers: list[int], total: int, span: tuple[int, int], source: str) -> tuple[int, list[str]]:
    """What to add to the numbers of masks for the frames that they are for: nothing, unless they
    reach beyond the clip.
    """
    first, last = numbers[0], numbers[-1]
    if last < total:
        return 0, []
    if first >= 1 and last == total:  # counted from 1
        return -1, [f"the masks in '{source}' are numbered from 1: number 1 is taken for frame 0"]
    if first >= total and last - first < total - span[0]:
        return span[0] - first, [f"the masks in '{source}' are numbered {first} to {last}: number {first} is taken for frame {span[0]}"]
    raise InputError(f"'{source}' has a mask for frame {last}, but the clip's last frame is {total - 1}: leave it out, or number from 0")


def _reader(numbered: Sequence[tuple[int, MaskPicture]], size: tuple[int, int]) -> Callable[[], Iterator[Placed]]:
    return lambda: ((frame, picture.name, pixels_of(picture, size)) for frame, picture in numbered)


def _objects(read: Callable[[], Iterator[Placed]], size: tuple[int, int], total: int, name: str, *, whole: bool) -> list[ImportedObject]:
    """The objects in some pictures, which are read twice: what they mean is known at the end."""
    survey = Survey()
    for _, _, pixels in read():
        survey.add(pixels)
    meaning = survey.meaning(whole)
    by_value: dict[int, MaskSequence] = {}
    said = []
    for frame, _, pixels in read():
        said.append(frame)
        for value, mask in meaning.masks(pixels).items():
            by_value.setdefault(value, MaskSequence.empty(size, 0, total)).set(frame, fitted(mask, size))
    frames = tuple(sorted(said))
    if len(by_value) == 1:
        return [ImportedObject(name, masks, frames) for masks in by_value.values()]
    return [ImportedObject(f"{name} {number}", masks, frames) for number, (_, masks) in enumerate(sorted(by_value.items()), 1)]


def fitted(mask: Mask, size: tuple[int, int]) -> Mask:
    """The mask in the size (W, H): a pixel belongs to it where at least half of it did."""
    width, height = size
    if mask.shape == (height, width):
        return np.ascontiguousarray(mask)
    way = cv2.INTER_AREA if mask.shape[1] > width else cv2.INTER_LINEAR
    return cv2.resize(mask.astype(np.uint8) * np.uint8(255), size, interpolation=way) >= 128
