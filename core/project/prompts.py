"""What a person says about an object on a frame: points, a box, a mask, words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.errors import InputError
from core.geometry import FrameRange


@dataclass(frozen=True)
class PointPrompt:
    """A click at (x, y) source pixels on `frame`; positive means "this belongs to the object"."""

    frame: int
    object_id: int
    x: float
    y: float
    positive: bool = True


@dataclass(frozen=True)
class BoxPrompt:
    """A box around the object on `frame`, source pixels, x0 < x1 and y0 < y1."""

    frame: int
    object_id: int
    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not (self.x0 < self.x1 and self.y0 < self.y1):
            raise InputError(
                f"the box {self.x0:g},{self.y0:g},{self.x1:g},{self.y1:g} is empty (give X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1)"
            )


@dataclass(frozen=True)
class MaskPrompt:
    """A mask for `frame`, stored as a PNG beside the project."""

    frame: int
    object_id: int
    file: str


@dataclass(frozen=True)
class TextPrompt:
    """Words for an object on `frame`; a detector turns them into a box."""

    frame: int
    object_id: int
    text: str


Prompt = PointPrompt | BoxPrompt | MaskPrompt | TextPrompt


def scaled_prompt(prompt: Prompt, across: float, down: float) -> Prompt:
    """The prompt for a video `across` times as wide and `down` times as high. A mask's own file stays what it is."""
    if isinstance(prompt, PointPrompt):
        return replace(prompt, x=prompt.x * across, y=prompt.y * down)
    if isinstance(prompt, BoxPrompt):
        return replace(prompt, x0=prompt.x0 * across, y0=prompt.y0 * down, x1=prompt.x1 * across, y1=prompt.y1 * down)
    return prompt


def check_prompt(prompt: Prompt, width: int, height: int, frames: int) -> None:
    """Raise InputError when the prompt does not lie on the clip (width x height pixels, `frames` frames)."""
    FrameRange(0, frames).check_frame(prompt.frame)
    if isinstance(prompt, PointPrompt) and not (0 <= prompt.x < width and 0 <= prompt.y < height):
        raise InputError(f"the point {prompt.x:g},{prompt.y:g} is outside the frame: X has to be below {width}, Y below {height}")
    if isinstance(prompt, BoxPrompt) and not (prompt.x0 >= 0 and prompt.y0 >= 0 and prompt.x1 <= width and prompt.y1 <= height):
        raise InputError(
            f"the box {prompt.x0:g},{prompt.y0:g},{prompt.x1:g},{prompt.y1:g} reaches outside the frame: "
            f"keep it within 0,0,{width},{height}"
        )
