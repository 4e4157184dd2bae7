"""Pictures of a person's own that are laid on the clip: which, where, and how they are fitted to
the shot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import get_args, Literal

from core.errors import InputError
from core.project.mix import Blend, BLENDS

Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]
"""Of the picture's upper left, upper right, lower right and lower left corner, in source pixels."""

Follows = Literal["auto", "thing", "place", "frame"]
"""What an insert moves with: the object, the place that it lies on, or nothing; `auto` is the
object where it lies on or beside it.
"""
FOLLOWS: tuple[Follows, ...] = get_args(Follows)

LEAST_AREA = 4.0
"""Square pixels that an insert covers at least."""
FARTHEST = 1e5
"""Pixels from the frame's corner at which a corner may lie."""
MOST_STOPS = 3.0
MOST_LENGTH = 3.0
"""Times its own height that a shadow may be long."""


@dataclass(frozen=True)
class CastShadow:
    """The shadow that an insert casts: in the direction `angle`, in degrees clockwise from the
    right, over `length` times its own height; `softness` and `strength` are 0 to 1. What `stands`
    casts it from its foot, softer and fainter with distance; else it falls beside it as a whole.
    """

    angle: float = 60.0
    length: float = 0.6
    softness: float = 0.35
    strength: float = 0.45
    stands: bool = True

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("angle", self.angle, -360.0, 360.0),
            ("length", self.length, 0.0, MOST_LENGTH),
            ("softness", self.softness, 0.0, 1.0),
            ("strength", self.strength, 0.0, 1.0),
        ):
            if not least <= value <= most:
                raise InputError(f"a shadow's {name} can't be {value:g}: choose one from {least:g} to {most:g}")


@dataclass(frozen=True)
class Insert:
    """A picture with alpha, laid on a frame by its corners.

    `picture` is its PNG, relative to the project. `light` is how far its black and white are
    brought to those of the shot, 0 to 1; `brightness` is in stops beyond that. With `grain` it gets
    the grain of its surroundings. `opacity` is 0 to 1. Without a `shadow` it casts none. `shutter`
    is the share of the time between two frames over which its motion blurs it; 0.5 is a usual
    camera's.
    """

    corners: Corners
    picture: str = ""
    follows: Follows = "auto"
    light: float = 0.7
    brightness: float = 0.0
    grain: bool = True
    opacity: float = 1.0
    blend: Blend = "normal"
    shadow: CastShadow | None = None
    shutter: float = 0.0

    def __post_init__(self) -> None:
        check_corners(self.corners)
        if self.follows not in FOLLOWS:
            raise InputError(f"a picture can't move with '{self.follows}': choose one of {', '.join(FOLLOWS)}")
        if self.blend not in BLENDS:
            raise InputError(f"a picture can't be blended by '{self.blend}': choose one of {', '.join(BLENDS)}")
        for name, value, least, most in (
            ("light", self.light, 0.0, 1.0),
            ("opacity", self.opacity, 0.0, 1.0),
            ("shutter", self.shutter, 0.0, 1.0),
            ("brightness", self.brightness, -MOST_STOPS, MOST_STOPS),
        ):
            if not least <= value <= most:
                raise InputError(f"a picture's {name} can't be {value:g}: choose one from {least:g} to {most:g}")

    def scaled(self, across: float, down: float) -> Insert:
        """The same on a video of another size.

        Args:
            across: The other video's width over this one's.
            down: The other video's height over this one's.

        Returns:
            The insert with its corners there.
        """
        one, two, three, four = ((x * across, y * down) for x, y in self.corners)
        return replace(self, corners=(one, two, three, four))


def check_corners(corners: Corners) -> None:
    """Raise InputError unless four corners go round a convex shape that a picture can be laid
    on.
    """
    if not all(math.isfinite(value) and abs(value) <= FARTHEST for point in corners for value in point):
        raise InputError(f"a corner of the picture is too far away: keep it within {FARTHEST:g} pixels of the frame")
    turns = [_turn(corners[i], corners[(i + 1) % 4], corners[(i + 2) % 4]) for i in range(4)]
    if not (all(turn > 0 for turn in turns) or all(turn < 0 for turn in turns)):
        raise InputError("the picture's corners cross or bend inwards: give upper left, upper right, lower right and lower left")
    if abs(area_of(corners)) < LEAST_AREA:
        raise InputError(f"the picture would be smaller than {LEAST_AREA:g} pixels: give it more room")


def area_of(corners: Corners) -> float:
    """Square pixels within four corners; below 0 where the picture is seen from behind."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, (*corners[1:], corners[0]), strict=True)) / 2


def placed_corners(x: float, y: float, width: float, height: float, angle: float = 0.0) -> Corners:
    """The corners of an upright box that is turned about its middle.

    Args:
        x: Left side of the box, in source pixels.
        y: Its upper side.
        width: Its width, above 0.
        height: Its height, above 0.
        angle: Degrees that it is turned by, clockwise.

    Returns:
        Its corners.

    Raises:
        InputError: The box is empty.
    """
    if not (width > 0 and height > 0):
        raise InputError(f"a picture can't be {width:g} by {height:g} pixels: give a width and a height above 0")
    turn = math.radians(angle)
    cos, sin = math.cos(turn), math.sin(turn)
    middle = (x + width / 2, y + height / 2)

    def corner(across: float, down: float) -> Point:
        dx, dy = across * width / 2, down * height / 2
        return middle[0] + dx * cos - dy * sin, middle[1] + dx * sin + dy * cos

    return corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)


def _turn(one: Point, two: Point, three: Point) -> float:
    return (two[0] - one[0]) * (three[1] - two[1]) - (two[1] - one[1]) * (three[0] - two[0])
