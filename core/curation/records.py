"""What the stages of a build hand on: clips, and what was found on them. One JSON line a clip."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import msgspec

from core.dataset.facts import ClipFacts, Kind, PackedMasks, SourceFacts
from core.dataset.tars import TarMember
from core.project.tracks import AdjustmentForm

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in source pixels, half-open."""


class Media(msgspec.Struct, frozen=True):
    """Where the file of a clip is: a source's own file, or a member of a stage's tar, whose path is
    relative to the build's folder."""

    path: str
    member: str = ""
    offset: int = 0
    size: int = 0

    def content(self, out: Path) -> Path | TarMember:
        """As the writer of tars takes it."""
        return TarMember(out / self.path, self.member, self.offset, self.size) if self.member else Path(self.path)


class Masks(msgspec.Struct, frozen=True):
    """Packed masks, see `core.dataset.facts.PackedMasks`."""

    height: int
    width: int
    counts: tuple[str, ...]

    @property
    def packed(self) -> PackedMasks:
        """The same as the data set has them."""
        return PackedMasks(self.height, self.width, self.counts)

    @classmethod
    def of(cls, packed: PackedMasks) -> Masks:
        """The same as a stage keeps them."""
        return cls(packed.height, packed.width, packed.counts)


class KnownEntity(msgspec.Struct, frozen=True):
    """An entity that the source itself knows: a procedural clip's own thing."""

    label: str
    masks: Masks
    material: str = ""


class WrittenForm(msgspec.Struct, frozen=True):
    """An entity's masks in one of the six forms, expanded by `pixels`."""

    form: AdjustmentForm
    pixels: int
    masks: Masks


class Entity(msgspec.Struct, kw_only=True):
    """Something on a clip, or the region of a deletion.

    `quality` is how right the tracker believes its masks to be, a frame each, -1 where it did not
    track. `deletion` says which sample the masks of a deletion come from and how they move.
    `dropped` names the filters that left it out; `forms` are written ones, where they are wanted.
    """

    name: str
    label: str
    box: Box
    score: float
    masks: Masks | None = None
    quality: tuple[float, ...] = ()
    captions: tuple[str, ...] = ()
    values: dict[str, float] = {}
    deletion: tuple[str, str] | None = None
    dropped: str = ""
    forms: list[WrittenForm] = []


class ClipRecord(msgspec.Struct, kw_only=True):
    """A clip on its way through the stages; fields as in `core.dataset.facts.ClipFacts`.

    `signature` is what duplicates are told by: one 64-bit difference hash each of a few frames.
    `background_tags` and `background_boxes` are what was named as background and where that is;
    `background` is its mask on the first frame, None where nobody asked.
    """

    key: str
    kind: Kind
    source: str
    licence: str
    media: Media
    suffix: str
    width: int
    height: int
    frames: int
    rate: str
    start: int
    stop: int
    signature: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    background_tags: tuple[str, ...] = ()
    background_boxes: tuple[Box, ...] = ()
    background: Masks | None = None
    known: tuple[KnownEntity, ...] = ()
    entities: list[Entity] = []

    @property
    def facts(self) -> ClipFacts:
        """As the data set has them."""
        source = SourceFacts(self.source, self.licence)
        return ClipFacts(
            self.key, self.kind, source, self.width, self.height, self.frames, Fraction(self.rate), self.start, self.stop, self.suffix
        )


class SourceItem(msgspec.Struct, frozen=True):
    """One input of a build: a file by its path, size in bytes and time of the last change (ns), or
    a clip to draw by its number (`drawn` >= 0). `name` is unique; clips of one `source` belong to
    one split. `matching` and `desirable` are what Panda-70M says of a clip: how well its caption
    fits, -1 where that is not known, and what speaks against it."""

    name: str
    source: str
    licence: str = ""
    path: str = ""
    size: int = 0
    changed: int = 0
    drawn: int = -1
    matching: float = -1.0
    desirable: str = ""


class Dropped(msgspec.Struct, frozen=True):
    """A filter's decision: what it left out, the value that it measured and the limit."""

    key: str
    filter: str
    value: float
    limit: float


class SetAside(msgspec.Struct, frozen=True):
    """An input that a stage could not use, and why."""

    stage: str
    input: str
    reason: str


_encoder = msgspec.json.Encoder()


def to_lines(records: list[ClipRecord] | list[Dropped] | list[SetAside] | list[SourceItem]) -> bytes:
    """One JSON line each; the same bytes for the same records."""
    return b"".join(_encoder.encode(record) + b"\n" for record in records)


def read_clips(data: bytes) -> list[ClipRecord]:
    """The clips in lines of `to_lines`."""
    return [msgspec.json.decode(line, type=ClipRecord) for line in data.splitlines()]


def read_sources(data: bytes) -> list[SourceItem]:
    """The inputs in lines of `to_lines`."""
    return [msgspec.json.decode(line, type=SourceItem) for line in data.splitlines()]
