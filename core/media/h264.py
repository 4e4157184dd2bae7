"""The few bytes of H.264 that have to be understood to put streams of two encoders into one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

IDR, SPS, PPS = 5, 7, 8
_BASELINE, _MAIN, _HIGH = 66, 77, 100
_CONSTRAINED = 0x40
"""Said of a Baseline stream that Main, and so High, holds too."""
_MOST_SETS = 31


@dataclass(frozen=True)
class ParameterSets:
    """What the pictures of a stream refer to by number: the sequence and picture parameter sets, as
    an MP4 or Matroska file keeps them (ISO 14496-15). `profile`, `constraints` and `level` are
    those that the file declares. `beyond` are the bytes that profiles from High on add.
    """

    profile: int
    constraints: int
    level: int
    sequence: tuple[bytes, ...]
    picture: tuple[bytes, ...]
    beyond: bytes = b""

    @classmethod
    def read(cls, record: bytes) -> ParameterSets | None:
        """What such a record says; None for another kind of header, lengths of other than four
        bytes, or damage.
        """
        if len(record) < 7 or record[0] != 1 or record[4] & 3 != 3:
            return None
        at, groups = 5, []
        try:
            for mask in (0x1F, 0xFF):
                count, at, group = record[at] & mask, at + 1, []
                for _ in range(count):
                    size = int.from_bytes(record[at : at + 2], "big")
                    group.append(record[at + 2 : at + 2 + size])
                    at += 2 + size
                groups.append(tuple(group))
        except IndexError:
            return None
        if at > len(record) or not all(groups) or not all(len(one) > 3 for group in groups for one in group):
            return None
        return cls(record[1], record[2], record[3], groups[0], groups[1], record[at:])

    @classmethod
    def of_stream(cls, header: bytes) -> ParameterSets:
        """Those in the header of an encoder, which parts them by start codes."""
        units = list(units_by_start_codes(header))
        sequence = tuple(unit for unit in units if unit[0] & 31 == SPS)
        picture = tuple(unit for unit in units if unit[0] & 31 == PPS)
        return cls(sequence[0][1], sequence[0][2], sequence[0][3], sequence, picture)

    @property
    def numbers(self) -> set[int]:
        """The numbers that sets have here, of either kind."""
        return {_number(unit[4:]) for unit in self.sequence} | {_number(unit[1:]) for unit in self.picture}

    def joined(self, other: ParameterSets) -> bytes | None:
        """A record with the sets of both; None where no profile holds the streams of both."""
        profile = self.profile
        if other.profile != self.profile:
            held = self.profile == _MAIN or (self.profile == _BASELINE and self.constraints & _CONSTRAINED)
            if other.profile != _HIGH or not held:
                return None
            profile = _HIGH
        constraints = self.constraints & other.constraints
        head = bytes([1, profile, constraints, max(self.level, other.level), 0xFF])
        sequence, picture = (*self.sequence, *other.sequence), (*self.picture, *other.picture)
        if len(sequence) > _MOST_SETS or len(picture) > 0xFF:
            return None
        record = head + bytes([0xE0 | len(sequence)]) + _counted(sequence) + bytes([len(picture)]) + _counted(picture)
        return record + (self.beyond if self.profile == profile else b"\xfd\xf8\xf8\x00")


def _counted(units: Sequence[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def _number(payload: bytes) -> int:
    """The Exp-Golomb number that a payload begins with."""
    bits = "".join(f"{byte:08b}" for byte in payload[:6])
    zeros = len(bits) - len(bits.lstrip("0"))
    return int(bits[zeros : 2 * zeros + 1] or "1", 2) - 1


def units_by_start_codes(data: bytes) -> Iterator[bytes]:
    """The units of a stream that parts them by start codes."""
    for part in data.split(b"\x00\x00\x01"):
        if unit := part.rstrip(b"\x00"):
            yield unit


def with_lengths(data: bytes) -> bytes:
    """A packet of an encoder, its units told apart by their lengths as files do."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units_by_start_codes(data))


def units_by_lengths(data: bytes) -> Iterator[bytes]:
    """The units of a packet from a file; ValueError when its lengths can't be true."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if not 0 < size <= len(data) - at - 4:
            raise ValueError("a unit is longer than its packet")
        yield data[at + 4 : at + 4 + size]
        at += 4 + size
