"""Objects and their masks through time, and how a mask is widened into the region to edit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args, Literal

from core.errors import InputError
from core.project.prompts import Prompt

AdjustmentForm = Literal["none", "expand", "hull", "box", "hull+expand", "box+expand"]
FORMS: tuple[AdjustmentForm, ...] = get_args(AdjustmentForm)


Direction = Literal["both", "forward", "backward"]
"""Which way a track runs from the frames that were prompted."""


@dataclass(frozen=True)
class MaskAdjustment:
    """The paper's six mask forms: `pixels` widens (negative shrinks) in the forms with expand, `feather` softens the composite's edge.

    Both are in source pixels.
    """

    form: AdjustmentForm = "none"
    pixels: int = 0
    feather: int = 4

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise InputError(f"unknown mask adjustment '{self.form}' (known: {', '.join(FORMS)})")
        if not 0 <= self.feather <= 200:
            raise InputError(f"a feather of {self.feather} pixels is outside 0 to 200")
        if abs(self.pixels) > 500:
            raise InputError(f"expanding by {self.pixels} pixels is outside -500 to 500")

    @classmethod
    def parse(cls, text: str, feather: int = 4) -> MaskAdjustment:
        """Read `none`, `hull`, `box`, `expand:8`, `hull+expand:8` or `box+expand:8`; anything else is an InputError."""
        form, colon, amount = text.partition(":")
        wants_pixels = form.endswith("expand")
        if form not in FORMS or wants_pixels != bool(colon):
            raise InputError(f"unknown mask adjustment '{text}' (try none, hull, box, expand:8, hull+expand:8 or box+expand:8)")
        try:
            pixels = int(amount) if wants_pixels else 0
        except ValueError:
            raise InputError(f"'{amount}' in '{text}' is no whole number of pixels") from None
        return cls(form, pixels, feather)


@dataclass(frozen=True)
class MaskTrack:
    """One object: its prompts, and where its per-frame masks are stored (`masks`, relative; None before it was tracked).

    `tracked` is the half-open span of frames through which the object was followed. `pending` are frames that ask for tracking all the
    same: one that was prompted since, or the first of a shot in which nobody has said yet where the object is. `confirmed` are frames that
    a person vouched for: they are never overwritten. `colour` is (red, green, blue), 0 to 255. A `hidden` object is left out of the
    picture on the screen, and only there.
    """

    object_id: int
    name: str
    colour: tuple[int, int, int]
    prompts: tuple[Prompt, ...] = ()
    masks: str | None = None
    tracked: tuple[int, int] | None = None
    confirmed: tuple[int, ...] = ()
    pending: tuple[int, ...] = ()
    hidden: bool = False

    def covers(self, start: int, stop: int) -> bool:
        """Whether the object was tracked through frames start:stop, with the prompts that it has now."""
        if self.tracked is None or any(start <= frame < stop for frame in self.pending):
            return False
        return self.tracked[0] <= start and stop <= self.tracked[1]

    @property
    def marked(self) -> bool:
        """Whether anything says where the object is."""
        return bool(self.prompts) or self.masks is not None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("an object needs a name")
        for prompt in self.prompts:
            if prompt.object_id != self.object_id:
                raise InputError(f"a prompt for object {prompt.object_id} can't belong to object {self.object_id}")
