"""What the model in training can do, on unseen procedural clips: sampling through the editor's own
pipeline, and a sheet of results."""

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
from core.data.world import CAPTIONS, World, WorldClips
from core.propagation.mask_motion import warp_clips
from core.training.common.cogvideox import build_scheduler
from core.training.small.latents import show_keyframe
from core.training.small.networks import build_tokenizer
from core.vivid.conditioning import BLACK
from core.vivid.pipeline import VividPipeline


def as_pipeline(vae: AutoencoderKLCogVideoX, transformer: CogVideoXTransformer3DModel, text_encoder: T5EncoderModel) -> VividPipeline:
    """Put the networks in training into the pipeline that the editor runs.

    Args:
        vae: The autoencoder.
        transformer: The denoiser.
        text_encoder: The text encoder.

    Returns:
        The pipeline.
    """
    pipeline = VividPipeline(build_tokenizer(), text_encoder, vae, transformer, build_scheduler())
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def mask_fill(clips: WorldClips) -> Tensor:
    """What propagation shows inside the region of clips (B, 3, T, H, W): the warped frame 0, or
    black where something is deleted."""
    warped = warp_clips(clips.pixels, clips.mask, clips.mask[:, :, :1])
    return torch.where(clips.delete[:, None, None, None, None], torch.full_like(warped, BLACK), warped)


@torch.no_grad()
def edit(
    pipeline: VividPipeline,
    pixels: Tensor,
    mask: Tensor,
    captions: list[str],
    *,
    steps: int,
    guidance: float = 1.0,
    filling: Tensor | float = BLACK,
) -> Tensor:
    """Edit the region of clips; what is outside stays as it is.

    Args:
        pipeline: the networks in training.
        pixels: (B, 3, T, H, W) in [-1, 1].
        mask: 0 or 1, (B, 1, T, H, W).
        captions: one for each clip.
        steps: denoising steps.
        guidance: scale of the guidance; 1 is none.
        filling: what the region shows to the denoiser, (B, 3, T, H, W) or one value.

    Returns:
        The edited clips, shape and range as `pixels`.
    """
    masked_latents, mask_latents = pipeline.encode_masked(pixels, mask, filling)
    (latent,) = pipeline(
        prompt=captions,
        masked_latents=masked_latents,
        mask_latents=mask_latents,
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=torch.Generator("cpu").manual_seed(0),
        output_type="latent",
        return_dict=False,
    )
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
    """Write a sheet of results on unseen clips.

    On the left target, region and keyframe results of single frames; on the right clips that were
    given their first frame, the target over the result.

    Args:
        path: The picture.
        vae: The autoencoder.
        transformer: The denoiser.
        text_encoder: The text encoder.
        world: Where clips come from.
        seed: Of the clips.
    """
    pipeline = as_pipeline(vae, transformer, text_encoder)
    moving = world.motion.clone()
    world.motion.fill_(1.0)
    stills = world.sample(12, 1, delete=0.2, seed=seed)
    captions = [CAPTIONS[index] for index in stills.caption.tolist()]
    painted = edit(pipeline, stills.pixels, stills.mask, captions, steps=10, guidance=3.0)
    left = np.concatenate([tile(stills.pixels), tile(stills.pixels, stills.mask), tile(painted)], axis=1)
    clips = world.sample(6, world.window_frames, delete=0.2, seed=seed + 1)
    pixels, mask = show_keyframe(clips.pixels, clips.mask, torch.ones(6, dtype=torch.bool, device=clips.mask.device))
    propagated = edit(pipeline, pixels, mask, [CAPTIONS[index] for index in clips.caption.tolist()], steps=4, filling=mask_fill(clips))
    right = tile(torch.cat([clips.pixels, propagated], dim=-2))
    world.motion.copy_(moving)
    Image.fromarray(np.concatenate([left, right], axis=1)).save(path)
