"""What of a build is done: shards by names that say what they were made of.

A shard's name is a hash of its stage, the stage's version, the settings and models that it depends
on, and its input's content. Its files are written aside, flushed and renamed; then comes NAME.done,
with counts, seconds and the digest of the content. What has no .done is made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from core.errors import InputError
from core.files import write_bytes, write_text

PARTS = (".jsonl", ".tar", ".dropped.jsonl", ".aside.jsonl")
"""Files of a shard: its clips, their media, the filters' log, the inputs that were set aside."""


@dataclass(frozen=True)
class Done:
    """What a finished shard says of itself. `failed` counts as finished: the shard is left out.
    `processor` is in seconds, of all threads, and `filters` says how often each filter left
    something out; 0 and none where an earlier version did not say it.
    """

    stage: str
    shard: int
    records: int
    dropped: int
    aside: int
    seconds: float
    digest: str
    failed: str = ""
    processor: float = 0.0
    filters: dict[str, int] = field(default_factory=dict)


class Ledger:
    """The stages' folder of a build."""

    def __init__(self, out: Path) -> None:
        self.out = out

    def path(self, stage: str, name: str, part: str) -> Path:
        """Where a file of a shard is.

        Args:
            stage: Its stage.
            name: Its name.
            part: How the file's name goes on, one of PARTS or ".done".
        """
        return self.out / "stages" / stage / f"{name}{part}"

    def done(self, stage: str, name: str) -> Done | None:
        """What a shard says, when it is finished."""
        try:
            return msgspec.json.decode(self.path(stage, name, ".done").read_bytes(), type=Done)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:  # another version's, or damaged
            return None

    def begin(self, stage: str, name: str) -> None:
        """Delete what a killed program left of a shard."""
        for part in (*PARTS, ".done"):
            self.path(stage, name, part).unlink(missing_ok=True)

    def put(self, stage: str, name: str, part: str, data: bytes) -> None:
        """Write a file of a shard; of an empty one only the clips are kept.

        Args:
            stage: Its stage.
            name: Its name.
            part: One of PARTS.
            data: The content.
        """
        if data or part == ".jsonl":
            write_bytes(self.path(stage, name, part), data)

    def finish(self, name: str, done: Done) -> None:
        """Say that a shard is finished."""
        write_text(self.path(done.stage, name, ".done"), json.dumps(asdict(done)) + "\n")

    def digest(self, stage: str, name: str) -> str:
        """Hash the files of a shard."""
        total = hashlib.sha256()
        for part in PARTS:
            path = self.path(stage, name, part)
            if path.exists():
                with path.open("rb") as file:
                    total.update(f"{part} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        return total.hexdigest()

    def reopen(self, stage: str, name: str) -> None:
        """Let a shard be made again."""
        self.path(stage, name, ".done").unlink(missing_ok=True)

    def write_quarantine(self, stage: str, names: Sequence[str]) -> int:
        """Put what the shards of a stage set aside into OUT/quarantine/STAGE.jsonl.

        Args:
            stage: The stage.
            names: Its shards, in order.

        Returns:
            How many inputs that are.
        """
        parts = [self.path(stage, name, ".aside.jsonl") for name in names]
        lines = b"".join(part.read_bytes() for part in parts if part.exists())
        target = self.out / "quarantine" / f"{stage}.jsonl"
        if lines:
            if not target.exists() or target.read_bytes() != lines:
                write_bytes(target, lines)
        else:
            target.unlink(missing_ok=True)
        return lines.count(b"\n")


def name_of(*facts: Any) -> str:
    """A shard's name: a hash of all that it depends on, given as JSON."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:24]


def read_build(out: Path) -> dict[str, Any]:
    """What OUT/build.json says. InputError when there is no build."""
    try:
        said = json.loads((out / "build.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{out} holds no build: begin one with `data build SOURCE --out {out}`") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{out / 'build.json'} can't be read ({error})") from None
    if not isinstance(said, dict):
        raise InputError(f"{out / 'build.json'} is not a build's")
    return said
