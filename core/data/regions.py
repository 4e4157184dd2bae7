"""Edit regions as the model meets them in training: the paper's six forms of a thing's own mask, on
the device and in batches.

The forms are those of core.masks (as is, expand, hull, box, hull+expand, box+expand), drawn at
random for every sample, so they run here on whole batches inside a captured graph.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from core.data.noise import chance

FORMS = ("as-is", "expand", "hull", "box", "hull+expand", "box+expand")
"""The paper's six forms of mask augmentation."""

REACHES = (2, 5, 9)
"""How far `expand` goes, in pixels at the working size; one is drawn for every sample."""


def expand(mask: Tensor, pixels: int) -> Tensor:
    """Grow a 0 / 1 mask (B, T, H, W) by `pixels` in the largest norm."""
    side = 2 * pixels + 1
    return F.max_pool2d(F.max_pool2d(mask, (side, 1), 1, (pixels, 0)), (1, side), 1, (0, pixels))


def box(mask: Tensor) -> Tensor:
    """The box around each frame's mask (B, T, H, W); an empty frame stays empty."""

    def between(line: Tensor) -> Tensor:
        return line.cummax(-1).values * line.flip(-1).cummax(-1).values.flip(-1)

    return between(mask.amax(3))[..., :, None] * between(mask.amax(2))[..., None, :]


def draw_form(own: Tensor, hull: Tensor, form: Tensor, reach: Tensor) -> Tensor:
    """Give each sample's region its form.

    Args:
        own: Masks of the object, 0 or 1, (B, T, H, W).
        hull: Masks of its convex hull, same shape.
        form: Index into FORMS, (B,).
        reach: Index into REACHES, (B,).

    Returns:
        The regions, 0 or 1, (B, T, H, W).
    """

    def grown(mask: Tensor) -> Tensor:
        result = expand(mask, REACHES[0])
        for index, pixels in enumerate(REACHES[1:], start=1):
            result = torch.where((reach == index)[:, None, None, None], expand(mask, pixels), result)
        return result

    # Hull before expanding, as core.masks does; the box of an expanded mask is the expanded box.
    pick = form[:, None, None, None]
    wants_hull, wants_box = (pick == 2) | (pick == 4), (pick == 3) | (pick == 5)
    shape = torch.where(wants_hull, torch.maximum(hull, own), torch.where(wants_box, box(own), own))
    return torch.where((pick == 1) | (pick == 4) | (pick == 5), grown(shape), shape)


def wobble(region: Tensor, motion: Tensor) -> Tensor:
    """Half of the regions (B, T, H, W) as they grow by a few pixels here and there, differently in
    every frame, as a tracker's outlines do; nothing of the others, and nothing at a `motion` of 0.
    """
    batch, frames, height, width = region.shape
    device = region.device
    grid = torch.randn(batch, 1, 6, 6, device=device) + torch.randn(batch, frames, 6, 6, device=device)
    patches = F.interpolate(grid, size=(height, width), mode="bilinear", align_corners=False)
    grown = torch.where(chance(batch, 1, 1, 1, device=device, p=0.5) > 0, F.max_pool2d(region, 3, 1, 1), F.max_pool2d(region, 7, 1, 3))
    return grown * (patches > 0.5) * (motion * chance(batch, 1, 1, 1, device=device, p=0.5))
