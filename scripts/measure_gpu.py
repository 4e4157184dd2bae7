"""Everything of docs/performance.md that is still to be measured on a GPU, in order of value.

A script, not a test: it needs the GPU.

python -m scripts.measure_gpu OUT.jsonl [--seconds 1500] [--row NAME ...] [--list] [--tiny]

Runs one measurement after the other, each in a process of its own, and writes a line of JSON to
OUT.jsonl as each one ends: its name, command, commit, GPU, seconds, exit status and what it said. A
row is left out when it would not fit into the seconds that are left, or when the file has it
with exit status 0: so the same command goes on where it was stopped. With --tiny the measurements
are toys, on a CPU if need be.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Row:
    """A measurement.

    Attributes:
        name: What it is called.
        seconds: What it is expected to take at most; it is stopped after half as much again.
        words: Of the command, after `python -m`.
        tiny: What is said instead of, or besides, `words` for a toy.
    """

    name: str
    seconds: int
    words: tuple[str, ...]
    tiny: tuple[str, ...] = ("--tiny",)

    def command(self, toy: bool) -> list[str]:
        return [sys.executable, "-m", *self.words, *(self.tiny if toy else ())]


def _memory(model: str) -> tuple[str, ...]:
    return ("scripts.measure_memory", "--model", model)


def _keyframe(model: str, *words: str) -> tuple[str, ...]:
    return ("scripts.measure_keyframe_model", "--model", model, *words)


_PAINTER_TOY = ("--tiny", "--device", "cpu", "--tries", "1", "--steps", "2")
ROWS = (
    Row("memory, cogvideox-fun-inp-5b", 300, _memory("cogvideox-fun-inp-5b")),
    Row("memory, wan-vace-14b on 16 GB", 180, (*_memory("wan-vace-14b"), "--cards", "16")),
    Row(
        "exact, wan-vace-1.3b",
        180,
        ("app.commands.cli", "bench", "--random-weights", "--model", "wan-vace-1.3b", "--speed", "exact", "--device", "cuda"),
        ("--device", "cpu", "--model", "vace-toy", "--steps", "2"),
    ),
    Row("keyframe, flux2-klein-4b", 150, _keyframe("flux2-klein-4b", "--tries", "3"), _PAINTER_TOY),
    Row("keyframe, sdxl-inpaint", 120, _keyframe("sdxl-inpaint", "--tries", "1"), _PAINTER_TOY),
    Row("keyframe, qwen-image-inpaint", 420, _keyframe("qwen-image-inpaint", "--tries", "1", "--steps", "4"), _PAINTER_TOY),
)
"""The most wanted first: 23 minutes of one GPU if each takes what is expected at most."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="file of JSON lines that rows are added to")
    parser.add_argument("--seconds", type=float, default=1500, help="for all rows together")
    parser.add_argument("--row", action="append", choices=[row.name for row in ROWS], help="only this one (repeatable)")
    parser.add_argument("--list", action="store_true", help="say what would be run, and stop")
    parser.add_argument("--tiny", action="store_true", help="toys")
    options = parser.parse_args()
    if not (torch.cuda.is_available() or options.tiny or options.list):
        print("there is no CUDA device here; --tiny shows the way on a CPU", file=sys.stderr)
        return 2
    done = finished(options.out)
    wanted = [row for row in ROWS if row.name not in done and (options.row is None or row.name in options.row)]
    ends = time.monotonic() + options.seconds
    for row in wanted:
        left = ends - time.monotonic()
        if options.list:
            print(f"{row.name}: {' '.join(row.command(options.tiny)[1:])} (up to {row.seconds} s)")
        elif row.seconds > left:
            print(f"{row.name}: left out, {left:.0f} s are left and it may take {row.seconds}", flush=True)
        else:
            measured = run(row, options.tiny, min(1.5 * row.seconds, left))
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(measured) + "\n")
    return 0


def finished(out: Path) -> set[str]:
    """The names of the rows that a file has."""
    lines = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
    return {row["row"] for row in map(json.loads, lines) if row["status"] == 0}


def run(row: Row, toy: bool, limit: float) -> dict[str, Any]:
    """Run a measurement, and show what it prints.

    Args:
        row: The measurement.
        toy: Whether it is to be a toy.
        limit: Seconds after which it is stopped.

    Returns:
        What is kept of it; `status` is None where it was stopped.
    """
    command, began = row.command(toy), time.monotonic()
    print(f"== {row.name}: {' '.join(command[1:])}", flush=True)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            status: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with the processes that it has started
            process.wait()
            status = None
        said.seek(0)
        lines = [line.rstrip().rpartition("\r")[2] for line in said]
    print("\n".join(lines), flush=True)
    return {
        "row": row.name,
        "command": " ".join(command[1:]),
        "commit": _commit(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "seconds": round(time.monotonic() - began, 1),
        "status": status,
        "lines": lines,
    }


def _commit() -> str:
    words = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
