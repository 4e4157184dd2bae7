"""The last step: samples into tars, each exactly once, and the index."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from core.curation.ledger import name_of
from core.curation.records import ClipRecord, read_clips
from core.curation.samples import entry_of
from core.curation.settings import CurationSettings
from core.dataset.index import DatasetIndex, IndexWriter, NAME, Place
from core.dataset.tars import TarWriter
from core.dataset.writer import entry_size, tars_of, write_entry
from core.errors import InputError
from core.files import atomic_path, write_bytes
from core.progress import JobContext

_VERSION = 1


class PackedClip(msgspec.Struct, frozen=True):
    """Where the clip's file and its samples lie in a tar: offset and size of each."""

    key: str
    media: tuple[int, int]
    samples: list[tuple[int, int]]


class PackedTar(msgspec.Struct, frozen=True):
    """What is known of a finished tar."""

    name: str
    size: int
    clips: list[PackedClip]


def pack(out: Path, settings: CurationSettings, shards: Sequence[str], context: JobContext) -> int:
    """Write the tars that are not there yet, and the index.

    Args:
        out: The build's folder.
        settings: Of the build.
        shards: The files with the clips that the last stage left, relative to `out`.
        context: Progress and cancelling.

    Returns:
        How many samples there are.
    """
    data = out / "data"
    places: list[tuple[str, str]] = []  # shard and key of each clip that has samples
    sizes: list[tuple[str, int]] = []
    digests: list[str] = []
    for shard, clip in _clips(out, shards):
        entry = entry_of(clip, out)
        if entry is not None:
            places.append((shard, clip.key))
            sizes.append((clip.kind, entry_size(entry)))
            parts = [sample.to_bytes(entry.clip) for sample in entry.samples]
            digests.append(hashlib.sha256(b"".join(parts) + repr(clip.media).encode()).hexdigest())
    planned = tars_of(sizes, settings.tar_megabytes * 2**20)  # type: ignore[arg-type]
    packed: dict[str, PackedTar] = {}
    for number, (name, members) in enumerate(planned):
        context.report("packing", number, len(planned))
        packed[name] = _tar(out, name, [(places[member], digests[member]) for member in members])
    for known in (out / "stages" / "packing").glob("*.done"):
        made = msgspec.json.decode(known.read_bytes(), type=PackedTar).name
        if made not in packed:  # of this build when it had more samples
            (data / made).unlink(missing_ok=True)
    return _index(out, settings, shards, packed)


def check_own(out: Path) -> None:
    """Raise InputError where a build would write over a data set that it did not make."""
    data = out / "data"
    if (data / NAME).exists() and DatasetIndex(data).facts.get("maker") != "build":
        raise InputError(f"{data} is a data set that was not built here: choose another folder for --out")


def _clips(out: Path, shards: Sequence[str]) -> Iterator[tuple[str, ClipRecord]]:
    for shard in shards:
        for clip in read_clips((out / shard).read_bytes()):
            yield shard, clip


def _tar(out: Path, name: str, members: Sequence[tuple[tuple[str, str], str]]) -> PackedTar:
    """A tar of the data set: the one that is there, when it was made of the same, or a new one."""
    target = out / "data" / name
    done = out / "stages" / "packing" / f"{name_of('packing', _VERSION, name, [digest for _, digest in members])}.done"
    if done.exists() and target.exists():
        known = msgspec.json.decode(done.read_bytes(), type=PackedTar)
        if known.size == target.stat().st_size:
            return known
    clips: list[PackedClip] = []
    with atomic_path(target) as path:
        with TarWriter(path) as tar:
            for shard in dict.fromkeys(place[0] for place, _ in members):
                wanted = {place[1] for place, _ in members if place[0] == shard}
                for _, clip in _clips(out, [shard]):
                    entry = entry_of(clip, out) if clip.key in wanted else None
                    if entry is not None:
                        media, samples = write_entry(tar, name, entry)
                        clips.append(PackedClip(clip.key, (media.offset, media.size), [(each.offset, each.size) for each in samples]))
        size = path.stat().st_size
    made = PackedTar(name, size, clips)
    write_bytes(done, msgspec.json.encode(made))
    return made


def _index(out: Path, settings: CurationSettings, shards: Sequence[str], packed: dict[str, PackedTar]) -> int:
    where = {clip.key: (tar.name, clip) for tar in packed.values() for clip in tar.clips}
    (out / "data").mkdir(parents=True, exist_ok=True)
    count = 0
    with IndexWriter(out / "data", settings.validation, {"maker": "build", "settings": dataclasses.asdict(settings)}) as index:
        for _, clip in _clips(out, shards):
            entry = entry_of(clip, out) if clip.key in where else None
            if entry is not None:
                name, found = where[clip.key]
                places = [Place(name, *place) for place in found.samples]
                index.add(entry.clip, Place(name, *found.media), zip(entry.samples, places, strict=True))
                count += len(places)
    return count
