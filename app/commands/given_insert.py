"""The picture of one's own of a command line: which, where, and how it is fitted to the shot."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.errors import InputError
from core.project.inserts import CastShadow, Corners, FOLLOWS, Follows, Insert, MOST_STOPS, placed_corners, Point
from core.project.mix import Blend

PLACE, PIN, SHADOW = "X,Y,WIDTH,HEIGHT[,ANGLE]", "X,Y", "ANGLE,LENGTH[,SOFTNESS[,STRENGTH]]"


@dataclass(frozen=True)
class GivenInsert:
    """A picture to lay on the clip: by a box, whose height may be left to the picture (0), or by
    four corners.
    """

    path: Path
    place: tuple[float, ...]
    pins: tuple[Point, ...]
    follows: Follows = "auto"
    light: float = 0.7
    brightness: float = 0.0
    grain: bool = True
    opacity: float = 1.0
    blend: Blend = "normal"
    shadow: CastShadow | Literal["auto"] | None = None
    shutter: float = 0.0

    @classmethod
    def parse(cls, options: argparse.Namespace) -> GivenInsert | None:
        """Read the options of a command line; None where no picture was given.

        Raises:
            InputError: One of them can't be read, or they say two things, or none.
        """
        if options.picture is None:
            if options.place is not None or options.pin:
                raise InputError("--place and --pin say where a picture lies: give it with --picture FILE")
            return None
        if (options.place is None) == (options.pin is None):
            raise InputError(f"say where the picture lies by --place {PLACE} or by --pin with four corners, one of the two")
        place = () if options.place is None else _numbers(options.place, (4, 5), f"place (write {PLACE} in pixels and degrees)")
        pins = tuple(_pin(text) for text in options.pin or ())
        names = ("follows", "light", "brightness", "grain", "opacity", "blend", "shutter")
        given: dict[str, Any] = {name: getattr(options, name) for name in names}
        return cls(options.picture, place, pins, **given, shadow=_shadow(options.cast_shadow))

    def on(self, size: tuple[int, int]) -> Insert:
        """The insert of a picture of this size (w, h), without a shadow that is still to be looked
        for. InputError where it can't lie there.
        """
        if self.pins:
            corners: Corners = self.pins  # type: ignore[assignment]
        else:
            x, y, width, height, *angle = self.place
            corners = placed_corners(x, y, width, height or width * size[1] / size[0], *angle)
        return Insert(
            corners,
            follows=self.follows,
            light=self.light,
            brightness=self.brightness,
            grain=self.grain,
            opacity=self.opacity,
            blend=self.blend,
            shadow=None if self.shadow == "auto" else self.shadow,
            shutter=self.shutter,
        )


def add_insert_options(parser: argparse.ArgumentParser, path: Any) -> None:
    """Give a command the options of a picture.

    Args:
        parser: The command.
        path: What turns a word into a path.
    """
    group = parser.add_argument_group("a picture of your own instead of a caption")
    group.add_argument("--picture", type=path, metavar="FILE", help="a picture with transparency (a logo, a hat, a sign) to add")
    group.add_argument("--place", metavar=PLACE, help="where it lies on the frame: a box in pixels, turned clockwise; HEIGHT 0 is its own")
    group.add_argument("--pin", nargs=4, metavar=PIN, help="where its corners lie: upper left, upper right, lower right, lower left")
    group.add_argument(
        "--moves-with",
        dest="follows",
        choices=FOLLOWS,
        default="auto",
        help="what it moves with: thing (the object), place (what it lies on), frame (nothing) or auto (auto)",
    )
    group.add_argument("--light", type=float, default=0.7, metavar="SHARE", help="how far it is matched to the shot's light, 0 to 1 (0.7)")
    group.add_argument(
        "--brightness", type=float, default=0.0, metavar="STOPS", help=f"brighter or darker besides, {-MOST_STOPS:g} to {MOST_STOPS:g} (0)"
    )
    group.add_argument("--no-grain", dest="grain", action="store_false", help="don't give it the grain of the shot")
    group.add_argument(
        "--shutter",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="how much of the time between two frames its motion blurs it, 0 to 1; a usual camera's is 0.5 (0)",
    )
    group.add_argument(
        "--cast-shadow",
        metavar="HOW",
        help=f"the shadow under it: auto, as the object's falls, or {SHADOW}: degrees clockwise from the right, times its height, "
        "and 0 to 1; with flat: before it, it falls beside the picture, which does not stand",
    )


def _shadow(text: str | None) -> CastShadow | Literal["auto"] | None:
    if text is None:
        return None
    if text == "auto":
        return "auto"
    flat = text.startswith("flat:")
    values = _numbers(text.removeprefix("flat:"), (2, 3, 4), f"shadow (write auto, {SHADOW}, or flat: and those)")
    usual = CastShadow()
    angle, length, softness, strength = (*values, *(usual.softness, usual.strength)[len(values) - 2 :])
    return CastShadow(angle, length, softness, strength, not flat)


def _pin(text: str) -> Point:
    x, y = _numbers(text, (2,), f"corner (write {PIN} in pixels)")
    return x, y


def _numbers(text: str, counts: tuple[int, ...], what: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) not in counts or not all(abs(value) < 1e6 for value in values):
        raise InputError(f"'{text}' is no {what}")
    return values
