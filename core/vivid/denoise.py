"""One run of the pipeline, from encoded conditions and noise to pixels. Keyframe mode and propagation share it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from core.vivid.model import Sampling, VividModel


def denoise(
    model: VividModel,
    caption: str,
    masked_latents: Tensor,
    mask_latents: Tensor,
    noise: Tensor,
    sampling: Sampling,
    on_step: Callable[[int], None],
) -> Tensor:
    """Denoise and decode (B, F, C, h, w) noise under conditions of batch 1: pixels (B, 3, T, H, W), nominally in [-1, 1].

    `on_step` is called with the number of finished steps and may raise to stop.
    """

    def after_step(pipeline: Any, index: int, timestep: Tensor, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        on_step(index + 1)
        return tensors

    batch = noise.shape[0]
    guided = sampling.guidance > 1
    with torch.inference_mode():
        latents = model.pipeline(
            prompt_embeds=model.embed(caption).expand(batch, -1, -1),
            negative_prompt_embeds=model.embed("").expand(batch, -1, -1) if guided else None,
            masked_latents=masked_latents,
            mask_latents=mask_latents,
            latents=noise,
            num_inference_steps=sampling.steps,
            guidance_scale=sampling.guidance,
            callback_on_step_end=after_step,
            output_type="latent",
            return_dict=False,
        )[0]
        return model.pipeline.decode_latents(latents)
