"""How VIVID's denoiser is told what to keep and what to paint (arXiv 2411.15260, section 4).

The denoiser's input is, on channels: noisy latent | mask | latent of the masked video. Pixels are
float in [-1, 1] as (B, C, T, H, W); masks are float 0 / 1 as (B, 1, T, H, W), 1 = edit; latents are
(B, F, C, h, w), as diffusers' CogVideoX transformer takes them. T = 4k + 1 frames become F = k + 1
latent frames; H = 8h, W = 8w.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

DELETE_CAPTION = "Remove objects and generate areas that blend with the background."
"""The fixed caption of the delete task (the paper, section 4.1)."""

EMPTY_CAPTION = "An empty, undisturbed background that continues its surroundings seamlessly; nothing stands in front of it."
"""What engines are told for a removal that were trained on no sentence of their own for it."""

BLACK = -1.0
"""What the edit region shows in the masked video: x * (1 - m) with x in [0, 1], written for [-1,
1].
"""


def masked_video(pixels: Tensor, mask: Tensor, filling: Tensor | float = BLACK) -> Tensor:
    """Paint the edit region black, or with `filling`: (B, 3, T, H, W) in [-1, 1] and (B, 1, T, H,
    W) in {0, 1} -> (B, 3, T, H, W).

    Black is the paper's. A model whose `mask_fill` is "warped" reads the warped keyframe there when
    it propagates.

    Args:
        pixels: (B, 3, T, H, W) in [-1, 1].
        mask: (B, 1, T, H, W) in {0, 1}.
        filling: What the mask is filled with: a level, or as `pixels`.

    Returns:
        (B, 3, T, H, W).
    """
    return pixels * (1 - mask) + filling * mask


def latent_mask(mask: Tensor, spatial: int = 8, temporal: int = 4) -> Tensor:
    """Bring a pixel mask to the latent grid by maximum: (B, 1, T, H, W) -> (B, F, 1, h, w).

    Latent frame 0 sees pixel frame 0; latent frame i sees frames 4i-3 .. 4i. The maximum, in time
    and in space, keeps every pixel that may change covered; nearest sampling would drop three
    frames of four.

    Args:
        mask: (B, 1, T, H, W), T = 4k + 1.
        spatial: Pixels of a latent on each side.
        temporal: Frames of a latent.

    Returns:
        (B, F, 1, h, w).

    Raises:
        ValueError: T is not 4k + 1.
    """
    frames = mask.shape[2]
    if (frames - 1) % temporal:
        raise ValueError(f"the video model takes {temporal}k+1 frames, not {frames}")
    first = F.max_pool3d(mask[:, :, :1], (1, spatial, spatial))
    if frames == 1:
        return first.transpose(1, 2)
    rest = F.max_pool3d(mask[:, :, 1:], (temporal, spatial, spatial))
    return torch.cat([first, rest], dim=2).transpose(1, 2)


def with_keyframe(pixels: Tensor, mask: Tensor, keyframe: Tensor) -> tuple[Tensor, Tensor]:
    """KIVE, keyframe-guided editing: frame 0 becomes the accepted keyframe and mask 0 becomes
    zeros.

    pixels (B, 3, T, H, W), mask (B, 1, T, H, W), keyframe (B, 3, 1, H, W) -> new pixels and mask of
    the same shapes.

    Args:
        pixels: (B, 3, T, H, W).
        mask: (B, 1, T, H, W).
        keyframe: (B, 3, 1, H, W).

    Returns:
        New pixels and mask of the same shapes.

    Raises:
        ValueError: The keyframe has another shape.
    """
    if keyframe.shape != pixels[:, :, :1].shape:
        raise ValueError(f"keyframe {tuple(keyframe.shape)} does not fit a video of {tuple(pixels.shape)}")
    return (
        torch.cat([keyframe, pixels[:, :, 1:]], dim=2),
        torch.cat([torch.zeros_like(mask[:, :, :1]), mask[:, :, 1:]], dim=2),
    )


def denoiser_input(noisy: Tensor, mask: Tensor, masked_latent: Tensor) -> Tensor:
    """Concatenate on channels: (B, F, C, h, w), (B, F, 1, h, w), (B, F, C, h, w) -> (B, F, 2C + 1,
    h, w).

    Args:
        noisy: (B, F, C, h, w).
        mask: (B, F, 1, h, w).
        masked_latent: (B, F, C, h, w).

    Returns:
        (B, F, 2C + 1, h, w).
    """
    return torch.cat([noisy, mask, masked_latent], dim=2)
