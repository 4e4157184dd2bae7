"""The mathematics of the loss: CogVideoX's v-prediction under zero terminal SNR.

Latents are (B, F, C, h, w).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

TIMESTEPS = 1000


def noised(latent: Tensor, noise: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """Add noise to a latent (Salimans and Ho, arXiv 2202.00512).

    Args:
        latent: Clean latent, (B, F, C, h, w).
        noise: Of the same shape.
        alpha: Cumulative alpha, (B, 1, 1, 1, 1), 0 to 1.

    Returns:
        The noisy latent and the velocity to predict.
    """
    return alpha.sqrt() * latent + (1 - alpha).sqrt() * noise, alpha.sqrt() * noise - (1 - alpha).sqrt() * latent


def loss_weight(mask: Tensor, outside: float) -> Tensor:
    """1 on latent cells in or beside the region, `outside` elsewhere, scaled to mean 1: (B, F, 1,
    h, w)."""
    near = F.max_pool2d(mask.flatten(0, 1), 3, 1, 1).view_as(mask)
    weight = outside + (1 - outside) * near
    return weight / weight.mean()


def velocity_loss(predicted: Tensor, velocity: Tensor, mask: Tensor, outside: float = 1.0) -> Tensor:
    """Compute the mean squared error of the velocity.

    CogVideoX weighs the error of the clean latent by 1 / (1 - alpha). That is this: the clean
    latent from a velocity is sqrt(alpha) * noisy - sqrt(1 - alpha) * velocity, so its squared error
    is (1 - alpha) times the velocity's.

    Args:
        predicted: (B, F, C, h, w).
        velocity: The true one, same shape.
        mask: Latent mask, 0 to 1, (B, F, 1, h, w).
        outside: Weight of cells that neither lie in the mask nor beside it, 0 to 1.

    Returns:
        A scalar.
    """
    error = (predicted.float() - velocity.float()).square()
    if outside == 1:
        return error.mean()
    return (error * loss_weight(mask.float(), outside)).mean()


def spread_timesteps(places: Tensor) -> Tensor:
    """CogVideoX's explicit uniform sampling (arXiv 2408.06072, section 3.3): `places` (N,) in [0,
    1), one for each sample of a step.

    Sample i takes its time step from the i-th of N equal parts of 0 .. 999, so that the loss of a
    step wanders less. int64 (N,).
    """
    count = len(places)
    return ((torch.arange(count, device=places.device) + places) / count * TIMESTEPS).long().clamp(max=TIMESTEPS - 1)
