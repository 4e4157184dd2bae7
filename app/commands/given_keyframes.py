"""Keyframes of a command line: edited frames that were handed in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from core.project.video import VideoInfo


@dataclass(frozen=True)
class GivenKeyframe:
    """A picture of an edited frame. A single one may leave out which frame it is."""

    frame: int | None
    path: Path


def parse_keyframes(texts: Sequence[str]) -> tuple[GivenKeyframe, ...]:
    """Read [FRAME:]IMAGE, as often as it was given.

    A file whose own name begins with a number and a colon is written with its folder: ./3:a.png.

    Raises:
        InputError: Several keyframes do not all name their frames, or two name the same.
    """
    found = []
    for text in texts:
        number, colon, rest = text.partition(":")
        named = bool(colon) and number.isascii() and number.isdigit()
        path = rest if named else text
        if not path:
            raise InputError(f"'{text}' names no picture (write --keyframe IMAGE or --keyframe FRAME:IMAGE)")
        if colon and not named and not Path(text).expanduser().exists():
            raise InputError(f"'{text}' can't be used: FRAME has to be a number (write --keyframe IMAGE or --keyframe FRAME:IMAGE)")
        found.append(GivenKeyframe(int(number) if named else None, Path(path).expanduser()))
    if len(found) > 1 and any(keyframe.frame is None for keyframe in found):
        raise InputError("there are several keyframes: say the frame of each, --keyframe FRAME:IMAGE")
    for frame, count in Counter(keyframe.frame for keyframe in found).items():
        if count > 1:
            raise InputError(f"there are two keyframes on frame {frame}: leave one out")
    return tuple(found)


def read_keyframes(given: Sequence[GivenKeyframe], info: VideoInfo, span: tuple[int, int]) -> list[tuple[int | None, np.ndarray]]:
    """Read the pictures of keyframes.

    Args:
        given: The keyframes.
        info: The clip; pictures are brought to its size.
        span: The half-open range of frames that is worked on.

    Returns:
        (frame or None, uint8 (H, W, 3)) of each.

    Raises:
        InputError: A frame is outside the span, or a picture can't be read or has another shape.
    """
    from core.media import read_image
    from core.propagation.result import fit_keyframe

    for keyframe in given:
        if keyframe.frame is not None and not span[0] <= keyframe.frame < span[1]:
            raise InputError(
                f"the keyframe {keyframe.frame} is outside the frames that are worked on: choose one from {span[0]} to {span[1] - 1}"
            )
    return [(keyframe.frame, fit_keyframe(read_image(keyframe.path), info.size)) for keyframe in given]


def keyframe_files(given: Sequence[GivenKeyframe]) -> list[str]:
    """What the accepted keyframes are called in the folder of a result, in the same order."""
    if len(given) < 2:
        return ["keyframe.png"]
    return [f"keyframe-{keyframe.frame:05d}.png" for keyframe in given]
