"""The sources of a build in shards on the disk: what its first stage reads, and what a build that
goes on starts from, without holding them in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.curation.records import read_sources, SourceItem, to_lines
from core.curation.sources import refreshed
from core.files import write_bytes

_FOLDER = Path("stages", "sources")
_LIST = _FOLDER / "shards.json"


@dataclass(frozen=True)
class Shard:
    """A shard on its way: what it is called after the last stage, and what that said."""

    number: int
    path: str
    digest: str


class SourceShards(msgspec.Struct, frozen=True):
    """How many sources there are, and the digest of each shard of them. This is also the content of
    the list beside the shards, so that whoever asks need not read ten million sources."""

    sources: int
    digests: tuple[str, ...]

    @property
    def shards(self) -> list[Shard]:
        """As the first stage takes them."""
        return [Shard(number, _path(number).as_posix(), digest) for number, digest in enumerate(self.digests)]


def write_shards(out: Path, items: Sequence[SourceItem], size: int) -> SourceShards:
    """Put the sources of a build into shards; those that are there already stay as they are.

    Args:
        out: The build's folder.
        items: The sources, in order.
        size: Of a shard.

    Returns:
        What is there now.

    Raises:
        StorageError: The disk refused.
    """
    return _written(out, (items[start : start + size] for start in range(0, len(items), size)))


def refresh_shards(out: Path, count: int) -> SourceShards:
    """The sources of a build with the sizes and times of their files as they are now.

    Args:
        out: The build's folder.
        count: Shards that there are.

    Returns:
        What is there now.

    Raises:
        OSError: A shard is gone.
        msgspec.MsgspecError: A shard is of another version, or damaged.
    """
    files = (read_sources((out / _path(number)).read_bytes()) for number in range(count))
    return _written(out, ([refreshed(item) for item in items] for items in files))


def read_shards(out: Path, count: int) -> SourceShards:
    """The sources of a build as they are.

    Args:
        out: The build's folder.
        count: Shards that there are.

    Returns:
        What is there.

    Raises:
        OSError: A shard is gone.
        msgspec.MsgspecError: A shard is of another version, or damaged.
    """
    known = _listed(out)
    if known is not None and len(known.digests) == count:
        return known
    sources, digests = 0, []  # of an earlier version, or killed before it had written its list
    for number in range(count):
        data = (out / _path(number)).read_bytes()
        sources += len(read_sources(data))
        digests.append(hashlib.sha256(data).hexdigest())
    return SourceShards(sources, tuple(digests))


def _written(out: Path, parts: Iterable[Sequence[SourceItem]]) -> SourceShards:
    known, sources, digests = _listed(out), 0, []
    for number, items in enumerate(parts):
        data, path = to_lines(list(items)), out / _path(number)
        if not path.exists() or path.read_bytes() != data:
            if known is not None:  # whoever is killed from here on leaves no list that is wrong
                (out / _LIST).unlink(missing_ok=True)
                known = None
            write_bytes(path, data)
        sources += len(items)
        digests.append(hashlib.sha256(data).hexdigest())
    found = SourceShards(sources, tuple(digests))
    if found != known:
        write_bytes(out / _LIST, msgspec.json.encode(found))
    return found


def _listed(out: Path) -> SourceShards | None:
    try:
        return msgspec.json.decode((out / _LIST).read_bytes(), type=SourceShards)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _path(number: int) -> Path:
    return _FOLDER / f"{number:05d}.jsonl"
