"""Seconds a frame and memory of edits of different length, for each video engine.

A script, not a test: it takes minutes.

python -m scripts.measure_length [--model NAME ...] [--frames 49,245,1225] [--size 160x96]
    [--caches 8]

Draws a clip in which a disc moves, and its masks, and has `edit` paint the disc with a toy of each
engine: random weights on small pictures, in windows of the engine's own length. Each edit runs in a
process of its own. Prints seconds of processor time a frame, and the most memory of the process. Of
a run that is linear in time and flat in memory both stay as they are from length to length.

The program keeps frames in caches of up to 320 MB (what lies behind the region) and 128 MB (decoded
frames). Small frames would go on filling them to the end of the longest clip, so they are given
less here.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import cv2
import numpy as np

from app.commands.cli import main as launch
from core.background import footage
from core.machine import peak_memory_mb
from core.media import reader, VideoWriter
from core.project.video import VideoInfo
from scripts.full_size_folders import write_engine

WINDOWS = {"wan-vace-1.3b": 81, "cogvideox-fun-inp-5b": 49, "vivid-5b": 49}
"""By engine, the frames of its windows."""
RATE = 16
"""Frames a second of the clip."""
_LOOP = 90
"""Frames in which the disc goes once around."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", choices=WINDOWS, help="engine (repeatable; all of them)")
    parser.add_argument("--frames", default="49,245,1225", help="of the clips, with commas between")
    parser.add_argument("--size", default="160x96", help="of the clips")
    parser.add_argument("--caches", type=int, default=8, help="MB that each cache of frames may take")
    parser.add_argument("--only", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only is not None:
        footage.MEMORY = reader._CACHE_BYTES = options.caches * 2**20
        return _edit(*options.only)
    width, height = map(int, options.size.split("x"))
    for name in options.model or WINDOWS:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made) / "engine"
            folder.mkdir()
            write_engine(name, folder, tiny=True)
            path = folder / "vivid.json"
            facts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            path.write_text(json.dumps(facts | {"window_frames": WINDOWS[name]}), encoding="utf-8")
            for count in map(int, options.frames.split(",")):
                clip = Path(made) / f"{count}.mp4"
                draw(clip, count, (width, height))
                print(f"{name}, windows of {WINDOWS[name]}, {count} frames: ", end="", flush=True)
                command = [
                    sys.executable,
                    "-m",
                    "scripts.measure_length",
                    "--caches",
                    str(options.caches),
                    "--only",
                    str(folder),
                    str(clip),
                ]
                if subprocess.run(command, check=False).returncode:
                    print("failed", flush=True)
    return 0


def draw(path: Path, count: int, size: tuple[int, int]) -> None:
    """Write a clip in which a disc moves, and its masks beside it.

    Args:
        path: Of the clip.
        count: Frames.
        size: (width, height) in pixels.
    """
    width, height = size
    ground = np.random.default_rng(0).integers(60, 200, (height // 16, width // 16, 3), dtype=np.uint8)
    ground = np.asarray(cv2.resize(ground, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    info = VideoInfo(width, height, Fraction(RATE), count)
    with VideoWriter(path, info) as clip, VideoWriter(masks_of(path), info) as masks:
        for index in range(count):
            angle = 2 * math.pi * index / _LOOP
            middle = (round(width * (0.5 + 0.2 * math.cos(angle))), round(height * (0.5 + 0.2 * math.sin(angle))))
            for writer, picture, colour in ((clip, ground.copy(), (220, 60, 40)), (masks, np.zeros_like(ground), (255, 255, 255))):
                cv2.circle(picture, middle, height // 6, colour, -1)
                writer.write(picture)


def masks_of(clip: Path) -> Path:
    """The file with a clip's masks."""
    return clip.with_suffix(".masks.mp4")


def _edit(engine: Path, clip: Path) -> int:
    """One edit, in this process."""
    out = clip.with_suffix("")
    words = ["edit", clip, "--masks", masks_of(clip), "--task", "modify", "--caption", "a red ball", "--model", engine]
    words += ["--steps", "2", "--out", out, "--workspace", out / "workspace", "--device", "cpu"]
    began = time.process_time()
    failed = launch([str(word) for word in words])
    seconds = time.process_time() - began
    if not failed:
        report = json.loads((out / "report.json").read_text(encoding="utf-8"))
        count = int(clip.stem)
        outside = report["max_difference_outside"]
        print(f"{seconds / count:.3f} s a frame, {peak_memory_mb():.0f} MB, difference outside {outside}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
