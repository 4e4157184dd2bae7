"""Models of full size with random weights: speed and memory are those of trained ones."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from torch import nn
from transformers import T5Config, T5EncoderModel

from core.training.common.cogvideox import build_scheduler
from core.training.small.networks import build_tokenizer
from core.vivid.contract import Sampling
from core.vivid.model import VividModel
from core.vivid.pipeline import VividPipeline

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class FullSize:
    """The sizes of a VIVID model on CogVideoX.

    Attributes:
        working_size: (height, width) in pixels.
        window_frames: 8k + 1.
        layers: Blocks of the denoiser.
        heads: Of 64 channels each.
        text_layers: Of the text encoder.
        text_width: Its channels.
        text_tokens: Tokens of a caption.
        text_hidden: Channels of its feed-forward layers.
        text_heads: Of 64 channels each.
        vae_channels: Of the autoencoder's four blocks.
        vae_layers: Layers of a block.
        vae_groups: Groups that it normalises over.
    """

    working_size: tuple[int, int]
    window_frames: int
    layers: int
    heads: int
    text_layers: int
    text_width: int
    text_tokens: int
    text_hidden: int
    text_heads: int
    vae_channels: tuple[int, int, int, int]
    vae_layers: int
    vae_groups: int


SIZES = {
    "vivid-5b": FullSize((480, 720), 49, 42, 48, 24, 4096, 226, 10240, 64, (128, 256, 256, 512), 3, 32),
    "vivid-toy": FullSize((96, 80), 9, 2, 2, 2, 64, 16, 128, 2, (16, 32, 32, 32), 1, 8),
}
"""By name; `vivid-toy` is there to try the way on a CPU."""


def build_transformer(size: FullSize, device: torch.device, in_channels: int = 33) -> CogVideoXTransformer3DModel:
    """The denoiser.

    Args:
        size: Its sizes.
        device: Where it lies.
        in_channels: 33 are VIVID's, 16 those of the base model.

    Returns:
        The network, in bfloat16.
    """
    return random_module(
        lambda: CogVideoXTransformer3DModel(
            num_attention_heads=size.heads,
            attention_head_dim=64,
            in_channels=in_channels,
            out_channels=16,
            time_embed_dim=512,
            text_embed_dim=size.text_width,
            num_layers=size.layers,
            sample_width=size.working_size[1] // 8,
            sample_height=size.working_size[0] // 8,
            sample_frames=size.window_frames,
            patch_size=2,
            max_text_seq_length=size.text_tokens,
            use_rotary_positional_embeddings=True,
        ),
        device,
    )


def build_autoencoder(size: FullSize, device: torch.device) -> AutoencoderKLCogVideoX:
    """The autoencoder."""
    return random_module(
        lambda: AutoencoderKLCogVideoX(
            block_out_channels=size.vae_channels,
            latent_channels=16,
            layers_per_block=size.vae_layers,
            norm_num_groups=size.vae_groups,
            sample_height=size.working_size[0],
            sample_width=size.working_size[1],
            scaling_factor=0.7,
        ),
        device,
    )


def build_text_encoder(size: FullSize, device: torch.device) -> T5EncoderModel:
    """The text encoder."""
    return random_module(
        lambda: T5EncoderModel(
            T5Config(
                vocab_size=32128,
                d_model=size.text_width,
                d_kv=64,
                d_ff=size.text_hidden,
                num_layers=size.text_layers,
                num_heads=size.text_heads,
                feed_forward_proj="gated-gelu",
                pad_token_id=0,
                eos_token_id=1,
                decoder_start_token_id=0,
            )
        ),
        device,
    )


def build_pipeline(size: FullSize, device: torch.device) -> VividPipeline:
    """All parts on a device."""
    encoder, autoencoder = build_text_encoder(size, device), build_autoencoder(size, device)
    return VividPipeline(build_tokenizer(), encoder, autoencoder, build_transformer(size, device), build_scheduler())


def build_model(name: str, device: torch.device) -> VividModel:
    """A model of SIZES as the editor uses it."""
    size = SIZES[name]
    pipeline = build_pipeline(size, device)
    pipeline.set_progress_bar_config(disable=True)
    tasks = dict.fromkeys(("add", "modify", "delete", "propagate"), Sampling(50, 6.0))
    return VividModel(pipeline, name, size.working_size, size.window_frames, tasks, size.text_tokens)


def random_module(make: Callable[[], Module], device: torch.device, dtype: torch.dtype = torch.bfloat16) -> Module:
    """A module filled where it lies: it is never built with weights of its own.

    Args:
        make: Builds it.
        device: Where it lies.
        dtype: Its precision.

    Returns:
        The module, for use without gradients.
    """
    with torch.device("meta"):
        module = make()
    # (diffusers' own `to` warns about modules that are to stay in single precision: here none are)
    nn.Module.to(module, dtype)
    module = module.to_empty(device=device).eval().requires_grad_(False)
    if hasattr(module, "tie_weights"):
        module.tie_weights()  # type: ignore[operator]
    draw = torch.Generator(device).manual_seed(0)
    for name, parameter in module.named_parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, 0, 0.02, generator=draw)
        else:
            parameter.fill_(float("norm" in name and name.endswith("weight")))
    return module
