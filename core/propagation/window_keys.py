"""Windows as checkpoints: a name for each window of a plan that says everything its pixels depend on.

A window depends on its source frames, on the region of each and how soft its edge is, on what is asked of the model, and on the picture
it goes on from: the accepted keyframe, or the last frame of the window before. The last is said by that window's own name, so a change
reaches exactly the windows behind it, and no name has to wait for a window to be made.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.masks import Feather
from core.propagation.amodal import is_cut, READS
from core.propagation.result import Frame, Region
from core.propagation.windows import Window
from core.render.background import REACH


def window_keys(
    windows: Sequence[Window], region: Region, feather: Feather, keyframe_index: int, keyframe: Frame, facts: Mapping[str, object]
) -> list[str]:
    """One name (32 hexadecimal digits) for each window of a chain that starts at the keyframe, uint8 (H, W, 3), and runs one way.

    `facts` is what all of them have in common, as JSON takes it: clip, base, model, task, caption, seed, sampling, working size.
    """
    own = _codes(region, keyframe_index, keyframe_index, READS if is_cut(region, keyframe_index) else 0)
    common = _digest(_code(), json.dumps(facts, sort_keys=True), str(keyframe_index), keyframe.shape, keyframe, *own)
    keys: list[str] = []
    for number, window in enumerate(windows):
        # Over a gap without a region, too, the last edited frame is what is carried on.
        before = keys[-1] if number and window.bridge != keyframe_index else "keyframe"
        reach = 0 if facts.get("task") == "add" else REACH  # what lies behind the region is found in frames around the window
        # How far what the border cuts off goes on beyond it is found in frames where it is whole.
        if any(is_cut(region, frame) for frame in window.frames):
            reach = max(reach, READS)
        masks = _codes(region, min(window.frames), max(window.frames), reach)
        edges = [feather.code(frame) for frame in window.edited if not region.is_empty(frame)]
        keys.append(_digest(common, before, window.direction, str(window.frames), *masks, *edges)[:32])
    return keys


def _codes(region: Region, first: int, last: int, reach: int) -> list[bytes]:
    """The masks of the frames first to last and of `reach` on either side, as far as there are any."""
    return [region.code(frame) for frame in range(max(first - reach, region.frames.start), min(last + reach + 1, region.frames.stop))]


@functools.cache
def _code() -> str:
    """The program's own part in the pixels: its source. Windows of another version of the program are not mixed with those of this one."""
    here = Path(__file__).resolve().parent
    files = sorted([*here.glob("*.py"), *(here.parent / "render").glob("*.py"), *(here.parent / "masks").glob("*.py")])
    return _digest(*(path.read_bytes() for path in files))


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
