"""The mathematics of the loss: CogVideoX's v-prediction under zero terminal SNR. Latents are (B, F, C, h, w)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

TIMESTEPS = 1000


def noised(latent: Tensor, noise: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """The noisy latent and the velocity to predict, for cumulative alpha (B, 1, 1, 1, 1) (Salimans and Ho, arXiv 2202.00512)."""
    return alpha.sqrt() * latent + (1 - alpha).sqrt() * noise, alpha.sqrt() * noise - (1 - alpha).sqrt() * latent


def loss_weight(mask: Tensor, outside: float) -> Tensor:
    """1 on latent cells in or beside the region, `outside` elsewhere, scaled to mean 1: (B, F, 1, h, w)."""
    near = F.max_pool2d(mask.flatten(0, 1), 3, 1, 1).view_as(mask)
    weight = outside + (1 - outside) * near
    return weight / weight.mean()


def velocity_loss(predicted: Tensor, velocity: Tensor, mask: Tensor, outside: float = 1.0) -> Tensor:
    """Mean squared error of the velocity, a scalar; cells that neither lie in the mask (B, F, 1, h, w) nor beside it weigh `outside`.

    CogVideoX weighs the error of the clean latent by 1 / (1 - alpha). That is this: the clean latent from a velocity is
    sqrt(alpha) * noisy - sqrt(1 - alpha) * velocity, so its squared error is (1 - alpha) times the velocity's.
    """
    error = (predicted.float() - velocity.float()).square()
    if outside == 1:
        return error.mean()
    return (error * loss_weight(mask.float(), outside)).mean()


def spread_timesteps(places: Tensor) -> Tensor:
    """CogVideoX's explicit uniform sampling (arXiv 2408.06072, section 3.3): `places` (N,) in [0, 1), one for each sample of a step.

    Sample i takes its time step from the i-th of N equal parts of 0 .. 999, so that the loss of a step wanders less. int64 (N,).
    """
    count = len(places)
    return ((torch.arange(count, device=places.device) + places) / count * TIMESTEPS).long().clamp(max=TIMESTEPS - 1)
