"""What a person says about an object on a frame: points, a box, a mask, words.

These are the document's union of types: msgspec's structs carry the name of their type into JSON.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from core.errors import InputError
from core.geometry import FrameRange


class PointPrompt(Struct, frozen=True, tag="point"):
    """A click at (x, y) source pixels on `frame`; positive means "this belongs to the object"."""

    frame: int
    object_id: int
    x: float
    y: float
    positive: bool = True


class BoxPrompt(Struct, frozen=True, tag="box"):
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


def check_beside(file: str) -> None:
    """Raise InputError for a mask's file that lies anywhere but below the folder that it is read
    from.
    """
    path = PurePosixPath(file)
    if not path.parts or path.is_absolute() or ".." in path.parts or set(file) & set("\\:\0"):
        raise InputError(f"a mask can't lie at '{file:.80}': it has to be a file beside the project")


class MaskPrompt(Struct, frozen=True, tag="mask"):
    """A mask for `frame`, stored as a PNG beside the project."""

    frame: int
    object_id: int
    file: str

    def __post_init__(self) -> None:
        check_beside(self.file)


class TextPrompt(Struct, frozen=True, tag="text"):
    """Words for an object on `frame`; a detector turns them into a box."""

    frame: int
    object_id: int
    text: str


Prompt = PointPrompt | BoxPrompt | MaskPrompt | TextPrompt


def marks_object(prompt: Prompt) -> bool:
    """Whether a prompt says that the object is on its frame. A painted mask may be empty."""
    return isinstance(prompt, BoxPrompt | TextPrompt) or (isinstance(prompt, PointPrompt) and prompt.positive)


def prompt_for(prompt: Prompt, object_id: int) -> Prompt:
    """The same prompt for another object."""
    return replace(prompt, object_id=object_id)


def scaled_prompt(prompt: Prompt, across: float, down: float) -> Prompt:
    """The prompt for a video of another size.

    Args:
        prompt: A prompt; the file of a mask stays what it is.
        across: The other video's width over this one's.
        down: The other video's height over this one's.

    Returns:
        A prompt of the same kind.
    """
    if isinstance(prompt, PointPrompt):
        return replace(prompt, x=prompt.x * across, y=prompt.y * down)
    if isinstance(prompt, BoxPrompt):
        return replace(prompt, x0=prompt.x0 * across, y0=prompt.y0 * down, x1=prompt.x1 * across, y1=prompt.y1 * down)
    return prompt


def check_prompt(prompt: Prompt, width: int, height: int, frames: int) -> None:
    """Check that a prompt lies on the clip.

    Args:
        prompt: Any prompt.
        width: The clip's width in pixels.
        height: The clip's height in pixels.
        frames: How many frames the clip has.

    Raises:
        InputError: It lies outside the frame or the clip.
    """
    FrameRange(0, frames).check_frame(prompt.frame)
    if isinstance(prompt, PointPrompt) and not (0 <= prompt.x < width and 0 <= prompt.y < height):
        raise InputError(f"the point {prompt.x:g},{prompt.y:g} is outside the frame: X must be below {width}, Y below {height}")
    if isinstance(prompt, BoxPrompt) and not (prompt.x0 >= 0 and prompt.y0 >= 0 and prompt.x1 <= width and prompt.y1 <= height):
        raise InputError(
            f"the box {prompt.x0:g},{prompt.y0:g},{prompt.x1:g},{prompt.y1:g} reaches outside the frame: "
            f"keep it within 0,0,{width},{height}"
        )
