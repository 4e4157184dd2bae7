"""The index of a data set: one SQLite file that finds a sample among millions without reading the
others."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal, Self

from core.dataset.facts import ClipFacts, Kind, SampleFacts, SourceFacts, Split, split_of, SPLITS
from core.dataset.tars import TarMember
from core.errors import InputError
from core.files import atomic_path

NAME = "index.sqlite"
VERSION = 1

TaskGroup = Literal["draw", "delete"]
"""`draw` is add and modify, which train alike."""

MEASURES = ("area", "foreground_motion", "background_motion", "relative_motion")
"""Values of samples that have a column of their own in the index; NULL where they are not known."""

_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tars (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE sources (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, licence TEXT NOT NULL, split TEXT NOT NULL);
CREATE TABLE clips (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, source INTEGER NOT NULL REFERENCES sources, kind TEXT NOT NULL,
    tar INTEGER NOT NULL REFERENCES tars, "offset" INTEGER NOT NULL, size INTEGER NOT NULL, suffix TEXT NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, frames INTEGER NOT NULL, rate TEXT NOT NULL,
    start INTEGER NOT NULL, stop INTEGER NOT NULL);
CREATE TABLE samples (
    id INTEGER PRIMARY KEY, clip INTEGER NOT NULL REFERENCES clips, name TEXT NOT NULL,
    tar INTEGER NOT NULL REFERENCES tars, "offset" INTEGER NOT NULL, size INTEGER NOT NULL,
    task TEXT NOT NULL, form TEXT NOT NULL, label TEXT NOT NULL,
    words_short INTEGER, words_medium INTEGER, words_long INTEGER,
    area REAL, foreground_motion REAL, background_motion REAL, relative_motion REAL);
CREATE TABLE groups (
    split TEXT NOT NULL, kind TEXT NOT NULL, tasks TEXT NOT NULL, first INTEGER NOT NULL, stop INTEGER NOT NULL,
    PRIMARY KEY (split, kind, tasks)) WITHOUT ROWID;
"""
_UNSORTED = """
CREATE TEMP TABLE unsorted (
    split TEXT, kind TEXT, tasks TEXT, clip INTEGER, name TEXT, tar INTEGER, "offset" INTEGER, size INTEGER,
    task TEXT, form TEXT, label TEXT, words_short INTEGER, words_medium INTEGER, words_long INTEGER,
    area REAL, foreground_motion REAL, background_motion REAL, relative_motion REAL);
"""
_COLUMNS = (
    'clip, name, tar, "offset", size, task, form, label, words_short, words_medium, words_long, '
    "area, foreground_motion, background_motion, relative_motion"
)


@dataclass(frozen=True)
class Place:
    """Where a member lies: the name of its tar in the data folder, and its bytes there."""

    tar: str
    offset: int
    size: int


@dataclass(frozen=True)
class IndexedSample:
    """What the index says of a sample, which costs one look-up. `key` is CLIP.NAME; `words` counts
    the words of its captions from short to long; `measures` has what is known of MEASURES."""

    row: int
    key: str
    clip: ClipFacts
    split: Split
    name: str
    task: str
    form: str
    label: str
    words: tuple[int, ...]
    measures: Mapping[str, float]
    media: TarMember
    facts: TarMember

    def read(self) -> SampleFacts:
        """Masks, captions and the rest, out of the tar. InputError, with the place, when they are
        gone or damaged."""
        try:
            return SampleFacts.from_bytes(self.name, self.facts.read())
        except InputError as error:
            raise InputError(f"{self.facts}: {error}") from None


class IndexWriter:
    """Makes an index; it appears under its name when `close` has been called. The same calls make
    the same bytes. Use it as a context manager."""

    def __init__(self, folder: Path, validation: float = 0.0, facts: Mapping[str, Any] | None = None) -> None:
        """`folder` is the data folder, `validation` the share of the sources that is held out,
        `facts` what else the index should say of the data set (plain JSON)."""
        self._validation = validation
        self._target = atomic_path(folder / NAME)
        self._base = sqlite3.connect(self._target.__enter__(), isolation_level=None)
        self._base.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_SCHEMA} {_UNSORTED} BEGIN")
        said = {"version": VERSION, "validation": validation, **(facts or {})}
        self._base.executemany("INSERT INTO facts VALUES (?, ?)", [(name, json.dumps(value)) for name, value in sorted(said.items())])
        self._tars: dict[str, int] = {}
        self._sources: dict[str, tuple[int, Split]] = {}
        self._clips = 0

    def add(self, clip: ClipFacts, media: Place, samples: Iterable[tuple[SampleFacts, Place]]) -> None:
        """Add a clip.

        Args:
            clip: The clip; its key must be new.
            media: Where its file lies.
            samples: Its samples, and where their JSON lies.

        Raises:
            InputError: The key was taken already.
        """
        source, split = self._source(clip.source)
        self._clips += 1
        try:
            file = self._tar(media.tar), media.offset, media.size
            shape = clip.width, clip.height, clip.frames, str(clip.rate), clip.start, clip.stop
            row = self._clips, clip.key, source, clip.kind, *file, clip.suffix, *shape
            self._base.execute(f"INSERT INTO clips VALUES ({', '.join('?' * 14)})", row)
        except sqlite3.IntegrityError:
            raise InputError(f"the key '{clip.key}' was taken already") from None
        for sample, place in samples:
            words: list[int | None] = [len(text.split()) for text in sample.captions[:3]]
            words += [None] * (3 - len(words))
            tasks = "delete" if sample.task == "delete" else "draw"
            where = split, clip.kind, tasks, self._clips, sample.name, self._tar(place.tar), place.offset, place.size
            said = sample.task, sample.form, sample.label, *words, *(sample.values.get(name) for name in MEASURES)
            self._base.execute(f"INSERT INTO unsorted VALUES ({', '.join('?' * 18)})", (*where, *said))

    def _source(self, source: SourceFacts) -> tuple[int, Split]:
        known = self._sources.get(source.name)
        if known is None:
            split = split_of(source.name, self._validation)
            known = self._sources[source.name] = len(self._sources) + 1, split
            self._base.execute("INSERT INTO sources VALUES (?, ?, ?, ?)", (known[0], source.name, source.licence, split))
        return known

    def _tar(self, name: str) -> int:
        known = self._tars.get(name)
        if known is None:
            known = self._tars[name] = len(self._tars) + 1
            self._base.execute("INSERT INTO tars VALUES (?, ?)", (known, name))
        return known

    def close(self) -> None:
        """Sort the samples so that each group is one range of rows, and publish the file."""
        ask = self._base.execute
        ask(f"INSERT INTO samples ({_COLUMNS}) SELECT {_COLUMNS} FROM unsorted ORDER BY split, kind, tasks, clip, name")
        counts = ask("SELECT split, kind, tasks, count(*) FROM unsorted GROUP BY split, kind, tasks ORDER BY split, kind, tasks").fetchall()
        first = 1
        for split, kind, tasks, count in counts:
            ask("INSERT INTO groups VALUES (?, ?, ?, ?, ?)", (split, kind, tasks, first, first + count))
            first += count
        ask("CREATE INDEX samples_of_clip ON samples (clip)")
        ask("COMMIT")
        self._base.close()
        self._target.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if kind is None:
            self.close()
        else:
            self._base.close()
            self._target.__exit__(kind, error, trace)


class DatasetIndex:
    """An index to read, from any thread. Opening it reads a few hundred bytes."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the data folder. InputError when it has no index, or one that is newer."""
        self.folder = folder
        path = folder / NAME
        if not path.is_file():
            raise InputError(f"{folder} holds no {NAME}: build or import a data set there first")
        self._lock = threading.Lock()
        try:
            self._base = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
            self.facts: dict[str, Any] = {name: json.loads(value) for name, value in self._base.execute("SELECT name, value FROM facts")}
        except (sqlite3.Error, ValueError) as error:
            raise InputError(f"{path} can't be read ({error}): build the data set again") from None
        if self.facts.get("version", 0) > VERSION:
            raise InputError(f"{path} is of a newer version ({self.facts['version']}) than this program reads ({VERSION}): update")

    def groups(self, split: Split = "train") -> dict[tuple[Kind, TaskGroup], range]:
        """The rows of the samples of each kind and group of tasks."""
        found = self._all("SELECT kind, tasks, first, stop FROM groups WHERE split = ?", split)
        return {(kind, tasks): range(first, stop) for kind, tasks, first, stop in found}

    def draw(self, count: int, seed: int, tasks: TaskGroup | None = None) -> list[int]:
        """Draw samples of all splits and kinds.

        Args:
            count: How many, at most.
            seed: The same one draws the same.
            tasks: Only of this group.

        Returns:
            Their rows, in the order of the draw.
        """
        groups = [rows for split in SPLITS for (_, each), rows in self.groups(split).items() if tasks in (None, each)]
        ends = list(accumulate(len(rows) for rows in groups))
        places = random.Random(seed).sample(range(ends[-1] if ends else 0), min(count, ends[-1] if ends else 0))
        found = [(place, bisect_right(ends, place)) for place in places]
        return [groups[group][place - ends[group]] for place, group in found]  # counted from the group's end

    def sample(self, row: int) -> IndexedSample:
        """The sample of a row. InputError when there is none."""
        for found in self._samples("samples.id = ?", row):
            return found
        raise InputError(f"{self.folder / NAME} has no sample {row}")

    def samples(self, split: Split | None = None) -> Iterator[IndexedSample]:
        """All samples, or those of a split, in the order of their rows; a few at a time."""
        ranges = self._all("SELECT first, stop FROM groups WHERE ? IN (split, '') ORDER BY first", split or "")
        for first, stop in ranges:
            for start in range(first, stop, 1000):
                yield from self._samples("samples.id >= ? AND samples.id < ?", start, min(start + 1000, stop))

    def samples_of(self, clip: str) -> list[IndexedSample]:
        """The samples of a clip, by its key."""
        return self._samples("clips.key = ?", clip)

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the index something of one's own, such as for statistics; docs/dataset.md has the
        tables."""
        return self._all(sql, *values)

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def _all(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._base.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise InputError(f"{self.folder / NAME} can't be read ({error}): build the data set again") from None

    def _samples(self, condition: str, *values: Any) -> list[IndexedSample]:
        found = self._all(
            "SELECT samples.id, samples.name, samples.task, samples.form, samples.label, words_short, words_medium, words_long, "
            f'{", ".join(MEASURES)}, facts.name, samples."offset", samples.size, clips.key, clips.kind, clips.width, clips.height, '
            'clips.frames, clips.rate, clips.start, clips.stop, clips.suffix, media.name, clips."offset", clips.size, '
            "sources.name, sources.licence, sources.split FROM samples JOIN clips ON clips.id = samples.clip "
            "JOIN sources ON sources.id = clips.source JOIN tars AS media ON media.id = clips.tar "
            f"JOIN tars AS facts ON facts.id = samples.tar WHERE {condition} ORDER BY samples.id",
            *values,
        )
        return [self._sample(list(row)) for row in found]

    def _sample(self, row: list[Any]) -> IndexedSample:
        number, name, task, form, label, *row = row
        words, measures, row = row[:3], row[3:7], row[7:]
        facts_tar, facts_offset, facts_size, key, kind, width, height, frames, rate, start, stop, suffix, *row = row
        media_tar, media_offset, media_size, source, licence, split = row
        clip = ClipFacts(key, kind, SourceFacts(source, licence), width, height, frames, Fraction(rate), start, stop, suffix)
        return IndexedSample(
            row=number,
            key=f"{key}.{name}",
            clip=clip,
            split=split,
            name=name,
            task=task,
            form=form,
            label=label,
            words=tuple(count for count in words if count is not None),
            measures={name: value for name, value in zip(MEASURES, measures, strict=True) if value is not None},
            media=TarMember(self.folder / media_tar, f"{key}{suffix}", media_offset, media_size),
            facts=TarMember(self.folder / facts_tar, f"{key}.{name}.json", facts_offset, facts_size),
        )
