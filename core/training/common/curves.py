"""The course of a run: a CSV table, a TensorBoard event file and a picture of the loss."""

from __future__ import annotations

import contextlib
import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TYPE_CHECKING

from PIL import Image, ImageDraw

from core.errors import StorageError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_WIDTH, _HEIGHT = 900, 480
_LEFT, _TOP, _RIGHT, _BOTTOM = 70, 40, 20, 40
_COLOURS = ((33, 102, 172), (217, 95, 2), (27, 120, 55), (117, 112, 179))


class Curves:
    """Rows of numbers by step, in `folder`: curve-RECIPE.csv, curve-RECIPE.png and
    events.out.tfevents.*.

    `first_step`: rows of this step and later, left by a run that is now being repeated, are
    dropped.
    """

    def __init__(self, folder: Path, recipe: str, first_step: int = 0) -> None:
        self.recipe = recipe
        self.csv, self.png = folder / f"curve-{recipe}.csv", folder / f"curve-{recipe}.png"
        self.rows: list[dict[str, str]] = []
        with _storage(folder):
            folder.mkdir(parents=True, exist_ok=True)
            kept = self._lines_before(first_step) if first_step and self.csv.exists() else []
            self.csv.unlink(missing_ok=True)
            if kept:
                self.csv.write_text("".join(kept), encoding="utf-8", newline="")
                self.rows = list(csv.DictReader(kept))
            self._events = _event_writer(folder, first_step)

    def add(self, row: dict[str, Any]) -> None:
        """Write a row; it has `step` and `kind`, and the same columns every time."""
        text = {name: f"{value:.6g}" if isinstance(value, float) else str(value) for name, value in row.items()}
        with _storage(self.csv):
            self._append(text)
            self._add_events(row)
        self.rows.append(text)
        print(" ".join(f"{name}={value}" for name, value in text.items()), flush=True)

    def draw(self) -> None:
        """Draw the picture anew."""
        if self.rows:
            with _storage(self.png):
                draw_curve(self.rows, self.png)

    def _lines_before(self, step: int) -> list[str]:
        """The heading and the rows of earlier steps; what a killed process left half written is
        none."""
        with self.csv.open(newline="", encoding="utf-8") as file:
            heading, *rows = file.readlines() or [""]
        first = [row.partition(",")[0] for row in rows]
        return [heading, *(row for row, number in zip(rows, first, strict=True) if number.isdecimal() and int(number) < step)]

    def _add_events(self, row: dict[str, Any]) -> None:
        if self._events is None:
            return
        for name, value in row.items():
            if isinstance(value, float):
                self._events.add_scalar(f"{self.recipe}/{row['kind']}/{name}", value, row["step"])
        self._events.flush()

    def _append(self, row: dict[str, str]) -> None:
        new = not self.csv.exists()
        before = list(self.rows[0]) if self.rows else []  # earlier versions wrote the columns in another order
        with self.csv.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=before if set(before) == set(row) else list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)


def _event_writer(folder: Path, first_step: int) -> SummaryWriter | None:
    """TensorBoard's writer, which also hides what an earlier run wrote of `first_step` and later;
    None where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        print("TensorBoard is not installed: the curve is written as a table and a picture only", flush=True)
        return None
    return SummaryWriter(folder, purge_step=first_step or None, filename_suffix=".vivid")


def draw_curve(rows: list[dict[str, str]], path: Path, column: str = "loss") -> None:
    """Draw one line for each kind of step; pale dots are the rows, the line is their running mean.

    Args:
        rows: Of the curve, with `step`, `kind` and the column.
        path: The picture to write.
        column: What is drawn, on a linear scale.
    """
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    points = {kind: [(int(row["step"]), float(row[column])) for row in rows if row["kind"] == kind] for kind in kinds}
    points = {kind: [(step, value) for step, value in series if math.isfinite(value)] for kind, series in points.items()}
    kinds = [kind for kind in kinds if points[kind]]
    if not kinds:
        return
    last = max(int(row["step"]) for row in rows)
    ordered = sorted(value for series in points.values() for _, value in series)
    high = ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)] * 1.1  # a single spike shall not flatten the rest
    low = min(0.0, ordered[0])
    high = high if high > low else low + 1

    def place(step: float, value: float) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * step / max(last, 1)
        y = _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * (min(max(value, low), high) - low) / (high - low)
        return x, y

    for part in range(6):
        value, step = low + (high - low) * part / 5, last * part / 5
        draw.line([place(0, value), place(last, value)], fill=(225, 225, 225))
        draw.text((6, place(0, value)[1] - 6), f"{value:.4g}", fill="black")
        draw.text((place(step, low)[0] - 10, _HEIGHT - _BOTTOM + 8), f"{step:.0f}", fill="black")
    for number, kind in enumerate(kinds):
        colour = _COLOURS[number % len(_COLOURS)]
        pale = tuple((value + 2 * 255) // 3 for value in colour)
        line: list[tuple[float, float]] = []
        mean = points[kind][0][1]
        for step, value in points[kind]:
            mean += (value - mean) / min(len(line) + 1, 20)
            x, y = place(step, value)
            draw.ellipse([x - 1.5, y - 1.5, x + 1.5, y + 1.5], fill=pale)
            line.append(place(step, mean))
        if len(line) > 1:
            draw.line(line, fill=colour, width=2)
        draw.text((_LEFT + 110 * number, 14), f"{kind} {column} {mean:.4g}", fill=colour)
    picture.save(path)


@contextlib.contextmanager
def _storage(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"the curve can't be written to {path}: {error.strerror or error}") from error
