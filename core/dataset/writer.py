"""Writes a data set: clips and samples into tars of about the same size, then the index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from core.dataset.facts import ClipFacts, Kind, KINDS, SampleFacts
from core.dataset.index import IndexWriter, Place
from core.dataset.tars import Content, TarWriter, total_size
from core.files import atomic_path

TAR_BYTES = 512 * 2**20
"""A tar is ended before it would be larger than this."""


@dataclass(frozen=True)
class Entry:
    """A clip with its file and its samples."""

    clip: ClipFacts
    media: Content
    samples: tuple[SampleFacts, ...]


def tar_name(kind: Kind, number: int) -> str:
    """The name of a tar, such as video-00000.tar."""
    return f"{kind}-{number:05d}.tar"


def entry_size(entry: Entry) -> int:
    """Bytes that an entry takes in a tar."""
    return total_size([entry.media, *(sample.to_bytes(entry.clip) for sample in entry.samples)])


def write_entry(tar: TarWriter, name: str, entry: Entry) -> tuple[Place, list[Place]]:
    """Append a clip and its samples to a tar.

    Args:
        tar: The open tar.
        name: Of the tar, in the data folder.
        entry: What is written: CLIP.SUFFIX, then CLIP.NAME.json of each sample.

    Returns:
        Where the clip's file lies, and where each sample does.
    """
    media = Place(name, *tar.add(f"{entry.clip.key}{entry.clip.suffix}", entry.media))
    return media, [Place(name, *tar.add(f"{entry.clip.key}.{each.name}.json", each.to_bytes(entry.clip))) for each in entry.samples]


class DatasetWriter:
    """Writes a whole data set in one go. Use it as a context manager: the tars appear as they are
    full, the index at the end. The same calls make the same bytes."""

    def __init__(
        self, folder: Path, *, validation: float = 0.0, tar_bytes: int = TAR_BYTES, facts: Mapping[str, Any] | None = None
    ) -> None:
        """`folder`, `validation` and `facts` as for IndexWriter."""
        self._folder, self._tar_bytes = folder, tar_bytes
        folder.mkdir(parents=True, exist_ok=True)
        self._index = IndexWriter(folder, validation, facts)
        self._open: dict[Kind, tuple[ExitStack, TarWriter, str]] = {}
        self._numbers: dict[Kind, int] = dict.fromkeys(KINDS, 0)

    def add(self, clip: ClipFacts, media: Content, samples: Iterable[SampleFacts]) -> None:
        """Write a clip and its samples.

        Args:
            clip: The clip; its key must be new.
            media: Its file.
            samples: At least one.

        Raises:
            InputError: The key was taken already, or the media can't be read.
            StorageError: The disk refused.
        """
        entry = Entry(clip, media, tuple(samples))
        tar, name = self._tar(clip.kind, entry_size(entry))
        place, places = write_entry(tar, name, entry)
        self._index.add(clip, place, zip(entry.samples, places, strict=True))

    def _tar(self, kind: Kind, size: int) -> tuple[TarWriter, str]:
        if kind in self._open and self._open[kind][1].size + size > self._tar_bytes:
            self._open.pop(kind)[0].close()
        if kind not in self._open:
            name, stack = tar_name(kind, self._numbers[kind]), ExitStack()
            self._numbers[kind] += 1
            tar = stack.enter_context(TarWriter(stack.enter_context(atomic_path(self._folder / name))))
            self._open[kind] = stack, tar, name
        return self._open[kind][1:]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        for stack, _, _ in self._open.values():
            stack.__exit__(kind, error, trace)
        self._index.__exit__(kind, error, trace)


def tars_of(entries: Sequence[tuple[Kind, int]], tar_bytes: int = TAR_BYTES) -> list[tuple[str, list[int]]]:
    """Share entries out among tars as DatasetWriter does, without writing any.

    Args:
        entries: Kind and size (`entry_size`) of each, in order.
        tar_bytes: The most that a tar holds, unless one entry alone is larger.

    Returns:
        The name of each tar and the numbers of its entries.
    """
    tars: list[tuple[str, list[int]]] = []
    for kind in KINDS:
        filled, count = 0, 0
        for number, (each, size) in enumerate(entries):
            if each != kind:
                continue
            if not count or filled + size > tar_bytes:
                tars.append((tar_name(kind, count), []))
                filled, count = 0, count + 1
            tars[-1][1].append(number)
            filled += size
    return tars
