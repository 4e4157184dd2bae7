"""What the model in training can do, on unseen procedural clips: sampling through the editor's own pipeline, and a sheet of results."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from PIL import Image
from torch import Tensor
from transformers import T5EncoderModel

from core.data.sheet import tile
from core.data.world import CAPTIONS, Clips, World
from core.propagation.mask_motion import warp_clips
from core.training.common.cogvideox import build_scheduler
from core.training.small.latents import show_keyframe
from core.training.small.networks import build_tokenizer
from core.vivid.conditioning import BLACK
from core.vivid.pipeline import VividPipeline


def as_pipeline(vae: AutoencoderKLCogVideoX, transformer: CogVideoXTransformer3DModel, text_encoder: T5EncoderModel) -> VividPipeline:
    """The networks in training as the pipeline that the editor runs."""
    pipeline = VividPipeline(build_tokenizer(), text_encoder, vae, transformer, build_scheduler())
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def hole_filling(clips: Clips) -> Tensor:
    """What propagation shows in the holes of clips (B, 3, T, H, W): frame 0 carried along the region, black where something is deleted."""
    carried = warp_clips(clips.pixels, clips.mask, clips.mask[:, :, :1])
    return torch.where(clips.delete[:, None, None, None, None], torch.full_like(carried, BLACK), carried)


@torch.no_grad()
def edit(
    pipeline: VividPipeline,
    pixels: Tensor,
    mask: Tensor,
    captions: list[str],
    *,
    steps: int,
    guidance: float = 1.0,
    seed: int = 0,
    guess: Tensor | None = None,
    strength: float = 1.0,
    filling: Tensor | float = BLACK,
) -> Tensor:
    """Fill the region of clips (B, 3, T, H, W) in [-1, 1] with mask (B, 1, T, H, W); what is outside stays as it is.

    filling (B, 3, T, H, W): what the hole shows to the denoiser, if not black.
    guess (B, 3, T, H, W): a first guess of the result to start from in part, as `strength` says (VividPipeline).
    """
    masked_latents, mask_latents = pipeline.encode_masked(pixels, mask, filling)
    (latent,) = pipeline(
        prompt=captions,
        masked_latents=masked_latents,
        mask_latents=mask_latents,
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=torch.Generator("cpu").manual_seed(seed),
        init_latents=None if guess is None else pipeline.encode_pixels(guess),
        strength=strength,
        output_type="latent",
        return_dict=False,
    )
    with torch.no_grad():
        result = pipeline.decode_latents(latent).float().clamp(-1, 1)
    return torch.lerp(pixels, result, mask)


def save_sheet(
    path: Path,
    vae: AutoencoderKLCogVideoX,
    transformer: CogVideoXTransformer3DModel,
    text_encoder: T5EncoderModel,
    world: World,
    seed: int = 4242,
) -> None:
    """Left: target, region, keyframe results of single frames; right: clips given their first frame, target over result."""
    pipeline = as_pipeline(vae, transformer, text_encoder)
    moving = world.motion.clone()
    world.motion.fill_(1.0)
    stills = world.sample(12, 1, delete=0.2, seed=seed)
    captions = [CAPTIONS[index] for index in stills.caption.tolist()]
    painted = edit(pipeline, stills.pixels, stills.mask, captions, steps=10, guidance=3.0)
    left = np.concatenate([tile(stills.pixels), tile(stills.pixels, stills.mask), tile(painted)], axis=1)
    clips = world.sample(6, world.window_frames, delete=0.2, seed=seed + 1)
    pixels, mask = show_keyframe(clips.pixels, clips.mask, torch.ones(6, dtype=torch.bool, device=clips.mask.device))
    carried = edit(pipeline, pixels, mask, [CAPTIONS[index] for index in clips.caption.tolist()], steps=4, filling=hole_filling(clips))
    right = tile(torch.cat([clips.pixels, carried], dim=-2))
    world.motion.copy_(moving)
    Image.fromarray(np.concatenate([left, right], axis=1)).save(path)
