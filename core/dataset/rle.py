"""COCO's run lengths: masks as counts down the columns, plain numbers or packed into a string."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

_FIRST, _LAST = 48, 111
"""Codes of the characters that packed run lengths are made of: six bits each."""
_MORE = 32
"""The bit of a character that says that its number goes on."""


def decode_rle(counts: str | Sequence[int], height: int, width: int) -> NDArray[np.bool_]:
    """Decode the mask of one frame.

    Args:
        counts: run lengths down the columns, False first; numbers, or COCO's packed string of them.
        height: of the picture, in pixels.
        width: of the picture, in pixels.

    Returns:
        bool (H, W).

    Raises:
        ValueError: the run lengths are damaged, or don't make up the picture exactly.
    """
    packed = _checked(counts) if isinstance(counts, str) else _packed(counts, height, width)
    # pycocotools refuses too many pixels, but leaves what too few of them don't reach undefined:
    # then they fit a smaller picture as well.
    if not _fits(packed, height * width) or _fits(packed, height * width - 1):
        raise ValueError(f"packed run lengths that do not make up a picture of {width}x{height}")
    return np.asarray(coco.decode({"size": [height, width], "counts": packed})).astype(bool)


def encode_rle(mask: NDArray[np.bool_]) -> str:
    """Pack a mask, bool (H, W), into COCO's string."""
    packed: bytes = coco.encode(np.asfortranarray(mask.view(np.uint8)))["counts"]
    return packed.decode("ascii")


def area_of(counts: str, height: int, width: int) -> int:
    """Count the pixels inside a packed mask without unpacking it.

    Args:
        counts: COCO's packed string.
        height: of the picture, in pixels.
        width: of the picture, in pixels.

    Returns:
        Pixels inside.

    Raises:
        ValueError: a character that has no place in packed run lengths.
    """
    return int(coco.area({"size": [height, width], "counts": _checked(counts)}))


def _checked(text: str) -> bytes:
    for character in text:
        if not _FIRST <= ord(character) <= _LAST:
            raise ValueError(f"'{character}' has no place in packed run lengths")
    if not text or (ord(text[-1]) - _FIRST) & _MORE:
        raise ValueError("packed run lengths that end in the middle of a number")
    return text.encode("ascii")


def _packed(counts: Sequence[int], height: int, width: int) -> bytes:
    if sum(counts) != height * width or min(counts, default=0) < 0:
        raise ValueError(f"run lengths of {sum(counts)} pixels, where {width}x{height} has {height * width}")
    return coco.frPyObjects({"size": [height, width], "counts": list(counts)}, height, width)["counts"]


def _fits(packed: bytes, pixels: int) -> bool:
    """Whether run lengths have no more than this many pixels."""
    try:
        coco.decode({"size": [pixels, 1], "counts": packed})
    except ValueError:
        return False
    return True
