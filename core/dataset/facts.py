"""What a data set says of its sources, clips and samples, and how that is written as JSON."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.dataset.rle import decode_rle, encode_rle
from core.errors import InputError
from core.project.tracks import FORMS

Kind = Literal["image", "video"]
Split = Literal["train", "validation"]

KINDS: tuple[Kind, Kind] = ("image", "video")
SPLITS: tuple[Split, Split] = ("train", "validation")
TASKS = ("add", "modify", "delete")
LENGTHS = ("short", "medium", "long")
TRACKED = "tracked"
"""The form of masks as they were tracked: the six forms are applied while training."""
_NAME = re.compile(r"[a-z0-9_-]+")


@dataclass(frozen=True)
class SourceFacts:
    """Where a clip comes from: a name that is unique in the data set, such as a path or an address,
    and the licence that its owner states ("" if unknown)."""

    name: str
    licence: str = ""


@dataclass(frozen=True)
class ClipFacts:
    """One clip or image of the data set.

    `key` names its files; it has lower-case letters, digits, - and _. `start` and `stop` are the
    frames of the source that it shows. `rate` is frames a second, 0 of an image. `suffix` is its
    file's, such as .mp4.
    """

    key: str
    kind: Kind
    source: SourceFacts
    width: int
    height: int
    frames: int
    rate: Fraction
    start: int
    stop: int
    suffix: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.key):
            raise InputError(f"the key '{self.key}' of a clip may have lower-case letters, digits, - and _ only")


@dataclass(frozen=True)
class PackedMasks:
    """Masks of a clip's frames as COCO's packed run lengths, one string a frame."""

    height: int
    width: int
    counts: tuple[str, ...]

    @classmethod
    def pack(cls, masks: NDArray[np.bool_]) -> PackedMasks:
        """Pack bool (T, H, W)."""
        return cls(masks.shape[1], masks.shape[2], tuple(encode_rle(mask) for mask in masks))

    def __len__(self) -> int:
        return len(self.counts)

    def frame(self, index: int) -> NDArray[np.bool_]:
        """The mask of a frame, bool (H, W). ValueError when it is damaged."""
        return decode_rle(self.counts[index], self.height, self.width)

    def unpack(self) -> NDArray[np.bool_]:
        """All masks, bool (T, H, W). ValueError when one is damaged."""
        return np.stack([self.frame(index) for index in range(len(self))])

    def as_json(self) -> dict[str, Any]:
        """As it is written into a sample."""
        return {"size": [self.height, self.width], "counts": list(self.counts)}

    @classmethod
    def from_json(cls, value: Any) -> PackedMasks:
        """What `as_json` wrote. InputError for anything else."""
        try:
            (height, width), counts = value["size"], value["counts"]
            if isinstance(counts, list) and counts and all(isinstance(one, str) for one in counts) and min(height, width) > 0:
                return cls(int(height), int(width), tuple(counts))
        except (LookupError, TypeError, ValueError):
            pass
        raise InputError('the masks have to be run lengths, {"size": [height, width], "counts": ["...", ...]}')


@dataclass(frozen=True)
class SampleFacts:
    """One sample of a clip.

    `name` is unique within the clip, like a key. `captions` go from short to long; of a deletion it
    is the fixed one. `label` is what the entity is called. `form` is TRACKED, or the one of the six
    forms that the masks already have. `values` is what was measured of it (docs/dataset.md lists
    the names). `notes` is whatever else is known, such as the donor of a deletion's masks.
    """

    name: str
    task: str
    captions: tuple[str, ...]
    masks: PackedMasks
    label: str = ""
    form: str = TRACKED
    values: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InputError(f"the name '{self.name}' of a sample may have lower-case letters, digits, - and _ only")
        if self.task not in TASKS:
            raise InputError(f"the task {self.task!r} is not one of {', '.join(TASKS)}")
        if not self.captions or not all(isinstance(text, str) and text.strip() for text in self.captions):
            raise InputError("a sample needs one to three captions that are not empty")
        if self.form != TRACKED and self.form not in FORMS:
            raise InputError(f"the form {self.form!r} is not one of {', '.join((TRACKED, *FORMS))}")

    def to_bytes(self, clip: ClipFacts) -> bytes:
        """The sample's JSON, the same bytes for the same facts. It repeats what is known of the
        clip, so that a tar explains itself."""
        facts = {
            "task": self.task,
            "captions": dict(zip(LENGTHS, self.captions, strict=False)) if len(self.captions) > 1 else list(self.captions),
            "label": self.label,
            "form": self.form,
            "values": {name: round(float(value), 6) for name, value in sorted(self.values.items())},
            "notes": dict(self.notes),
            "clip": {**asdict(clip), "rate": str(clip.rate)},
            "masks": self.masks.as_json(),
        }
        return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, name: str, data: bytes) -> SampleFacts:
        """Read a sample's JSON.

        InputError, in words that need the place put before them, for what is no sample.
        """
        try:
            facts = json.loads(data)
        except ValueError as error:
            raise InputError(f"not JSON ({error})") from None
        if not isinstance(facts, dict):
            raise InputError("not an object")
        captions = facts.get("captions")
        if isinstance(captions, dict):
            captions = [captions[length] for length in LENGTHS if length in captions]
        return cls(
            name=name,
            task=facts.get("task", ""),
            captions=tuple(captions) if isinstance(captions, list) else (),
            masks=PackedMasks.from_json(facts.get("masks")),
            label=str(facts.get("label", "")),
            form=facts.get("form", TRACKED),
            values=facts.get("values") or {},
            notes=facts.get("notes") or {},
        )


def split_of(source: str, validation: float) -> Split:
    """Draw the split of all clips of a source: a share of the sources, 0 to 1, is for validation.

    The draw depends on the source's name only, so a source stays where it is when others are added.
    """
    place = int.from_bytes(hashlib.blake2b(source.encode(), digest_size=8, person=b"split").digest(), "big") / 2**64
    return "validation" if place < validation else "train"
