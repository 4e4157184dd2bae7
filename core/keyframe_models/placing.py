"""Where the weights of a keyframe model lie: on a GPU its parts come when they are called, and all
leave when the video model needs the room.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import functools
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import DiffusionPipeline
from torch import nn

from core.vivid.memory import coding_bytes, MARGIN
from core.vivid.offload import stream
from core.vivid.residents import Residents, weight_bytes

DENOISING = 2048
"""Bytes that a step of a denoiser needs for a pixel of the picture, besides its weights: sixteen
times the hidden states of both pictures and the caption in FLUX.2 klein. Computed, not measured.
"""
TILE = 512
"""Pixels across of a tile."""
LAYERS = 20
"""Into how many pieces at least weights fall that come to the device layer after layer."""


@dataclass(frozen=True)
class PartsPlan:
    """How the parts of a model share a device: `streamed` are those of which only the layers at
    work are there, `tiled` says that pictures are coded in tiles. In bytes: `budget` what the parts
    may hold together, `need` the most that they do.
    """

    streamed: tuple[str, ...]
    tiled: bool
    budget: int
    need: int

    def __str__(self) -> str:
        layers = f", {', '.join(self.streamed)} layer after layer" if self.streamed else ""
        return f"its parts come when they are needed{layers}{', coded in tiles' if self.tiled else ''}; up to {self.need / 1e9:.1f} GB"


@dataclass(frozen=True)
class Places:
    """What was chosen, and the parts that visit the device."""

    plan: PartsPlan
    residents: Residents

    @property
    def held(self) -> int:
        """Bytes of weights on the device now."""
        return self.residents.held

    def leave(self) -> None:
        """Send everything back to the host's memory."""
        for name in self.residents.here:
            self.residents.leave(name)


def place(
    pipeline: DiffusionPipeline, denoiser: str, device: torch.device, wanted: str, size: tuple[int, int], free: int | None
) -> Places | None:
    """Put a pipeline on a device.

    Args:
        pipeline: Lies in the host's memory.
        denoiser: The name of its denoiser.
        device: Where it is to work.
        wanted: auto or all keep what fits on the device, parts only what works, layers of large
            parts only the layers that work.
        size: (height, width) of the pictures, in pixels.
        free: Bytes free on the device; None where nothing is to be shared out (a CPU, or a device
            that works in the host's own memory).

    Returns:
        What was chosen; None where all of it lies on the device for good.
    """
    if free is None:
        pipeline.to(device)
        return None
    parts = parts_of(pipeline)
    plan = plan_parts(parts, denoiser, wanted, size, free)
    if plan.tiled:
        parts["vae"].enable_tiling()
    work = _work(parts, denoiser, size, plan.tiled)
    residents = Residents(device, plan.budget)
    for name, part in parts.items():
        if name in plan.streamed:
            stream(part, device, offload_type="leaf_level")
            # Asked first: parts that stay while there is room know nothing of layers that come.
            part.register_forward_pre_hook(functools.partial(_make_room, residents, _at_once(weight_bytes(part)) + work[name]))
        else:
            residents.add(name, part, work[name])
    return Places(plan, residents)


def parts_of(pipeline: DiffusionPipeline) -> dict[str, Any]:
    """The networks of a pipeline, by their names there."""
    return {name: part for name, part in pipeline.components.items() if isinstance(part, nn.Module)}


def plan_parts(parts: dict[str, Any], denoiser: str, wanted: str, size: tuple[int, int], free: int) -> PartsPlan:
    """How parts share a device.

    Args:
        parts: The networks by name, the autoencoder as `vae`.
        denoiser: The name of the denoiser.
        wanted: As for `place`.
        size: (height, width) of the pictures, in pixels.
        free: Bytes free on the device.

    Returns:
        The plan.
    """
    room, sizes = free - MARGIN, {name: weight_bytes(part) for name, part in parts.items()}
    tiled = sizes["vae"] + _work(parts, denoiser, size)["vae"] > room
    work = _work(parts, denoiser, size, tiled)
    streamed = tuple(name for name in parts if name != "vae" and (wanted == "layers" or sizes[name] + work[name] > room))
    least = max((_at_once(sizes[name]) if name in streamed else sizes[name]) + work[name] for name in parts)
    budget = least if wanted in ("parts", "layers") else max(least, room)
    resting = sum(sizes[name] for name in parts if name not in streamed)
    return PartsPlan(streamed, tiled, budget, min(budget, max(least, resting + max(work.values()))))


def _at_once(size: int) -> int:
    """Bytes of a part of `size` bytes that are on the device while it comes layer after layer."""
    return size // LAYERS


def _make_room(residents: Residents, size: int, part: nn.Module, given: Any) -> None:
    residents.make_room(size)


def _work(parts: dict[str, Any], denoiser: str, size: tuple[int, int], tiled: bool = False) -> dict[str, int]:
    """Bytes that each part needs besides its weights."""
    work = dict.fromkeys(parts, 0)
    height, width = size
    work[denoiser] = DENOISING * height * width
    vae = parts["vae"]
    first = (vae.config.get("block_out_channels") or [vae.config.get("base_dim")])[0]
    tile = (min(height, TILE), min(width, TILE)) if tiled else None
    work["vae"] = coding_bytes((1, 1), size, first, next(vae.parameters()).dtype.itemsize, tile)
    return work
