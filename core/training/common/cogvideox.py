"""What every CogVideoX shares, small or large: the noise schedule and the positions of its
tokens."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import torch
from diffusers import CogVideoXDDIMScheduler, CogVideoXTransformer3DModel
from diffusers.models.embeddings import get_3d_rotary_pos_embed
from diffusers.pipelines.cogvideo.pipeline_cogvideox import get_resize_crop_region_for_grid
from torch import Tensor


def build_scheduler() -> CogVideoXDDIMScheduler:
    """v-prediction, zero terminal signal-to-noise ratio, trailing steps: the first step starts from
    pure noise."""
    return CogVideoXDDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        snr_shift_scale=1.0,
        set_alpha_to_one=True,
        clip_sample=False,
    )


def rotary_embedding(
    transformer: CogVideoXTransformer3DModel, latent_frames: int, height: int, width: int, device: torch.device | str
) -> tuple[Tensor, Tensor]:
    """Compute the rotary positions that CogVideoX's own pipeline would.

    Args:
        transformer: Says how large a head and a patch are.
        latent_frames: Frames of the latent.
        height: Of the latent, in cells.
        width: Of the latent, in cells.
        device: Where the result goes.

    Returns:
        Cosines and sines, each (tokens, head_dim).
    """
    config = transformer.config
    patch = config.patch_size
    grid = (height // patch, width // patch)
    crops = get_resize_crop_region_for_grid(grid, config.sample_width // patch, config.sample_height // patch)
    cosine, sine = get_3d_rotary_pos_embed(
        embed_dim=config.attention_head_dim, crops_coords=crops, grid_size=grid, temporal_size=latent_frames, device=torch.device(device)
    )
    return cosine, sine
