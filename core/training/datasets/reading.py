"""All that `data=` can name: manifests, which are read at once, and data sets with an index, whose
records are read when they are drawn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import overload

from core.dataset.facts import Split
from core.dataset.index import DatasetIndex, NAME
from core.errors import InputError
from core.training.datasets.config import DataConfig
from core.training.datasets.manifest import OnBad, read_manifest, Record, Rle, skip, stop
from core.training.datasets.sample_schedule import Kind, Task


def read_records(config: DataConfig) -> Sequence[Record]:
    """The records that a configuration names; as `read_data`."""
    return read_data(config.data, config.bad_records, "validation" if config.split == "validation" else "train")


def read_data(text: str, bad_records: str = "stop", split: Split = "train") -> Sequence[Record]:
    """All records of manifests and data sets that are named in one line, separated by commas.

    Args:
        text: The names.
        bad_records: `stop` at a record that can't be read, or `skip` it.
        split: Which split of data sets is taken; manifests have none.

    Returns:
        The records; those of a data set are read when they are asked for.

    Raises:
        InputError: Naming file and line, for anything that is wrong; or there is no record at all.
    """
    on_bad: OnBad = skip if bad_records == "skip" else stop
    parts: list[Sequence[Record]] = []
    first: dict[str, str] = {}
    for name in filter(None, (part.strip() for part in text.split(","))):
        path = Path(name).expanduser()
        if (path / NAME).is_file():
            parts.append(BuiltRecords(path, split))
            continue
        records = []
        for record in read_manifest(path, on_bad):
            other = first.setdefault(record.key, record.where)
            if other == record.where:
                records.append(record)
            else:
                on_bad(InputError(f"{record.where}: the key '{record.key}' was taken already, at {other}"))
        parts.append(records)
    if not any(len(part) for part in parts):
        raise InputError(f"data={text}: no records in it")
    return parts[0] if len(parts) == 1 else JoinedRecords(parts)


class BuiltRecords(Sequence[Record]):
    """The samples of one split of a data set. `groups` are ranges; nothing is read before it is
    asked for, and then it raises InputError when it is damaged."""

    def __init__(self, folder: Path, split: Split) -> None:
        """`folder` is the data folder. InputError when it has no index."""
        self._index = DatasetIndex(folder)
        self._rows = [row for row in self._index.groups(split).values() if len(row)]
        self._first = min((rows.start for rows in self._rows), default=0)
        self.groups: Mapping[tuple[Kind, Task], Sequence[int]] = {
            group: range(rows.start - self._first, rows.stop - self._first) for group, rows in self._index.groups(split).items()
        }

    def __len__(self) -> int:
        return sum(len(rows) for rows in self._rows)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...

    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        sample = self._index.sample(index + self._first)
        facts = sample.read()
        return Record(
            key=sample.key,
            where=str(sample.facts),
            kind=sample.clip.kind,
            media=sample.media,
            masks=tuple(Rle(facts.masks.height, facts.masks.width, counts) for counts in facts.masks.counts),
            task=facts.task,
            captions=facts.captions,
            form=facts.form,
        )


class JoinedRecords(Sequence[Record]):
    """Several sequences of records, one after the other."""

    def __init__(self, parts: Sequence[Sequence[Record]]) -> None:
        self._parts = list(parts)
        self._ends = list(accumulate(len(part) for part in parts))
        groups: dict[tuple[Kind, Task], list[Sequence[int]]] = {}
        for part, end in zip(self._parts, self._ends, strict=True):
            for group, members in groups_of(part).items():
                groups.setdefault(group, []).append(_Shifted(members, end - len(part)))
        self.groups: Mapping[tuple[Kind, Task], Sequence[int]] = {group: _Chained(parts) for group, parts in groups.items()}

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...

    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        part = bisect_right(self._ends, index)
        return self._parts[part][index - (self._ends[part] - len(self._parts[part]))]


def groups_of(records: Sequence[Record]) -> Mapping[tuple[Kind, Task], Sequence[int]]:
    """The indices of the records of each kind and task, in order."""
    if isinstance(records, BuiltRecords | JoinedRecords):
        return records.groups
    groups: dict[tuple[Kind, Task], list[int]] = {}
    for index, record in enumerate(records):
        groups.setdefault(record.group, []).append(index)
    return groups


def with_frames(groups: Mapping[tuple[Kind, Task], Sequence[int]]) -> Mapping[tuple[Kind, Task], Sequence[int]]:
    """The same groups where every video record is an image record, too."""
    tasks: tuple[Task, ...] = ("draw", "delete")
    images = {("image", task): _Chained([groups.get((kind, task), ()) for kind in ("image", "video")]) for task in tasks}
    return {**groups, **images}  # type: ignore[dict-item]


class _Shifted(Sequence[int]):
    def __init__(self, members: Sequence[int], by: int) -> None:
        self._members, self._by = members, by

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, index: int) -> int:  # type: ignore[override]
        return self._members[index] + self._by


class _Chained(Sequence[int]):
    def __init__(self, parts: Sequence[Sequence[int]]) -> None:
        self._parts, self._ends = parts, list(accumulate(len(part) for part in parts))

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> int:  # type: ignore[override]
        if not 0 <= index < len(self):
            raise IndexError(index)
        part = bisect_right(self._ends, index)
        return self._parts[part][index - (self._ends[part] - len(self._parts[part]))]
