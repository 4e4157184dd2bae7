"""The prompts of a command line: which object, on which frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.errors import InputError
from core.project.prompts import BoxPrompt, check_prompt, PointPrompt, Prompt
from core.project.video import VideoInfo

if TYPE_CHECKING:
    from app.engine import Engine
    from core.media import ClipReader

OBJECT = 1
"""The id of the one object that a command line is about."""


@dataclass(frozen=True)
class PromptArguments:
    """Clicks (frame, x, y, positive), boxes (frame, x0, y0, x1, y1) and words, in source pixels.

    A frame of None means `frame`, and so do the words; without that it is the first of the range.
    With `through_cuts` the object is tracked across scene cuts as if there were none.
    """

    points: tuple[tuple[int | None, float, float, bool], ...] = ()
    boxes: tuple[tuple[int | None, float, float, float, float], ...] = ()
    frame: int | None = None
    text: str | None = None
    through_cuts: bool = False

    @classmethod
    def parse(
        cls,
        points: list[str],
        not_points: list[str],
        boxes: list[str],
        frame: int | None,
        text: str | None = None,
        through_cuts: bool = False,
    ) -> PromptArguments:
        """Read the prompts of a command line.

        Args:
            points: [FRAME:]X,Y of pixels that belong to the object.
            not_points: [FRAME:]X,Y of pixels that do not.
            boxes: [FRAME:]X0,Y0,X1,Y1.
            frame: The frame of prompts that name none.
            text: What to look for.
            through_cuts: Track across scene cuts.

        Returns:
            The prompts, not yet checked against a clip.

        Raises:
            InputError: A prompt can't be read, or there is a box on the frame of the text.
        """
        clicks = tuple(
            (*_numbers(one, 2, "point", "X,Y or FRAME:X,Y"), positive)
            for given, positive in ((points, True), (not_points, False))
            for one in given
        )
        corners = tuple(_numbers(one, 4, "box", "X0,Y0,X1,Y1 or FRAME:X0,Y0,X1,Y1") for one in boxes)
        arguments = cls(clicks, corners, frame, text, through_cuts)  # type: ignore[arg-type]
        if text is not None and (not text.strip() or arguments._boxed(frame)):
            raise InputError("give --text some words, and no --box on the same frame")
        return arguments

    def __bool__(self) -> bool:
        return bool(self.points) or bool(self.boxes) or self.text is not None

    def check_frames(self, span: tuple[int, int]) -> None:
        """Raise InputError for a frame outside the half-open span."""
        for frame in (self.frame, *(one[0] for one in (*self.points, *self.boxes))):
            if frame is not None and not span[0] <= frame < span[1]:
                raise InputError(f"frame {frame} is outside the frames that are worked on: choose one from {span[0]} to {span[1] - 1}")

    def on(self, info: VideoInfo, span: tuple[int, int]) -> list[Prompt]:
        """The prompts as the document knows them; InputError when they are not on the clip, or
        there are none.
        """
        if not self:
            raise InputError("say which object: --box X0,Y0,X1,Y1, --point X,Y or --text WORDS")
        if not self.boxes and self.text is None and not any(positive for *_, positive in self.points):
            raise InputError("--not-point alone selects nothing: add a --point or a --box")
        self.check_frames(span)
        usual = self.usual_frame(span)
        prompts: list[Prompt] = []
        for frame, *corners in self.boxes:
            prompts.append(BoxPrompt(usual if frame is None else frame, OBJECT, *corners))
        if twice := [one.frame for one in prompts if sum(one.frame == other.frame for other in prompts) > 1]:
            raise InputError(f"there are two boxes on frame {twice[0]}: give one")
        prompts += [PointPrompt(usual if frame is None else frame, OBJECT, x, y, positive) for frame, x, y, positive in self.points]
        for prompt in prompts:
            check_prompt(prompt, *info.size, info.frames)
        return prompts

    def usual_frame(self, span: tuple[int, int]) -> int:
        """The frame of what names none itself."""
        return span[0] if self.frame is None else self.frame

    def found_by_words(self, engine: Engine, reader: ClipReader, span: tuple[int, int]) -> PromptArguments:
        """Look for what the text names.

        Args:
            engine: The models.
            reader: The clip.
            span: The half-open range of frames that is worked on.

        Returns:
            These prompts with a box instead of the text; the same ones when they have no text.

        Raises:
            InputError: Nothing looks like it, or the frame is outside `span`.
        """
        if self.text is None:
            return self
        self.check_frames(span)
        frame = self.usual_frame(span)
        boxes = engine.word_finder().find(reader.frame(frame), self.text, most=1)
        if not boxes:
            raise InputError(f"nothing on frame {frame} looks like '{self.text}': try other words, or another --frame")
        found = (frame, boxes[0].x0, boxes[0].y0, boxes[0].x1, boxes[0].y1)
        return replace(self, boxes=(*self.boxes, found), text=None)

    def _boxed(self, frame: int | None) -> bool:
        return any(one[0] in (None, frame) for one in self.boxes)


def _numbers(text: str, count: int, what: str, form: str) -> tuple[int | float | None, ...]:
    frame, colon, numbers = text.rpartition(":")
    try:
        values = tuple(float(part) for part in numbers.split(","))
        number = int(frame) if colon else None
    except ValueError:
        values, number = (), None
    if len(values) != count or not all(abs(value) < 1e6 for value in values):
        raise InputError(f"'{text}' is no {what} (write {form} in pixels)")
    return number, *values
