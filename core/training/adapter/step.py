"""The mathematics of one step of `vivid-5b`: what is trained, its noise, its time steps and its
loss."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from typing import Any

import torch
from diffusers import CogVideoXTransformer3DModel
from torch import nn, Tensor

from core.errors import InputError
from core.training.adapter.config import Vivid5bConfig
from core.training.common.diffusion import noised, spread_timesteps, velocity_loss
from core.training.common.optimizer import Optimizer, OptimizerSettings
from core.training.datasets.conditions import generator_for
from core.training.datasets.feed import LatentBatch
from core.training.datasets.sample_schedule import Kind
from core.vivid.adapter import add_adapter, trainable_parameters
from core.vivid.conditioning import denoiser_input


def dtype_of(config: Vivid5bConfig, device: torch.device) -> torch.dtype:
    """The precision of frozen weights and passes."""
    wanted = config.precision if config.precision != "auto" else "bfloat16" if device.type == "cuda" else "float32"
    return torch.bfloat16 if wanted == "bfloat16" else torch.float32


def adapted(config: Vivid5bConfig, transformer: CogVideoXTransformer3DModel) -> dict[str, nn.Parameter]:
    """Widen the base and attach LoRA, in place; returns what is trained, by name.

    InputError for a base that can't become a VIVID.
    """
    torch.manual_seed(config.seed)
    try:
        add_adapter(transformer, rank=config.rank)
    except ValueError as error:
        raise InputError(f"base={config.base}: {error}") from error
    trainable_parameters(transformer)
    return {name: parameter for name, parameter in transformer.named_parameters() if parameter.requires_grad}


def adapter_optimizer(config: Vivid5bConfig, parameters: dict[str, nn.Parameter]) -> Optimizer:
    """What moves the adapter's parameters."""
    return Optimizer(
        parameters,
        OptimizerSettings(config.learning_rate, (0.9, 0.95), config.weight_decay, config.clip_norm, config.ema),
    )


def denoising_loss(
    model: nn.Module, batch: LatentBatch, step: Tensor, noise: Tensor, alphas: Tensor, rotary: Any, outside: float
) -> Tensor:
    """Compute the loss of a batch.

    Args:
        model: The denoiser.
        batch: What it learns from.
        step: Time steps, int64 (B,), 0 to 999.
        noise: (B, F, C, h, w), float32.
        alphas: Cumulative alphas of all time steps, (1000,).
        rotary: Rotary positions of the tokens, or None.
        outside: Weight of the loss outside the mask, 0 to 1.

    Returns:
        A scalar in float32.
    """
    alpha = alphas[step].view(-1, 1, 1, 1, 1)
    noisy, velocity = noised(batch.latent.float(), noise, alpha)
    predicted = model(
        hidden_states=denoiser_input(noisy.to(batch.latent.dtype), batch.mask, batch.masked),
        encoder_hidden_states=batch.text,
        timestep=step,
        image_rotary_emb=rotary,
        return_dict=False,
    )[0]
    return velocity_loss(predicted, velocity, batch.mask, outside)


def draw_noise(seed: int, kind: Kind, numbers: tuple[int, ...], shape: torch.Size) -> Tensor:
    """Draw noise on the CPU, for each sample from its own number.

    Args:
        seed: Of the run.
        kind: Of the samples.
        numbers: Of the samples, B.
        shape: Of the latents, (B, F, C, h, w).

    Returns:
        Standard normal noise of this shape. It does not depend on how a step is split over
        processes.
    """
    seeds = (int(generator_for(seed, f"noise-{kind}", number).integers(1 << 62)) for number in numbers)
    return torch.stack([torch.randn(shape[1:], generator=torch.Generator().manual_seed(one)) for one in seeds])


def draw_timesteps(seed: int, step: int, count: int) -> Tensor:
    """Draw the time steps of all samples of a step (see `spread_timesteps`).

    Args:
        seed: Of the run.
        step: Number of the step.
        count: Of samples.

    Returns:
        int64 (count,), 0 to 999.
    """
    return spread_timesteps(torch.from_numpy(generator_for(seed, "timesteps", step).random(count)))
