"""Panda-70M, the source of the paper's videos: its list as CSV, and clips as its downloader names
them.

A row is a video: `url`, and lists with an entry for each of its clips: `timestamp`, `caption`,
`matching_score`, `desirable_filtering`, `shot_boundary_detection`. The downloader writes clip 2 of
row 41 to `00000/0000041_00002.mp4`, with .txt (the caption) and .json beside it. Captions are of
the whole picture, and shots are found again here, so of the list only the address, the score and
the word on desirability are used.
"""

from __future__ import annotations

import ast
import csv
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from core.curation.records import SourceItem
from core.errors import InputError
from core.words import counted

DESIRABLE = "desirable"
"""What the list says of clips that its authors would take."""
_NAME = re.compile(r"(\d{7})_(\d{5})")


def numbers_of(path: Path) -> tuple[int, int] | None:
    """Row and clip by a file's name; None where it is not one of the downloader's."""
    found = _NAME.fullmatch(path.stem)
    return None if found is None else (int(found[1]), int(found[2]))


def described(items: Sequence[SourceItem], lists: Sequence[Path], say: Callable[[str], None]) -> list[SourceItem]:
    """Add what lists of Panda-70M say to the clips that they list.

    Args:
        items: Videos; those that the downloader did not name stay as they are.
        lists: CSV files; where two have a row of a number, the first one counts.
        say: Is told what was not there, and what was not understood.

    Returns:
        The videos, in their order.

    Raises:
        InputError: A list can't be read, or is none of Panda-70M's.
    """
    wanted: defaultdict[int, dict[int, list[int]]] = defaultdict(dict)
    for place, item in enumerate(items):
        numbers = numbers_of(Path(item.path)) if item.path else None
        if numbers is not None:
            wanted[numbers[0]].setdefault(numbers[1], []).append(place)
    done = list(items)
    listed, odd = 0, 0
    for path in lists:
        for number, row in _rows(path):
            values = {name: _values(row, name) for name in ("timestamp", "matching_score", "desirable_filtering")}
            listed += len(values["timestamp"])
            for clip, places in wanted.pop(number, {}).items():
                told = _told(values, clip)
                odd += told is None
                for place in places:
                    done[place] = replace(done[place], source=row["url"] or done[place].source, **(told or {}))
    missing = sum(len(places) for clips in wanted.values() for places in clips.values())
    there = sum(item.path != "" and numbers_of(Path(item.path)) is not None for item in items)
    say(f"Panda-70M: {counted(listed, 'clip')} listed, {there} of them here")
    if missing:
        say(f"Panda-70M: {counted(missing, 'clip')} in the folders that no list has; they count as desirable")
    if odd:
        say(f"Panda-70M: {counted(odd, 'clip')} of which the list says too little or something else than expected; they count as desirable")
    return done


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    csv.field_size_limit(sys.maxsize)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            lacking = {"url", "timestamp"} - set(rows.fieldnames or ())
            if lacking:
                raise InputError(f"{path} is not a list of Panda-70M: it has no column {' and '.join(sorted(lacking))}")
            for number, row in enumerate(rows):
                yield number, {name: value or "" for name, value in row.items() if isinstance(name, str) and not isinstance(value, list)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} can't be read as CSV: {error}") from None


def _values(row: Mapping[str, str], name: str) -> list[Any]:
    """A list in a cell; empty where it is none."""
    try:
        found = ast.literal_eval(row.get(name, ""))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    return list(found) if isinstance(found, list | tuple) else []


def _told(values: Mapping[str, Sequence[Any]], clip: int) -> dict[str, Any] | None:
    """What is said of a clip; None where that is not as expected."""
    scores, words = values["matching_score"], values["desirable_filtering"]
    if clip >= len(scores) or clip >= len(words):
        return None
    score, word = scores[clip], words[clip]
    if not isinstance(score, int | float) or not isinstance(word, str):
        return None
    return {"matching": round(float(score), 6), "desirable": word.strip() or DESIRABLE}
