"""The shape of pixels in a WebM or Matroska file, for codecs that don't say it themselves.

FFmpeg's muxer writes the size at which a picture is displayed only for a stream whose shape of
pixels PyAV can't set. For one that holds two views it writes half of the size, so the stream is
said to hold two, and the numbers are put right in the finished file.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

_WIDTH, _HEIGHT = b"\x54\xb0", b"\x54\xba"
_STEREO = b"\x53\xb8\x81"
_TRACKS = b"\x16\x54\xae\x6b"
_HEAD = 4096
"""Bytes in which the facts of the only track lie, before the first picture."""


def views_of(size: tuple[int, int], aspect: Fraction) -> str:
    """How the two views are to lie: so that the numbers to put right have enough bytes.

    Args:
        size: (width, height) of the picture.
        aspect: Width of a pixel over its height, not 1.

    Returns:
        The value of the stream's metadata `stereo_mode`.
    """
    return "left_right" if _bytes(size[0] // 2) >= _bytes(max(_displayed(size, aspect))) else "top_bottom"


def set_display_size(path: Path, size: tuple[int, int], aspect: Fraction) -> None:
    """Put the size of display right in a finished file whose stream was said to hold two views.

    Args:
        path: The file.
        size: (width, height) of the picture.
        aspect: Width of a pixel over its height, not 1.
    """
    with path.open("r+b") as file:
        head = bytearray(file.read(_HEAD))
        video = head.index(_STEREO, head.index(_TRACKS))
        head[video + len(_STEREO)] = 0
        places = [_place(head, name, video) for name in (_WIDTH, _HEIGHT)]
        room = [256**length - 1 for _, length in places]
        width, height = _displayed(size, aspect)
        while width > room[0] or height > room[1]:  # only the ratio counts
            width, height = (width + 1) // 2, (height + 1) // 2
        for (at, length), value in zip(places, (width, height), strict=True):
            head[at : at + length] = value.to_bytes(length, "big")
        file.seek(0)
        file.write(head)


def _displayed(size: tuple[int, int], aspect: Fraction) -> tuple[int, int]:
    width, height = size
    return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))


def _bytes(number: int) -> int:
    return (number.bit_length() + 7) // 8


def _place(head: bytearray, name: bytes, after: int) -> tuple[int, int]:
    """Where the value of an element of numbers begins, and how many bytes it has."""
    at = head.index(name, after)
    return at + 3, head[at + 2] & 0x7F
