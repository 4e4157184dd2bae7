"""One run of the pipeline, from encoded conditions and noise to pixels. Keyframe mode and
propagation share it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from core.vivid.model import Sampling, VividModel


def denoise(
    model: VividModel,
    caption: str,
    masked_latents: Tensor,
    mask_latents: Tensor,
    seeds: Sequence[int],
    sampling: Sampling,
    on_step: Callable[[int], None],
    guess: Tensor | None = None,
) -> Tensor:
    """Denoise each seed's noise under conditions of batch 1 and decode: pixels (B, 3, T, H, W),
    nominally in [-1, 1].

    With a `guess` (1, F, C, h, w), only the last `sampling.runs` steps are run, from the noised
    guess. `on_step` is called with the number of finished steps and may raise to stop.

    Args:
        model: The video model.
        caption: What the denoiser reads.
        masked_latents: (1, F, C, h, w).
        mask_latents: (1, F, 1, h, w).
        seeds: One for each result.
        sampling: Steps, guidance and strength.
        on_step: Called with the number of finished steps; may raise to stop.
        guess: (1, F, C, h, w), a first guess to start from.

    Returns:
        (B, 3, T, H, W).
    """

    def after_step(pipeline: Any, index: int, timestep: Tensor, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        on_step(index + 1)
        return tensors

    batch = len(seeds)
    drawn = [model.noise(seed, masked_latents.shape[1]) for seed in seeds]
    guided = sampling.guidance > 1
    with torch.inference_mode():
        latents = model.pipeline(
            prompt_embeds=model.embed(caption).expand(batch, -1, -1),
            negative_prompt_embeds=model.embed("").expand(batch, -1, -1) if guided else None,
            masked_latents=masked_latents,
            mask_latents=mask_latents,
            latents=torch.cat([noise for noise, _ in drawn]),
            generator=[generator for _, generator in drawn],
            init_latents=guess,
            strength=sampling.strength,
            num_inference_steps=sampling.steps,
            guidance_scale=sampling.guidance,
            callback_on_step_end=after_step,
            output_type="latent",
            return_dict=False,
        )[0]
        return model.pipeline.decode_latents(latents)
