"""Windows as checkpoints: a name for each window of a plan that says everything its pixels depend
on.

A window depends on its source frames, on the region of each and how soft its edge is, on what is
asked of the model, and on the picture it goes on from: the accepted keyframe, or the last frame of
the window before. The last is said by that window's own name, so a change reaches exactly the
windows behind it, and no name has to wait for a window to be made.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np

from core.background.plates import REACH
from core.masks import Feather
from core.propagation.amodal import is_cut, READS
from core.propagation.result import Frame, Region
from core.propagation.windows import Window

SOURCES = (
    "assets.py",
    "background",
    "carrying",
    "inserts",
    "compat.py",
    "engines",
    "errors.py",
    "file_facts.py",
    "files.py",
    "geometry.py",
    "machine.py",
    "numbering.py",
    "pictures.py",
    "progress.py",
    "words.py",
    "masks",
    "media",
    "models",
    "project",
    "propagation",
    "render",
    "vivid",
)
"""Files and packages of `core` that propagation imports, by whatever way."""
LIBRARIES = ("av", "diffusers", "numpy", "peft", "pillow", "pypatchmatch", "torch", "transformers")
"""Installed packages whose version counts. Of OpenCV, which comes under several names, the module
tells.
"""


def window_keys(
    windows: Sequence[Window],
    region: Region,
    feather: Feather,
    keyframe_index: int,
    keyframe: Frame,
    facts: Mapping[str, object],
    kept: Mapping[int, Frame] | None = None,
    things: Region | None = None,
) -> list[str]:
    """One name (32 hexadecimal digits) for each window of a chain that starts at the keyframe,
    uint8 (H, W, 3), and runs one way.

    `facts` is what all of them have in common, as JSON takes it: clip, base, model, task, caption,
    seed, sampling, working size.

    Args:
        windows: Windows that go on from one another.
        region: What may change.
        feather: How soft its edge is.
        keyframe_index: The frame that they start from.
        keyframe: Its picture, uint8 (H, W, 3).
        facts: What all of them have in common, as JSON takes it.
        kept: Other keyframes by their frames, which are shown to the model where a window has them.
        things: The masks of what is edited itself, where they count beside the region.

    Returns:
        As many names.
    """
    own = _codes(region, keyframe_index, keyframe_index, READS if is_cut(region, keyframe_index) else 0)
    if things is not None:
        own += [b"things", *_codes(things, keyframe_index, keyframe_index, 0)]
    common = _digest(_program(), json.dumps(facts, sort_keys=True), str(keyframe_index), keyframe.shape, keyframe, *own)
    keys: list[str] = []
    for number, window in enumerate(windows):
        # Over a gap without a region, too, the last edited frame is what is carried on.
        before = keys[-1] if number and window.conditioning_frame != keyframe_index else "keyframe"
        reach = 0 if facts.get("task") == "add" else REACH  # what lies behind the region is found in frames around the window
        # How far what the border cuts off goes on beyond it is found in frames where it is whole.
        if any(is_cut(region, frame) for frame in window.frames):
            reach = max(reach, READS)
        masks = _codes(region, min(window.frames), max(window.frames), reach)
        if things is not None:
            masks += _codes(things, min(window.frames), max(window.frames), 0)
        edges = [feather.code(frame) for frame in window.edited if not region.is_empty(frame)]
        others = [f"{frame} {picture_key(picture)}" for frame, picture in sorted((kept or {}).items()) if frame in window.edited]
        frames = str(window.frames) if not window.seen else f"{window.frames} {window.seen}"
        keys.append(_digest(common, before, window.direction, frames, *masks, *edges, *others)[:32])
    return keys


def picture_key(picture: Frame) -> str:
    """A name (32 hexadecimal digits) of what a picture (H, W, 3) shows."""
    return _digest(picture.shape, picture)[:32]


def _codes(region: Region, first: int, last: int, reach: int) -> list[bytes]:
    """The masks of the frames first to last and of `reach` on either side, where there are any."""
    return [region.code(frame) for frame in range(max(first - reach, region.frames.start), min(last + reach + 1, region.frames.stop))]


def program_files() -> list[Path]:
    """The source files that a window's pixels may depend on: those named in SOURCES, with all
    folders below them.
    """
    core = Path(__file__).resolve().parents[1]
    return sorted(file for name in SOURCES for file in ([core / name] if name.endswith(".py") else (core / name).rglob("*.py")))


@functools.cache
def _program() -> str:
    """The program's own part in the pixels: its source and the libraries under it. Another version
    makes its own windows.
    """
    core = Path(__file__).resolve().parents[1]
    files = [part for path in program_files() for part in (path.relative_to(core).as_posix(), path.read_bytes())]
    return _digest(*files, f"opencv {cv2.__version__}", *(f"{name} {version(name)}" for name in LIBRARIES))


def _digest(*parts: object) -> str:
    whole = hashlib.sha256()
    for part in parts:
        data = (
            part
            if isinstance(part, bytes)
            else np.ascontiguousarray(part).tobytes()
            if isinstance(part, np.ndarray)
            else str(part).encode()
        )
        whole.update(len(data).to_bytes(8, "little"))
        whole.update(data)
    return whole.hexdigest()
