"""What a suite found: figures with their goals, tables of the single clips, and pictures to look
at."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.words import duration

Frames = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]


@dataclass(frozen=True)
class Goal:
    """What a figure should reach: `at least` or `at most` a limit."""

    direction: Literal["at least", "at most"]
    limit: float

    def met(self, value: float) -> bool:
        """Whether `value` reaches the goal; NaN never does."""
        return value >= self.limit if self.direction == "at least" else value <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.direction == 'at least' else '<='} {self.limit:g}"


def at_least(limit: float) -> Goal:
    """More is better."""
    return Goal("at least", limit)


def at_most(limit: float) -> Goal:
    """Less is better."""
    return Goal("at most", limit)


@dataclass(frozen=True)
class Figure:
    """One number.

    `key` names it for programs, `label` for people; `note` says what a reader needs beside it, such
    as a reference.
    """

    key: str
    label: str
    value: float
    unit: str = ""
    goal: Goal | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without a goal."""
        return None if self.goal is None else self.goal.met(self.value)

    @property
    def text(self) -> str:
        """The value as it is read: with as many digits as say something."""
        if math.isnan(self.value):
            return "none"
        if self.unit == "%":
            return f"{self.value:.1f} %"
        digits = 3 if self.unit == "" else 2 if abs(self.value) < 100 else 0
        return f"{self.value:.{digits}f}{' ' + self.unit if self.unit else ''}"


@dataclass(frozen=True)
class Table:
    """The single clips: a row each. Numbers are shown with two digits. A `main` table is what the
    suite is about: it is shown at once, and printed."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]
    main: bool = False


@dataclass(frozen=True)
class Exhibit:
    """Clips to look at side by side: each panel has a label and frames uint8 (T, H, W, 3), all of
    one length and size."""

    title: str
    panels: tuple[tuple[str, Frames], ...]
    rate: int = 12


@dataclass(frozen=True)
class Tile:
    """A still picture, uint8 (H, W, 3), what was asked for, what it was taken for, and whether that
    is right (None: not checked)."""

    picture: NDArray[np.uint8]
    asked: str
    named: str = ""
    right: bool | None = None


@dataclass(frozen=True)
class Gallery:
    """Still pictures in a grid."""

    title: str
    tiles: tuple[Tile, ...]


@dataclass
class SuiteResult:
    """All that one suite found."""

    name: str
    title: str
    about: str
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    exhibits: list[Exhibit] = field(default_factory=list)
    galleries: list[Gallery] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, key: str, label: str, value: float, unit: str = "", goal: Goal | None = None, note: str = "") -> None:
        """Add a figure.

        Args:
            key: Its name, which the suite's is put before.
            label: Its name for people.
            value: The number.
            unit: Such as dB, or %.
            goal: What it should reach.
            note: What a reader needs beside it.
        """
        self.figures.append(Figure(f"{self.name}.{key}", label, float(value), unit, goal, note))

    def value(self, key: str) -> float:
        """The value of a figure of this suite; KeyError when there is none of that key."""
        for figure in self.figures:
            if figure.key == f"{self.name}.{key}":
                return figure.value
        raise KeyError(key)

    def as_json(self) -> dict[str, Any]:
        """Everything but the pictures; numbers that are none become null."""
        return {
            "suite": self.name,
            "seconds": round(self.seconds, 1),
            "figures": [
                {
                    "key": figure.key,
                    "label": figure.label,
                    "value": _number(figure.value),
                    "unit": figure.unit,
                    "goal": None if figure.goal is None else asdict(figure.goal),
                    "met": figure.met,
                    "note": figure.note,
                }
                for figure in self.figures
            ],
            "tables": [
                {
                    "title": table.title,
                    "columns": list(table.columns),
                    "rows": [[_number(cell) if isinstance(cell, float) else cell for cell in row] for row in table.rows],
                }
                for table in self.tables
            ],
            "notes": self.notes,
        }


def mean(values: Iterable[float]) -> float:
    """The mean of the values that are numbers; NaN when there is none."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def share(right: Iterable[bool]) -> float:
    """How many of the answers are right, in per cent; NaN when there is none."""
    answers = list(right)
    return 100 * sum(answers) / len(answers) if answers else math.nan


def as_text(results: Iterable[SuiteResult]) -> str:
    """An aligned table for the screen: figure, value, goal, and whether it is met."""
    lines: list[str] = []
    for result in results:
        if lines:
            lines.append("")
        lines.append(f"{result.title} ({duration(result.seconds)})")
        label_width = max((len(figure.label) for figure in result.figures), default=0)
        for figure in result.figures:
            verdict = "" if figure.met is None else "pass" if figure.met else "MISS"
            goal = "" if figure.goal is None else str(figure.goal)
            line = f"  {figure.label:<{label_width}}  {figure.text:>12}  {goal:<9}{verdict:<5} {figure.note}"
            lines.append(line.rstrip())
        for table in result.tables:
            if table.main:
                lines += _printed(table)
        lines += [f"  note: {note}" for note in result.notes]
    return "\n".join(lines)


def _printed(table: Table) -> list[str]:
    """A table for the screen: its title, then aligned columns, words to the left."""
    words = sum(isinstance(cell, str) for cell in table.rows[0]) if table.rows else 0
    cells = [list(table.columns), *([cell if isinstance(cell, str) else shown_number(cell) for cell in row] for row in table.rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(table.columns))]
    lines = [
        "  ".join(
            f"{cell:<{width}}" if place < words else f"{cell:>{width}}" for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return [f"  {table.title}", *(f"    {line.rstrip()}" for line in lines)]


def shown_number(value: float) -> str:
    """A number of a table as it is read; nothing for none."""
    return "" if math.isnan(value) else f"{value:.2f}"


def _number(value: float) -> float | None:
    return round(value, 5) if math.isfinite(value) else None
