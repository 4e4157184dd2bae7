"""The denoiser on the tokens in and around the region alone.

What lies far from the region is kept as it is anyhow, and says little about what belongs there. The
tokens that stay keep their positions, so that the others are simply not looked at.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import torch
import torch.nn.functional as F
from diffusers import CogVideoXTransformer3DModel
from torch import Tensor

_PARTS = 8
"""The number of cells that stay is a multiple of the frame's cells by this: each number is compiled
anew.
"""


def near_cells(mask: Tensor, patch: int, ring: int) -> Tensor:
    """The cells of a frame that are looked at, the same ones in all frames of a window.

    Args:
        mask: (B, F, 1, h, w) on the latent grid, above 0 where something is painted.
        patch: Latents across of a cell.
        ring: How many cells around the region are looked at, at least.

    Returns:
        bool (h / patch, w / patch).
    """
    region = F.max_pool2d((mask > 0).float().amax((0, 1, 2))[None, None], patch)
    away, reached, wave = torch.full_like(region, float("inf")), 0, region
    while bool((wave == 0).any()) and bool(wave.any()):
        away = torch.where((wave > 0) & away.isinf(), torch.full_like(away, reached), away)
        wave, reached = F.max_pool2d(wave, 3, 1, 1), reached + 1
    away = torch.where(away.isinf(), torch.full_like(away, reached), away)[0, 0]
    unit = -(-away.numel() // _PARTS)
    count = min(-(-int((away <= ring).sum()) // unit) * unit, away.numel())
    kept = torch.zeros(away.numel(), dtype=torch.bool, device=mask.device)
    kept[away.flatten().argsort(stable=True)[:count]] = True
    return kept.view(away.shape)


def on_grid(cells: Tensor, patch: int) -> Tensor:
    """Cells of a frame as places of the latent grid, `patch` of them across a cell."""
    return cells.repeat_interleave(patch, 0).repeat_interleave(patch, 1)


def token_numbers(cells: Tensor, frames: int) -> Tensor:
    """The numbers of the tokens of those cells in so many latent frames, (K,)."""
    return cells.flatten().repeat(frames).nonzero()[:, 0]


def run_near(
    transformer: CogVideoXTransformer3DModel, hidden: Tensor, embeds: Tensor, timestep: Tensor, rotary: tuple[Tensor, Tensor], kept: Tensor
) -> Tensor:
    """One pass of the denoiser on some of its tokens.

    Args:
        transformer: Patches nothing in time.
        hidden: (B, F, C, h, w).
        embeds: (B, L, D).
        timestep: (B,).
        rotary: Cosines and sines of the tokens that are looked at, (K, d).
        kept: Their numbers, (K,).

    Returns:
        (B, F, C', h, w), 0 where nothing was looked at.
    """
    batch, frames, _, height, width = hidden.shape
    patch, text_length = transformer.config.patch_size, embeds.shape[1]
    time = transformer.time_embedding(transformer.time_proj(timestep).to(hidden.dtype), None)
    tokens = transformer.patch_embed(embeds, hidden)
    text, picture = tokens[:, :text_length], tokens[:, text_length:]
    near = picture[:, kept]
    for block in transformer.transformer_blocks:
        near, text = block(hidden_states=near, encoder_hidden_states=text, temb=time, image_rotary_emb=rotary)
    near = transformer.proj_out(transformer.norm_out(transformer.norm_final(near), temb=time))
    answer = near.new_zeros(batch, picture.shape[1], near.shape[-1]).index_copy(1, kept, near)
    answer = answer.view(batch, frames, height // patch, width // patch, -1, patch, patch)
    return answer.permute(0, 1, 4, 2, 5, 3, 6).flatten(5, 6).flatten(3, 4)
