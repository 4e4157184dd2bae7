"""Seconds from the start of loading a full-size engine to the first step of a window, on one GPU.

A script, not a test: it needs the GPU.

python -m scripts.measure_start [--model NAME ...] [--folder DIR] [--tiny]

Writes each engine with random weights to the folder (21 to 81 GB), in the layout that is fetched,
and loads it twice with its usual speed, each time in a process of its own. The second finds the
compiled code of the first, and the weights in the disk's cache. With --tiny the engines are toys,
on a CPU if need be.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import torch

from core.engines.loading import load_video_engine
from core.models import ModelStore
from core.vivid.contract import Sampling
from scripts.full_size_engines import ENGINES
from scripts.full_size_folders import write_engine
from scripts.measure_memory import CAPTION, drawn_window

STEPS = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", choices=ENGINES, help="engine (repeatable; all of them)")
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm/full-size"), help="where the weights lie meanwhile")
    parser.add_argument("--tiny", action="store_true", help="toys")
    parser.add_argument("--only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        start(options.folder)
        return 0
    if not (torch.cuda.is_available() or options.tiny):
        print("there is no CUDA device here; --tiny shows the way on a CPU", file=sys.stderr)
        return 2
    for name in options.model or ENGINES:
        options.folder.mkdir(parents=True)
        try:
            write_engine(name, options.folder, options.tiny)
            for attempt in ("first", "second"):
                print(f"{name}, {attempt} start: ", end="", flush=True)
                words = ["--folder", str(options.folder), "--only"]
                if subprocess.run([sys.executable, "-m", "scripts.measure_start", *words], check=False).returncode:
                    print("failed", flush=True)
        finally:
            shutil.rmtree(options.folder)
    return 0


def start(folder: Path) -> None:
    """Load the engine in a folder and run two steps of a window."""
    device, began = "cuda" if torch.cuda.is_available() else "cpu", time.monotonic()
    model = load_video_engine(str(folder), device, ModelStore())
    loaded = time.monotonic() - began
    with torch.inference_mode():
        encoded = model.encode(*drawn_window(model)[2:])
    steps: list[float] = []

    def step(number: int) -> None:
        if device == "cuda":
            torch.cuda.synchronize()
        steps.append(time.monotonic() - began)

    model.paint(CAPTION, encoded, [0], Sampling(STEPS, model.tasks["propagate"].guidance), step)
    print(
        f"loading {loaded:.2f} s, first step after {steps[0]:.2f} s, the second {steps[1] - steps[0]:.2f} s later; {model.memory}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
