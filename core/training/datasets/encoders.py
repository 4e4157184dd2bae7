"""CogVideoX's autoencoder and text encoder, frozen: what turns samples into what the denoiser
reads. Loaded only when something asks."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, CogVideoXTransformer3DModel
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase, T5EncoderModel

from core.errors import ModelMissingError
from core.vivid.latents import condition_latents, pixel_latents

PartT = TypeVar("PartT")


def load_part(base: str, part: str, kind: type[PartT], **options: Any) -> PartT:
    """Load one folder of a diffusers package.

    Args:
        base: A folder, or a repository of the hub.
        part: Name of the folder inside.
        kind: Class with `from_pretrained`.
        options: Handed on to it.

    Returns:
        The loaded part.

    Raises:
        ModelMissingError: There is no such part, or it is damaged.
    """
    try:
        return kind.from_pretrained(base, subfolder=part, **options)  # type: ignore[attr-defined]
    except (OSError, ValueError, LookupError, TypeError, RuntimeError) as error:
        lines = str(error).splitlines()
        where = "folder" if Path(base).exists() else "folder, or repository of the hub,"
        reason = lines[0] if lines else type(error).__name__
        raise ModelMissingError(f"base={base}: the {where} has no {part} that can be loaded ({reason})") from error


def load_transformer(base: str, dtype: torch.dtype) -> CogVideoXTransformer3DModel:
    """The denoiser of a text-to-video package. ModelMissingError when there is none."""
    return load_part(base, "transformer", CogVideoXTransformer3DModel, torch_dtype=dtype, use_safetensors=True)


def load_alphas(base: str) -> Tensor:
    """Cumulative alphas (1000,), float32, as the base was trained: its scheduler's, rescaled to
    zero terminal SNR where it says so."""
    return load_part(base, "scheduler", CogVideoXDDIMScheduler).alphas_cumprod.float()


class Encoders:
    """Pixels and captions in, latents and embeddings out, in the scale that the base's denoiser was
    trained in."""

    def __init__(self, base: str, device: torch.device, dtype: torch.dtype, text_length: int) -> None:
        self.base, self.device, self.dtype, self.text_length = base, device, dtype, text_length

    @cached_property
    def vae(self) -> AutoencoderKLCogVideoX:
        """The autoencoder, on the device."""
        vae = load_part(self.base, "vae", AutoencoderKLCogVideoX, torch_dtype=self.dtype, use_safetensors=True)
        return vae.to(self.device).eval().requires_grad_(False)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The text encoder's tokenizer."""
        return load_part(self.base, "tokenizer", AutoTokenizer, trust_remote_code=False)

    @cached_property
    def text_encoder(self) -> T5EncoderModel:
        """T5, on the device."""
        encoder = load_part(self.base, "text_encoder", T5EncoderModel, dtype=self.dtype, use_safetensors=True)
        return encoder.to(self.device).eval().requires_grad_(False)

    @torch.no_grad()
    def latent(self, pixels: Tensor) -> Tensor:
        """What is denoised: (B, 3, T, H, W) in [-1, 1] -> (B, F, C, h, w)."""
        return pixel_latents(self.vae, pixels)

    @torch.no_grad()
    def condition(self, pixels: Tensor) -> Tensor:
        """What is conditioned on: the masked video's latents, shapes as `latent`."""
        return condition_latents(self.vae, pixels)

    @torch.no_grad()
    def text(self, captions: list[str]) -> Tensor:
        """(B, L, D): padded to the denoiser's length, no attention mask, as CogVideoX's pipeline
        does it."""
        ids = self.tokenizer(
            captions, padding="max_length", max_length=self.text_length, truncation=True, add_special_tokens=True, return_tensors="pt"
        ).input_ids
        return self.text_encoder(ids.to(self.device))[0].to(self.dtype)
