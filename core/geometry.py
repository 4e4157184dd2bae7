"""Rectangles of pixels and ranges of frames. Standard library only, so that the page can use it
too.

Both are named tuples: a document stores them as plain lists, and whatever takes a tuple takes them
as well.
"""

from __future__ import annotations

from typing import cast, Generic, NamedTuple, TYPE_CHECKING, TypeVar

from core.errors import InputError
from core.words import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

Side = TypeVar("Side", bound=float, covariant=True)


class Box(NamedTuple, Generic[Side]):
    """A rectangle in source pixels, half-open: columns x0 to x1, rows y0 to y1, without x1 and y1.

    Sides are whole numbers (`Box[int]`) wherever pixels are addressed. Where motion is
    estimated they may be fractions, and lie outside the frame (`Box[float]`).
    """

    x0: Side
    y0: Side
    x1: Side
    y1: Side

    @property
    def width(self) -> Side:
        return cast(Side, self.x1 - self.x0)

    @property
    def height(self) -> Side:
        return cast(Side, self.y1 - self.y0)

    @property
    def shape(self) -> tuple[Side, Side]:
        """(height, width), as an array inside the box has it."""
        return self.height, self.width

    @property
    def is_empty(self) -> bool:
        """Whether no pixel lies inside."""
        return self.x0 >= self.x1 or self.y0 >= self.y1

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index an array (H, W, ...). No side may be negative: it would count
        from the end.
        """
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def crop(self, array: NDArray) -> NDArray:
        """The part of an array (H, W, ...) inside the box, as a view."""
        return array[self.y0 : self.y1, self.x0 : self.x1]

    def grow(self, amount: int, shape: tuple[int, ...], keep_border: bool = False) -> Box[Side]:
        """Move all four sides outwards, but not out of the frame.

        Args:
            amount: pixels; a negative amount moves the sides inwards, and may leave an empty box.
            shape: shape of the frame's array, (H, W, ...).
            keep_border: leave sides that lie on the frame's border there, also for a negative
                amount. What lies beyond is not known.

        Returns:
            The larger (or smaller) box.
        """
        x0, y0 = max(self.x0 - amount, 0), max(self.y0 - amount, 0)
        x1, y1 = min(self.x1 + amount, shape[1]), min(self.y1 + amount, shape[0])
        if keep_border:
            x0, y0 = (0 if self.x0 == 0 else x0), (0 if self.y0 == 0 else y0)
            x1, y1 = (shape[1] if self.x1 == shape[1] else x1), (shape[0] if self.y1 == shape[0] else y1)
        return cast(Box[Side], Box(x0, y0, x1, y1))

    def moved(self, dx: int, dy: int) -> Box[Side]:
        """The box moved right and down."""
        return cast(Box[Side], Box(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy))

    def union(self, other: Box[Side]) -> Box[Side]:
        """The smallest box that holds both."""
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def clipped(self, shape: tuple[int, ...]) -> Box[Side]:
        """The part inside a frame whose array has this shape, (H, W, ...). Empty or inside out
        where they don't overlap.
        """
        return cast(Box[Side], Box(max(self.x0, 0), max(self.y0, 0), min(self.x1, shape[1]), min(self.y1, shape[0])))

    def touches_border(self, shape: tuple[int, ...]) -> bool:
        """Whether a side lies exactly on the border of a frame whose array has this shape, (H, W,
        ...).
        """
        return self.x0 == 0 or self.y0 == 0 or self.x1 == shape[1] or self.y1 == shape[0]


class FrameRange(NamedTuple):
    """Frames `start` up to, but not including, `stop`.

    `len()` of it is 2, as of every pair; `len(x.frames)` is the number of frames. Ask `contains`,
    not `in`.
    """

    start: int
    stop: int

    @property
    def frames(self) -> range:
        """The frame indices in order."""
        return range(self.start, self.stop)

    def contains(self, frame: int) -> bool:
        """Whether a frame lies inside."""
        return self.start <= frame < self.stop

    def check(self, count: int) -> None:
        """Raise InputError unless the range holds at least one frame and lies inside a clip of
        `count` frames.
        """
        if not (isinstance(self.start, int) and isinstance(self.stop, int) and 0 <= self.start < self.stop <= count):
            raise InputError(
                f"frames {self} are not a part of a video of {counted(count, 'frame')}: choose from 0 to {count}, "
                "the first before the last, which is not included"
            )

    def check_frame(self, frame: int) -> None:
        """Raise InputError for a frame that does not lie inside."""
        if not self.contains(frame):
            raise InputError(f"frame {frame} is outside the clip: choose one from {self.start} to {self.stop - 1}")

    def __str__(self) -> str:
        return f"{self.start}:{self.stop}"
