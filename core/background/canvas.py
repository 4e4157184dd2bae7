"""A frame to paint on: what a model sees of it, and how what it painted comes back into it. It is
the same for every model that paints keyframes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.background.footage import Frames, Region
from core.background.model import BackgroundModel
from core.errors import InputError
from core.masks import Widths
from core.project.edits import check_keep, ThingFit
from core.render.composite import composite, soft_edge
from core.render.edit_alpha import edit_alpha
from core.render.grain import add_grain, grain_around, ring_box
from core.render.object_mattes import matte_objects
from core.render.proportions import place_in
from core.render.region import CropRegion, plan_region

Under = tuple[BackgroundModel, int] | None
"""What shows what lies behind the region, and at which index."""
Behind = Callable[[str], Under]


@dataclass(frozen=True)
class Canvas:
    """A frame uint8 (H, W, 3) and its region bool (H, W), with the crop that a model sees:
    `pixels` uint8 (h, w, 3) and `mask` bool (h, w).

    `alpha` (H, W) is the soft edge of what is laid over the frame. `behind` says for a task what
    lies behind the region.
    """

    frame: NDArray[np.uint8]
    region: NDArray[np.bool_]
    alpha: NDArray[np.float32]
    behind: Behind | None
    crop: CropRegion
    pixels: NDArray[np.uint8] = field(repr=False)
    mask: NDArray[np.bool_] = field(repr=False)

    def under(self, task: str) -> Under:
        """What shows what lies behind the region; None where nothing does."""
        return None if self.behind is None else self.behind(task)

    def start_of(self, picture: NDArray[np.uint8] | None, keep: float) -> NDArray[np.uint8] | None:
        """What a try is started from, uint8 (h, w, 3); None for noise alone.

        Args:
            picture: uint8 (H, W, 3), if there is one.
            keep: The share of it that is kept, 0 to 0.95.

        Raises:
            InputError: The share can't be kept, or the picture is of another size than the frame.
        """
        check_keep(keep)
        if picture is None or keep == 0:
            return None
        if picture.shape != self.frame.shape:
            raise InputError(f"the picture to start from is {picture.shape[1]}x{picture.shape[0]}, the frame another size")
        return self.crop.crop(picture)

    def place(self, task: str, caption: str, fit: ThingFit | None, under: Under) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """What the model sees and which of it it paints.

        Args:
            task: add, modify or delete.
            caption: What the region should show.
            fit: How the thing lies in the region; None that the thing decides.
            under: What lies behind the region.

        Returns:
            uint8 (h, w, 3) and bool (h, w): all of the region, or the place that a thing of its own
            proportions takes in it.
        """
        place = self.region if task == "delete" else place_in(self.region, caption, fit)
        if place is self.region:
            return self.pixels, self.mask
        frame = self.frame if under is None else under[0].inpaint(under[1], self.frame)
        return self.crop.crop(frame), self.crop.crop_mask(place)

    def unseen(self, under: Under) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """What a model sees of a removal, and which of it it paints: as `place`, with what other
        frames show of the background laid over what goes.
        """
        if under is None:
            return self.pixels, self.mask
        picture, unseen = under[0].behind(under[1], self.frame)
        return self.crop.crop(picture), self.crop.crop_mask(unseen)

    def finished(
        self, task: str, edited: NDArray[np.uint8], under: Under, seed: int, matted: bool = False, hollow: bool = False
    ) -> NDArray[np.uint8]:
        """The whole frame with a painted crop: background that was only painted again stays the
        source, or what lies behind; outside the region every pixel is the frame's.

        Args:
            task: add, modify or delete.
            edited: uint8 (h, w, 3).
            under: What lies behind the region.
            seed: Grain is drawn from it.
            matted: Whether what was painted is a thing with an outline, which is cut out of the
                background that was painted around it.
            hollow: Whether one sees through that thing.

        Returns:
            uint8 (H, W, 3).
        """
        whole = self.crop.over(self.frame, edited)
        if task == "delete":
            if under is None:
                return composite(self.frame, whole, self.alpha)
            return under[0].inpaint(under[1], self.frame, whole)
        ring = ring_box(self.region)
        grain = grain_around(ring.crop(self.frame), ring.crop(self.region))
        base = self.frame if under is None else under[0].inpaint(under[1], self.frame)
        if task == "modify" and under is None:
            return composite(self.frame, add_grain(whole, self.alpha, grain, (seed,)), self.alpha)
        area = self.crop.inside.slices
        result = self.frame.copy()
        shown = edit_alpha(whole[area], base[area], self.region[area])
        if matted:
            shown = matte_objects(whole[area], self.region[area], shown, hollow)
        # The edit fades into what lies behind it: the source, or what hides it, which must not
        # shine through at the region's edge.
        laid = composite(base[area], add_grain(whole[area], shown, grain, (seed,)), shown * self.alpha[area])
        result[area] = np.where(self.region[area][..., None], laid, self.frame[area])
        return result


def canvas_of(
    frame: NDArray[np.uint8],
    region: NDArray[np.bool_],
    working_size: tuple[int, int],
    feather: Widths = 4,
    behind: Behind | None = None,
) -> Canvas:
    """Cut out what a model sees of a frame.

    Args:
        frame: uint8 (H, W, 3).
        region: bool (H, W), True = edit.
        working_size: (height, width) of what the model sees, in pixels.
        feather: Source pixels inside the region over which the edit fades (see `Feather.at`).
        behind: Says for a task what shows what lies behind the region; see `behind_keyframe`.

    Returns:
        The canvas.

    Raises:
        InputError: The region is empty, or of another size than the frame.
    """
    if region.shape != frame.shape[:2]:
        raise InputError(
            f"the region is {region.shape[1]}x{region.shape[0]}, the frame {frame.shape[1]}x{frame.shape[0]}: they have to agree"
        )
    if not region.any():
        raise InputError("the region to edit is empty on this frame: select something, or choose another keyframe")
    crop = plan_region([region], (frame.shape[1], frame.shape[0]), working_size)
    return Canvas(frame, region, soft_edge(region, feather), behind, crop, crop.crop(frame), crop.crop_mask(region))


def behind_keyframe(reader: Frames, region: Region, index: int) -> Behind:
    """What lies behind the region of frame `index`, as `propagate` will find it. Looks when first
    asked.

    Args:
        reader: The clip.
        region: What may change.
        index: Number of the keyframe.

    Returns:
        Gives the background model and the frame's number for a task; None for an add.
    """
    looked: list[BackgroundModel] = []

    def behind(task: str) -> Under:
        if task == "add":
            return None
        if not looked:
            looked.append(BackgroundModel(reader, region))
        return looked[0], index

    return behind
