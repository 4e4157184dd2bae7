"""CogVideoX-Fun InP: CogVideoX that was trained to inpaint, with VIVID's order of channels and a
packing of its own.

Its mask says what is kept, times the autoencoder's scale, and is resized rather than pooled. The
clip that it is shown is a little noisy where it isn't black.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, CogVideoXTransformer3DModel
from torch import Tensor
from transformers import AutoTokenizer, T5EncoderModel

from core.engines.folders import config_of, own_settings
from core.engines.packing import pack_mask
from core.vivid.conditioning import BLACK, EMPTY_CAPTION, masked_video
from core.vivid.contract import Conditions, Declaration, MaskRule, SAMPLED, Sampling
from core.vivid.model import VIVID, VividModel
from core.vivid.pipeline import VividPipeline

REFERENCE_NOISE = 0.0563
_CHANNELS = 33
"""Noise 16, mask 1, masked video 16."""

DECLARED = Declaration(
    title="CogVideoX-Fun InP",
    mask=MaskRule(one_means="keep", latent="resized"),
    fill=BLACK,
    frame_unit=8,
    size_unit=16,
    working_size=(480, 720),
    window_frames=49,
    delete_caption=EMPTY_CAPTION,
    tasks=dict.fromkeys(SAMPLED, Sampling(50, 6.0)),
    rate=8.0,
    region_form="box+expand",
    accelerators=VIVID.accelerators,
    usual_speed=VIVID.usual_speed,
)
"""The mask's scale and the noise are the weights' own (`read_engine`)."""


@dataclass
class FunInpaintModel(VividModel):
    """A loaded CogVideoX-Fun InP. It denoises as VIVID does; what it reads of a clip differs."""

    declared: Declaration = field(default=DECLARED, kw_only=True, repr=False)

    def encode(self, video: Tensor, mask: Tensor, filling: Tensor | None = None) -> Conditions:
        """Latent of the masked video (1, F, 16, h, w) and mask (1, F, 1, h, w), both 0 where
        nothing at all is kept; see `VideoEngine`.

        Args:
            video: (1, 3, T, H, W) in [-1, 1].
            mask: (1, 1, T, H, W), 1 = edit.
            filling: What the region shows; None for black.

        Returns:
            The two.
        """
        pipeline = self.pipeline
        packed = pack_mask(mask, self.declared.mask, pipeline.vae_scale_factor_spatial, pipeline.vae_scale_factor_temporal)
        shown = masked_video(video, mask, self.declared.fill if filling is None else filling)
        masked = pipeline.encode_pixels(with_noise(shown, self.declared.reference_noise))
        if mask.min() > 0:
            masked = torch.zeros_like(masked)
            packed = torch.zeros_like(packed)
        return masked, packed.transpose(1, 2).to(masked)


def with_noise(shown: Tensor, deviation: float) -> Tensor:
    """Put noise on all that isn't exactly black; the same each time, so that a clip has one
    latent.
    """
    if not deviation:
        return shown
    noise = torch.randn(shown.shape, generator=torch.Generator().manual_seed(0)).to(shown) * deviation
    return shown + torch.where(shown == BLACK, torch.zeros_like(noise), noise)


def recognises(folder: Path) -> bool:
    """Whether a folder holds a CogVideoX-Fun InP in diffusers' layout."""
    config = config_of(folder, "transformer")
    return config.get("_class_name") == "CogVideoXTransformer3DModel" and config.get("in_channels") == _CHANNELS


def read_engine(folder: Path, name: str, dtype: torch.dtype, denoiser: Any = None) -> FunInpaintModel:
    """Read a CogVideoX-Fun InP into the host's memory, part by part: the index of the public
    weights may name classes that diffusers doesn't have.

    Args:
        folder: In diffusers' layout.
        name: What it is called.
        dtype: Precision of the weights.
        denoiser: One that takes the place of the folder's.

    Returns:
        The engine, not placed yet.
    """
    weights = {"dtype": dtype, "use_safetensors": True}
    vae = AutoencoderKLCogVideoX.from_pretrained(folder, subfolder="vae", **weights)
    if denoiser is None:
        denoiser = CogVideoXTransformer3DModel.from_pretrained(folder, subfolder="transformer", **weights)
    pipeline = VividPipeline(
        tokenizer=AutoTokenizer.from_pretrained(folder, subfolder="tokenizer", trust_remote_code=False),
        text_encoder=T5EncoderModel.from_pretrained(folder, subfolder="text_encoder", **weights),
        vae=vae,
        transformer=denoiser,
        scheduler=CogVideoXDDIMScheduler.from_pretrained(folder, subfolder="scheduler"),
    )
    pipeline.set_progress_bar_config(disable=True)
    noisy = config_of(folder, "transformer").get("add_noise_in_inpaint_model", False)
    declared = replace(
        DECLARED,
        mask=replace(DECLARED.mask, scale=vae.config.scaling_factor),
        reference_noise=REFERENCE_NOISE if noisy else 0.0,
    )
    tokens = pipeline.transformer.config.max_text_seq_length
    return FunInpaintModel(pipeline=pipeline, name=name, max_text_length=tokens, declared=declared, **own_settings(folder, declared))
