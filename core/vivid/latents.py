"""Between pixels and latents. Scale and shift differ between checkpoints, so they are always read
from the autoencoder's configuration.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import torch
from diffusers import AutoencoderKLCogVideoX
from torch import Tensor


def pixel_latents(vae: AutoencoderKLCogVideoX, pixels: Tensor) -> Tensor:
    """Pixels (B, 3, T, H, W) in [-1, 1] -> latents (B, F, C, h, w) as they are denoised. The
    posterior's mode: no randomness.
    """
    return _shifted(vae, pixels) * vae.config.scaling_factor


def condition_latents(vae: AutoencoderKLCogVideoX, pixels: Tensor) -> Tensor:
    """Like `pixel_latents`, in the scale in which the checkpoint was conditioned
    (`invert_scale_latents`).
    """
    scale = vae.config.scaling_factor
    return _shifted(vae, pixels) * (1 / scale if vae.config.invert_scale_latents else scale)


def working_device(vae: AutoencoderKLCogVideoX) -> torch.device:
    """Where it works, which is not where its weights lie while it waits its turn
    (`core.vivid.offload`).
    """
    return getattr(getattr(vae, "_hf_hook", None), "execution_device", None) or vae.device


def _shifted(vae: AutoencoderKLCogVideoX, pixels: Tensor) -> Tensor:
    latents = vae.encode(pixels.to(working_device(vae), vae.dtype)).latent_dist.mode().transpose(1, 2)
    return latents - (vae.config.shift_factor or 0.0)
