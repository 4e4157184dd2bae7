"""What the model in training can do, on unseen procedural clips: the bare sampling loop and a sheet of results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from PIL import Image
from torch import Tensor
from transformers import T5EncoderModel

from core.data.sheet import tile
from core.data.world import CAPTIONS, World
from core.training.latents import show_keyframe
from core.training.networks import build_scheduler, rotary_embedding, token_ids
from core.vivid.conditioning import denoiser_input, latent_mask, masked_video


@torch.no_grad()
def edit(
    vae: AutoencoderKLCogVideoX,
    transformer: CogVideoXTransformer3DModel,
    text_encoder: T5EncoderModel,
    pixels: Tensor,
    mask: Tensor,
    captions: list[str],
    *,
    steps: int,
    guidance: float = 1.0,
    seed: int = 0,
) -> Tensor:
    """Fill the region of clips (B, 3, T, H, W) in [-1, 1] with mask (B, 1, T, H, W); what is outside stays as it is."""
    device, batch = pixels.device, pixels.shape[0]
    masked = vae.encode(masked_video(pixels, mask)).latent_dist.mode().transpose(1, 2).float() * vae.config.scaling_factor
    small_mask = latent_mask(mask)
    texts = captions + ([""] * batch if guidance != 1 else [])
    text = text_encoder(input_ids=token_ids(texts).to(device))[0]
    generator = torch.Generator("cpu").manual_seed(seed)
    sample = torch.randn(masked.shape, generator=generator).to(device)
    rotary = rotary_embedding(transformer, masked.shape[1], masked.shape[3], masked.shape[4], device)
    scheduler = build_scheduler()
    scheduler.set_timesteps(steps, device=device)
    copies = 2 if guidance != 1 else 1
    for timestep in scheduler.timesteps:
        predicted = transformer(
            hidden_states=denoiser_input(sample, small_mask, masked).repeat(copies, 1, 1, 1, 1),
            encoder_hidden_states=text,
            timestep=timestep.expand(copies * batch),
            image_rotary_emb=rotary,
            return_dict=False,
        )[0].float()
        if guidance != 1:
            conditional, unconditional = predicted.chunk(2)
            predicted = unconditional + guidance * (conditional - unconditional)
        sample = scheduler.step(predicted, timestep, sample, return_dict=False)[0]
    result = vae.decode(sample.transpose(1, 2) / vae.config.scaling_factor).sample.float().clamp(-1, 1)
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
    models = (vae, transformer, text_encoder)
    moving = world.motion.clone()
    world.motion.fill_(1.0)
    stills = world.sample(12, 1, delete=0.2, seed=seed)
    captions = [CAPTIONS[index] for index in stills.caption.tolist()]
    painted = edit(*models, stills.pixels, stills.mask, captions, steps=10, guidance=3.0)
    left = np.concatenate([tile(stills.pixels), tile(stills.pixels, stills.mask), tile(painted)], axis=1)
    clips = world.sample(6, world.window_frames, delete=0.2, seed=seed + 1)
    pixels, mask = show_keyframe(clips.pixels, clips.mask, torch.ones(6, dtype=torch.bool, device=clips.mask.device))
    carried = edit(*models, pixels, mask, [CAPTIONS[index] for index in clips.caption.tolist()], steps=6)
    right = tile(torch.cat([clips.pixels, carried], dim=-2))
    world.motion.copy_(moving)
    Image.fromarray(np.concatenate([left, right], axis=1)).save(path)
