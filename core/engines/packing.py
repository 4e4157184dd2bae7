"""The region on the latent grid, as an engine's `MaskRule` says it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from core.vivid.conditioning import latent_mask
from core.vivid.contract import MaskRule


def pack_mask(mask: Tensor, rule: MaskRule, spatial: int, temporal: int) -> Tensor:
    """Bring a pixel mask to the latent grid. Latent frame 0 sees pixel frame 0 alone, so that a
    first frame that is kept is kept for the denoiser, too.

    Args:
        mask: (B, 1, T, H, W) in {0, 1}, 1 = edit, T = k * temporal + 1.
        rule: How.
        spatial: Pixels of a latent on each side.
        temporal: Frames of a latent.

    Returns:
        (B, C, F, h, w): one channel, or for `unshuffled` one for each pixel of a latent, by rows.

    Raises:
        ValueError: T is another number of frames.
    """
    if rule.latent == "encoded":
        raise ValueError("the autoencoder brings this mask to the latent grid")
    if (mask.shape[2] - 1) % temporal:
        raise ValueError(f"the video model takes {temporal}k+1 frames, not {mask.shape[2]}")
    told = mask if rule.one_means == "edit" else 1 - mask
    if rule.latent == "unshuffled":
        grouped = latent_mask(told, 1, temporal).transpose(1, 2)
        return _unshuffled(grouped, spatial) * rule.scale
    if rule.latent == "resized":
        return _resized(told, spatial, temporal) * rule.scale
    return latent_mask(told, spatial, temporal).transpose(1, 2) * rule.scale


def _unshuffled(mask: Tensor, side: int) -> Tensor:
    """(B, 1, F, H, W) -> (B, side * side, F, h, w)."""
    batch, _, frames, height, width = mask.shape
    cells = mask.view(batch, frames, height // side, side, width // side, side)
    return cells.permute(0, 3, 5, 1, 2, 4).flatten(1, 2)


def _resized(mask: Tensor, spatial: int, temporal: int) -> Tensor:
    """(B, 1, T, H, W) -> (B, 1, F, h, w), trilinear: frame 0 by itself, the others together."""
    frames, height, width = mask.shape[2:]
    size = height // spatial, width // spatial
    first = F.interpolate(mask[:, :, :1], (1, *size), mode="trilinear", align_corners=False)
    if frames == 1:
        return first
    rest = F.interpolate(mask[:, :, 1:], ((frames - 1) // temporal, *size), mode="trilinear", align_corners=False)
    return torch.cat([first, rest], dim=2)
