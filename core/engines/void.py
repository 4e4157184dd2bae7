"""VOID: CogVideoX-Fun V1.5 that was trained to remove things with what they do to the scene.

Of a clip it is shown all, the thing that goes as well, and of its region what the autoencoder makes
of a gray picture: 0 what goes, 1 what stays. Its denoiser patches pairs of latents, so it works on
one latent more than the autoencoder's odd number; that one is dropped again.
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

from core.engines.cogvideox_fun import REFERENCE_NOISE, with_noise
from core.engines.folders import config_of, own_settings
from core.vivid.conditioning import BLACK
from core.vivid.contract import Conditions, Declaration, MaskRule, SAMPLED, Sampling
from core.vivid.model import VIVID, VividModel
from core.vivid.pipeline import VividPipeline
from core.vivid.placed import Work

CHANNELS = 48
"""Noise 16, region 16, video 16."""

DECLARED = Declaration(
    title="VOID",
    mask=MaskRule(one_means="keep", latent="encoded"),
    fill=BLACK,
    shows_region=True,
    frame_unit=8,
    size_unit=16,
    working_size=(384, 672),
    window_frames=81,
    delete_caption="A clean background.",
    scene_caption=True,
    tasks=dict.fromkeys(SAMPLED, Sampling(50, 1.0)),
    removes_only=True,
    rate=12.0,
    negative_caption=(
        "The video is not of a high quality, it has a low resolution. Watermark present in each frame. The background is solid. "
        "Strange body and strange trajectory. Distortion."
    ),
    accelerators=VIVID.accelerators - {"nearby"},  # which knows no patches in time
    usual_speed=VIVID.usual_speed,
)
"""With the latent that is added a window is the 85 frames that it was trained on."""


class VoidPipeline(VividPipeline):
    """VIVID's loop over a denoiser that patches in time, too."""

    patches_time = True

    def work(self, working_size: tuple[int, int], window_frames: int) -> Work:
        pairs = self.transformer.config.patch_size_t
        whole = super().work(working_size, window_frames + self.vae_scale_factor_temporal)
        text = self.transformer.config.max_text_seq_length
        return replace(whole, tokens=(whole.tokens - text) // pairs + text)


@dataclass
class VoidModel(VividModel):
    """A loaded VOID. It denoises as VIVID does; what it reads of a clip differs."""

    pipeline: VoidPipeline
    declared: Declaration = field(default=DECLARED, kw_only=True, repr=False)

    def encode(self, video: Tensor, mask: Tensor, filling: Tensor | None = None) -> Conditions:
        """Latents (1, F + 1, 16, h, w) of the video as it is, and of the region as a picture that
        is 0 inside and 1 outside; see `VideoEngine`.

        Args:
            video: (1, 3, T, H, W) in [-1, 1].
            mask: (1, 1, T, H, W), 1 = edit.
            filling: What the region shows; None for what it holds.

        Returns:
            The two.
        """
        shown = video if filling is None else torch.where(mask > 0, filling, video)
        kept = (1 - mask).expand(-1, 3, -1, -1, -1).to(video)
        return self.encode_pixels(with_noise(shown, self.declared.reference_noise)), self.encode_pixels(kept)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        last = pixels[:, :, -1:].expand(-1, -1, self.pipeline.vae_scale_factor_temporal, -1, -1)
        return self.pipeline.encode_pixels(torch.cat([pixels, last], dim=2))

    def decode(self, latents: Tensor) -> Tensor:
        return self.pipeline.decode_latents(latents[:, :-1])


def recognises(folder: Path) -> bool:
    """Whether a folder holds a VOID in diffusers' layout."""
    return _is_denoiser(folder) and config_of(folder, "transformer").get("in_channels") == CHANNELS


def read_engine(folder: Path, name: str, dtype: torch.dtype, denoiser: Any = None) -> VoidModel:
    """Read a VOID into the host's memory.

    Args:
        folder: In diffusers' layout; with a `denoiser` that of the model that it was made of.
        name: What it is called.
        dtype: Precision of the weights.
        denoiser: One that takes the place of the folder's.

    Returns:
        The engine, not placed yet.
    """
    weights = {"dtype": dtype, "use_safetensors": True}
    if denoiser is None:
        denoiser = CogVideoXTransformer3DModel.from_pretrained(folder, subfolder="transformer", **weights)
    pipeline = VoidPipeline(
        tokenizer=AutoTokenizer.from_pretrained(folder, subfolder="tokenizer", trust_remote_code=False),
        text_encoder=T5EncoderModel.from_pretrained(folder, subfolder="text_encoder", **weights),
        vae=AutoencoderKLCogVideoX.from_pretrained(folder, subfolder="vae", **weights),
        transformer=denoiser,
        # Its makers take plain DDIM, which knows no shift.
        scheduler=CogVideoXDDIMScheduler.from_pretrained(folder, subfolder="scheduler", snr_shift_scale=1.0),
        mask_channels=16,
    )
    pipeline.set_progress_bar_config(disable=True)
    noisy = config_of(folder, "transformer").get("add_noise_in_inpaint_model", False)
    declared = replace(DECLARED, reference_noise=REFERENCE_NOISE if noisy else 0.0)
    tokens = pipeline.transformer.config.max_text_seq_length
    return VoidModel(pipeline=pipeline, name=name, max_text_length=tokens, declared=declared, **own_settings(folder, declared))


def _is_denoiser(folder: Path) -> bool:
    config = config_of(folder, "transformer")
    return config.get("_class_name") == "CogVideoXTransformer3DModel" and config.get("patch_size_t") == 2
