"""Where the parts of a media file lie, and the fields that say how long they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Order = Literal["big", "little"]

_MP4_HOLDERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"dinf", b"mvex", b"moof", b"traf", b"meta")
_MP4_FIRST = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_MATROSKA_HOLDERS = (0x18538067, 0x1654AE6B, 0xAE, 0x1F43B675, 0x1549A966, 0x1C53BB6B, 0x114D9B74, 0xE0, 0xE1, 0xA0, 0xBB, 0xB7)


@dataclass(frozen=True)
class Part:
    """A part with its header, half-open, and the field of its header that says its length; a
    `length_bytes` of 0 where there is none.
    """

    start: int
    stop: int
    length_at: int = 0
    length_bytes: int = 0
    order: Order = "big"


def parts_of(data: bytes) -> list[Part]:
    """The parts of an MP4, MOV, Matroska, AVI, WebP, PNG or ASF file, those inside of others too;
    of other files, sixteen pieces.
    """
    if data[4:8] in _MP4_FIRST:
        found = list(_mp4(data, 0, len(data)))
    elif data.startswith(b"\x1aE\xdf\xa3"):
        found = list(_matroska(data, 0, len(data)))
    elif data.startswith(b"RIFF"):
        found = list(_riff(data, 0, len(data)))
    elif data.startswith(b"\x89PNG"):
        found = list(_png(data))
    elif data.startswith(b"\x30\x26\xb2\x75"):
        found = list(_asf(data, 0, len(data)))
    else:
        found = []
    step = max(1, len(data) // 16)
    return found if len(found) > 2 else [Part(at, min(at + step, len(data))) for at in range(0, len(data), step)]


def _mp4(data: bytes, at: int, end: int) -> Iterator[Part]:
    while at + 8 <= end:
        length = int.from_bytes(data[at : at + 4])
        if not 8 <= length <= end - at:
            return
        yield Part(at, at + length, at, 4)
        if data[at + 4 : at + 8] in _MP4_HOLDERS:
            yield from _mp4(data, at + 8, at + length)
        at += length


def _riff(data: bytes, at: int, end: int) -> Iterator[Part]:
    while at + 8 <= end:
        stop = min(end, at + 8 + int.from_bytes(data[at + 4 : at + 8], "little"))
        yield Part(at, stop, at + 4, 4, "little")
        if data[at : at + 4] in (b"RIFF", b"LIST"):
            yield from _riff(data, at + 12, stop)
        at = stop + stop % 2


def _png(data: bytes) -> Iterator[Part]:
    at = 8
    while at + 12 <= len(data):
        stop = at + 12 + int.from_bytes(data[at : at + 4])
        yield Part(at, stop, at, 4)
        at = stop


def _asf(data: bytes, at: int, end: int) -> Iterator[Part]:
    while at + 24 <= end:
        length = int.from_bytes(data[at + 16 : at + 24], "little")
        if not 24 <= length <= end - at:
            return
        yield Part(at, at + length, at + 16, 8, "little")
        if data.startswith(b"\x30\x26\xb2\x75", at):
            yield from _asf(data, at + 30, at + length)
        at += length


def _matroska(data: bytes, at: int, end: int) -> Iterator[Part]:
    while at + 2 <= end:
        id_bytes = _width(data[at])
        length_at = at + id_bytes
        if length_at >= end:
            return
        length_bytes = _width(data[length_at])
        field = int.from_bytes(data[length_at : length_at + length_bytes])
        length = field & ((1 << 7 * length_bytes) - 1)
        begin = length_at + length_bytes
        stop = min(end, begin + length)
        yield Part(at, stop, length_at, length_bytes)
        if int.from_bytes(data[at : at + id_bytes]) in _MATROSKA_HOLDERS:
            yield from _matroska(data, begin, stop)
        at = stop


def _width(first: int) -> int:
    """How many bytes a number of EBML has, by its first."""
    return 9 - first.bit_length() if first else 8
