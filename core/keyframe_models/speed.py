"""Levers of speed on the denoiser of a keyframe model; the code is the video engines'."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from core.vivid.speed.accelerate import compile_blocks, levers_for
from core.vivid.speed.fp8 import use_fp8
from core.vivid.speed.levers import Levers


@dataclass(frozen=True)
class Takes:
    """What of `--speed` a keyframe model takes. Its few steps are all run whole, and its pipeline
    calls the denoiser in ways that no graph was recorded of.
    """

    title: str
    accelerators: frozenset[str] = frozenset({"compiled", "fused", "fp8"})
    usual_speed: str = "plain"


def converted(denoiser: Any, title: str, speed: str, device: torch.device) -> Levers:
    """Bring a denoiser's weights into the form that the levers use.

    Args:
        denoiser: In the host's memory, before it is placed.
        title: What the model is called.
        speed: A preset, levers or auto, which is plain.
        device: Where it is to work, which also does the rounding.

    Returns:
        The levers that it has.
    """
    levers = levers_for(denoiser, speed, device, Takes(title))
    if levers.fused:
        if hasattr(denoiser, "fuse_qkv_projections"):
            denoiser.fuse_qkv_projections()
        levers = replace(levers, fused=_forget_single_layers(denoiser))
    if levers.fp8:
        for block in blocks_of(denoiser):
            use_fp8(block, device)
    return levers


def compiled(denoiser: Any, levers: Levers, streamed: bool) -> Levers:
    """Compile a denoiser's blocks, where the levers say so.

    Args:
        denoiser: Placed on its device.
        levers: As `converted` gives them.
        streamed: Whether it comes to the device layer after layer: then nothing is compiled.

    Returns:
        The levers that it has.
    """
    if levers.compiled and streamed:
        return replace(levers, compiled=False)
    if levers.compiled:
        compile_blocks(blocks_of(denoiser))
    return levers


def blocks_of(denoiser: Any) -> Iterator[nn.Module]:
    """The layers that diffusers says are alike."""
    names = denoiser._repeated_blocks
    return (module for module in denoiser.modules() if type(module).__name__ in names)


def _forget_single_layers(denoiser: nn.Module) -> bool:
    """Drop the layers that diffusers has joined, and keeps: they would lie on the device twice.
    Whether there are such.
    """
    found = False
    joined = {"to_qkv": ("to_q", "to_k", "to_v"), "to_kv": ("to_k", "to_v"), "to_added_qkv": ("add_q_proj", "add_k_proj", "add_v_proj")}
    for module in list(denoiser.modules()):
        for name, parts in joined.items():
            if isinstance(getattr(module, name, None), nn.Linear) and hasattr(module, parts[0]):
                found = True
                for part in parts:
                    delattr(module, part)
    return found
