"""Objects and their masks through time, and how a mask is widened into the region to edit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args, Literal

from core.errors import InputError
from core.project.edits import Task
from core.project.prompts import MaskPrompt, Prompt
from core.project.shapes import DrawnShape

AdjustmentForm = Literal["none", "expand", "hull", "box", "hull+expand", "box+expand"]
FORMS: tuple[AdjustmentForm, ...] = get_args(AdjustmentForm)


Direction = Literal["both", "forward", "backward"]
"""Which way a track runs from the frames that were prompted."""


ALL_HOLES = -1
"""As the size up to which holes are filled: whatever their size."""

MOST_PIXELS = 500
MOST_FEATHER = 200
MOST_HOLES = 10_000_000


@dataclass(frozen=True)
class MaskAdjustment:
    """How a mask becomes the region to edit, in this order; all lengths in source pixels.

    `smooth` settles flicker by as many frames on either side, 0 by none. `holes` of at most so many
    pixels are filled, or ALL_HOLES. Neither changes a mask that a person made by hand. `form` is
    one of the paper's six; `pixels` widens (negative shrinks) in those with expand. `feather`
    softens the composite's edge where it lies in this object: the region is the union of its
    objects, and has none where they touch.
    """

    form: AdjustmentForm = "none"
    pixels: int = 0
    feather: int = 4
    holes: int = 0
    smooth: int = 0

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise InputError(f"unknown mask adjustment '{self.form}': choose one of {', '.join(FORMS)}")
        if not 0 <= self.feather <= MOST_FEATHER:
            raise InputError(f"a feather of {self.feather} pixels can't be used: choose 0 to {MOST_FEATHER}")
        if abs(self.pixels) > MOST_PIXELS:
            raise InputError(f"expanding by {self.pixels} pixels can't be done: choose -{MOST_PIXELS} to {MOST_PIXELS}")
        if self.holes != ALL_HOLES and not 0 <= self.holes <= MOST_HOLES:
            raise InputError(f"filling holes of {self.holes} pixels can't be done: choose 0 to {MOST_HOLES}, or all")
        if not 0 <= self.smooth <= 15:
            raise InputError(f"smoothing over {self.smooth} frames on either side can't be done: choose 0 to 15")

    @property
    def keeps_masks(self) -> bool:
        """Whether the region is the mask itself."""
        return self.form == "none" and not self.holes and not self.smooth

    def scaled(self, factor: float) -> MaskAdjustment:
        """The same for a video `factor` times as large, as far as the limits go: lengths grow with
        it, areas with its square.
        """
        holes = self.holes if self.holes == ALL_HOLES else min(MOST_HOLES, round(self.holes * factor**2))
        pixels = max(-MOST_PIXELS, min(MOST_PIXELS, round(self.pixels * factor)))
        return replace(self, pixels=pixels, feather=min(MOST_FEATHER, round(self.feather * factor)), holes=holes)

    @classmethod
    def parse(cls, text: str, feather: int = 4) -> MaskAdjustment:
        """Read `none`, `hull`, `box`, `expand:8`, `hull+expand:8` or `box+expand:8`, and behind a
        comma each `holes:200`, `holes:all` and `smooth:2`; anything else is an InputError.
        """
        first, *others = text.split(",")
        form, colon, amount = first.partition(":")
        wants_pixels = form.endswith("expand")
        if form not in FORMS or wants_pixels != bool(colon):
            raise InputError(f"unknown mask adjustment '{first}' (try none, hull, box, expand:8, hull+expand:8 or box+expand:8)")
        more: dict[str, int] = {}
        for part in others:
            name, _, value = part.partition(":")
            if name not in ("holes", "smooth") or name in more:
                raise InputError(f"unknown mask adjustment '{part}' in '{text}' (try holes:200, holes:all or smooth:2, each once)")
            more[name] = ALL_HOLES if part == "holes:all" else _whole(value, text, "pixels" if name == "holes" else "frames")
        return cls(form, _whole(amount, text, "pixels") if wants_pixels else 0, feather, more.get("holes", 0), more.get("smooth", 0))


USUAL_ADJUSTMENT = MaskAdjustment("box+expand", 8)
"""What a project begins with, and what suits whatever is painted."""


def _whole(amount: str, text: str, unit: str) -> int:
    try:
        return int(amount)
    except ValueError:
        raise InputError(f"'{amount}' in '{text}' is not a whole number of {unit}: write one like 8") from None


@dataclass(frozen=True)
class MaskTrack:
    """One object: its prompts, and where its per-frame masks are stored (`masks`, relative; None
    before it was tracked).

    `tracked` is the half-open span of frames through which the object was followed. `pending` are
    frames that ask for tracking all the same: one that was prompted since, or the first of a shot
    in which nobody has said yet where the object is. `confirmed` are frames that a person vouched
    for: they are never overwritten. `colour` is (red, green, blue), 0 to 255. A `hidden` object is
    left out of the picture on the screen, and only there; one that is not `edited` is no part of
    the region, and the edit never hides it where it is `in_front`. `adjustment` is the object's own
    in place of the project's; it was proposed for the task `proposed_for`, or chosen by a person
    where that is None.

    The masks of an object with a `shape` were drawn by hand, as that says.

    `affected` marks what the edited objects affect, their shadow or reflection, which belongs to
    the region of a removal only. It names the region that this was found for; `cast_by` are the
    objects of a removal of their own that cast it.
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
    edited: bool = True
    adjustment: MaskAdjustment | None = None
    affected: str | None = None
    cast_by: tuple[int, ...] = ()
    proposed_for: Task | None = None
    shape: DrawnShape | None = None
    in_front: bool = False

    def adjusted_by(self, usual: MaskAdjustment) -> MaskAdjustment:
        """The object's adjustment: its own, or else `usual`."""
        return usual if self.adjustment is None else self.adjustment

    def covers(self, start: int, stop: int) -> bool:
        """Whether the object was tracked through frames start:stop, with the prompts that it has
        now.
        """
        if self.tracked is None or any(start <= frame < stop for frame in self.pending):
            return False
        return self.tracked[0] <= start and stop <= self.tracked[1]

    @property
    def made_by_hand(self) -> frozenset[int]:
        """Frames whose mask a person drew, corrected or confirmed: nothing else may change it."""
        return frozenset(prompt.frame for prompt in self.prompts if isinstance(prompt, MaskPrompt)) | frozenset(self.confirmed)

    def kept_exactly(self, usual: MaskAdjustment) -> frozenset[int]:
        """Frames whose mask the object's adjustment would otherwise clean: those made by hand."""
        adjustment = self.adjusted_by(usual)
        return self.made_by_hand if adjustment.smooth or adjustment.holes else frozenset()

    @property
    def is_located(self) -> bool:
        """Whether anything says where the object is."""
        return bool(self.prompts) or self.masks is not None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("an object needs a name: write at least one letter")
        for prompt in self.prompts:
            if prompt.object_id != self.object_id:
                raise InputError(f"a prompt for object {prompt.object_id} can't belong to object {self.object_id}")
