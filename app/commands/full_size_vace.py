"""VACE of full size with random weights."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanVACETransformer3DModel
from torch import nn, Tensor

from app.commands.full_size import random_module
from core.engines.wan_vace import DECLARED, TEXT_TOKENS, VaceEngine, VacePipeline
from core.training.small.networks import build_tokenizer

WORKING_SIZE, WINDOW_FRAMES = (480, 720), 49
"""Those of VIVID, so that engines can be compared; VACE's own are larger."""


@dataclass(frozen=True)
class VaceSize:
    """The sizes of a VACE.

    Attributes:
        heads: Of the denoiser.
        head: Channels of one.
        layers: Blocks of the denoiser.
        hidden: Channels of its feed-forward layers.
        vace_layers: Blocks of the denoiser that take in what the second branch says.
        text_width: Channels of the text encoder.
        base: Channels of the autoencoder's first block.
        few_steps: Steps of the weights that were distilled for it.
        working_size: (height, width) in pixels.
        window_frames: 4k + 1.
    """

    heads: int
    head: int
    layers: int
    hidden: int
    vace_layers: tuple[int, ...]
    text_width: int = 4096
    base: int = 96
    few_steps: int = 4
    working_size: tuple[int, int] = WORKING_SIZE
    window_frames: int = WINDOW_FRAMES


VACE_SIZES = {
    "wan-vace-1.3b": VaceSize(12, 128, 30, 8960, tuple(range(0, 30, 2)), few_steps=8),
    "wan-vace-14b": VaceSize(40, 128, 40, 13824, tuple(range(0, 40, 5))),
    "vace-toy": VaceSize(2, 16, 2, 32, (0, 1), 16, 8, 2, (32, 48), 9),
}
"""By name; `vace-toy` is there to try the way on a CPU."""


def build_vace(name: str, device: torch.device) -> VaceEngine:
    """A model of VACE_SIZES as the editor uses it, without a text encoder: the caption was read.

    Args:
        name: A name of VACE_SIZES.
        device: Where it lies.

    Returns:
        The engine, in half precision but for its autoencoder.
    """
    size = VACE_SIZES[name]
    autoencoder = random_module(lambda: AutoencoderKLWan(base_dim=size.base), device, torch.float32)
    steps = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)
    pipeline = VacePipeline(build_tokenizer(), None, autoencoder, steps, build_vace_denoiser(size, device))
    pipeline.set_progress_bar_config(disable=True)
    return VaceEngine(
        pipeline=pipeline,
        name=name,
        working_size=size.working_size,
        window_frames=size.window_frames,
        tasks=DECLARED.tasks,
        max_text_length=TEXT_TOKENS,
    )


def build_vace_denoiser(size: VaceSize, device: torch.device) -> WanVACETransformer3DModel:
    """The denoiser in bfloat16; what public weights keep in single precision is so here, too."""
    denoiser = random_module(
        lambda: WanVACETransformer3DModel(
            num_attention_heads=size.heads,
            attention_head_dim=size.head,
            num_layers=size.layers,
            ffn_dim=size.hidden,
            text_dim=size.text_width,
            vace_layers=list(size.vace_layers),
            vace_in_channels=96,
            rope_max_seq_len=1024,
        ),
        device,
    )
    for path, module in denoiser.named_modules():
        if path.rpartition(".")[2] in denoiser._keep_in_fp32_modules:
            nn.Module.to(module, torch.float32)
    for path, parameter in denoiser.named_parameters():
        if path.endswith("scale_shift_table"):
            parameter.data = parameter.data.float()
    # Positions are computed, not read: the random filling left nothing in them.
    rope = type(denoiser.rope)(size.head, (1, 2, 2), 1024).to(device)
    denoiser.rope = rope
    return denoiser


def text_for(model: VaceEngine, name: str) -> Tensor:
    """What stands for a caption that was read, (1, L, D)."""
    draw = torch.Generator().manual_seed(0)
    width = VACE_SIZES[name].text_width
    text: Tensor = torch.randn((1, TEXT_TOKENS, width), generator=draw).to(model.device, torch.bfloat16)
    return text


def own_pipeline(model: VaceEngine) -> Any:
    """diffusers' own pipeline of the same parts."""
    from diffusers import WanVACEPipeline

    own = WanVACEPipeline(**model.pipeline.components)
    own.set_progress_bar_config(disable=True)
    return own
