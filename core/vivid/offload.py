"""Puts a pipeline on its device as a `MemoryPlan` says.

Text encoder and autoencoder come when they are called (`core.vivid.residents`). The transformer's
layers come through diffusers' group offloading, which fetches the next while one works.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from typing import Any

import torch
from accelerate.hooks import add_hook_to_module
from diffusers.hooks import apply_group_offloading
from torch import nn

from core.machine import free_memory
from core.vivid.memory import (
    choose_plan,
    coding_bytes,
    denoise_bytes,
    lone_bytes,
    MARGIN,
    MemoryPlan,
    Needs,
    overlap,
    READING,
    tile_size,
    with_gaps,
)
from core.vivid.placed import PlacedPipeline
from core.vivid.residents import LayerHook, memory_errors, Residents, weight_bytes


def place(
    pipeline: PlacedPipeline,
    device: torch.device,
    wanted: str,
    working_size: tuple[int, int],
    window_frames: int,
    guided: bool,
    free: int | None = None,
) -> None:
    """Put a pipeline on a device and set its `memory` to the plan that was chosen.

    On a CPU, which has no other memory to work in, everything stays where it is.

    Args:
        pipeline: Lies in the host's memory.
        device: Where it is to work.
        wanted: auto, all, parts or layers.
        working_size: (height, width) of what the model sees, in pixels.
        window_frames: Frames of a window.
        guided: Whether each step also runs without the caption.
        free: Bytes free on the device; None to ask it.

    Raises:
        DeviceMemoryError: The device can't take what was asked for.
    """
    if device.type == "cpu":
        pipeline.to(device)
        return
    needs = needs_of(pipeline, working_size, window_frames, guided)
    free = free_on(device) if free is None else free
    plan = choose_plan(wanted, needs, free, shared=device.type == "mps")
    with memory_errors(plan.mode, device):
        carry_out(pipeline, device, plan, needs, working_size)


def carry_out(pipeline: PlacedPipeline, device: torch.device, plan: MemoryPlan, needs: Needs, working_size: tuple[int, int]) -> None:
    """Attach what moves the weights.

    Args:
        pipeline: Lies in the host's memory.
        device: Where it is to work; may be a CPU, where the moves copy nothing.
        plan: What was chosen.
        needs: What the pipeline needs.
        working_size: (height, width) of what the model sees, in pixels.
    """
    vae = pipeline.vae
    if plan.mode == "all":
        pipeline.to(device)
    elif plan.mode == "parts":
        budget = max(plan.need, (plan.free or 0) - MARGIN)
        pipeline.residents = residents = Residents(device, budget)
        residents.add("vae", vae, needs.coding(plan.tiled))
        for number, denoiser in enumerate(pipeline.denoisers):
            residents.add(f"transformer_{number + 1}" if number else "transformer", denoiser, with_gaps(needs.denoise))
        if pipeline.text_encoder is not None:
            residents.add("text_encoder", pipeline.text_encoder, READING)
    else:
        vae.to(device)
        for denoiser in pipeline.denoisers:
            stream(denoiser, device, offload_type="block_level", num_blocks_per_group=1)
        if pipeline.text_encoder is not None:
            for layer in _layers(pipeline.text_encoder.encoder):
                add_hook_to_module(layer, LayerHook(layer, device))
    if plan.tiled:
        pipeline.code_in_tiles(*tile_size(working_size, pipeline.vae_scale_factor_spatial), overlap())
        vae.enable_slicing()
    pipeline.memory = plan


def needs_of(pipeline: PlacedPipeline, working_size: tuple[int, int], window_frames: int, guided: bool) -> Needs:
    """What loaded weights and a window need on a device.

    Args:
        pipeline: With its weights.
        working_size: (height, width) of what the model sees, in pixels.
        window_frames: Frames of a window.
        guided: Whether each step also runs without the caption.

    Returns:
        Bytes, by part.
    """
    transformer, vae, text = pipeline.transformer, pipeline.vae, pipeline.text_encoder
    work = pipeline.work(working_size, window_frames)
    blocks = [weight_bytes(block) for block in pipeline.blocks_of(transformer)]
    tile = tile_size(working_size, pipeline.vae_scale_factor_spatial)
    return Needs(
        text_encoder=0 if text is None else weight_bytes(text),
        transformer=weight_bytes(transformer),
        vae=weight_bytes(vae),
        text_layers=0 if text is None else max(map(weight_bytes, _layers(text.encoder))),
        # The block at work, the one that is fetched meanwhile, and what lies around the blocks.
        transformer_layers=weight_bytes(transformer) - sum(blocks) + 2 * max(blocks),
        denoise=denoise_bytes(work.tokens, work.width, 2 if guided and work.together else 1, transformer.dtype.itemsize, work.kept),
        whole=coding_bytes((window_frames, work.chunk), working_size, work.coded, vae.dtype.itemsize),
        tiled=coding_bytes((window_frames, work.chunk), working_size, work.coded, vae.dtype.itemsize, tile),
        lone=lone_bytes(work.chunk, working_size, work.coded, vae.dtype.itemsize),
        others=sum(map(weight_bytes, pipeline.denoisers[1:])),
    )


def free_on(device: torch.device) -> int:
    """Bytes that this process can still take on the device: what nobody has, and what its allocator
    holds unused.
    """
    if device.type == "mps":
        return max(0, torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0]) + unused


def stream(part: nn.Module, device: torch.device, **pieces: Any) -> None:
    """Let the layers of a part come to a device while they work, by diffusers' group offloading.

    Fetching ahead wants the weights in memory that is never swapped out, where the host has
    enough of it; else it takes what it needs as it goes. A stream of its own for that is a thing
    of CUDA.

    Args:
        part: Lies in the host's memory.
        device: Where it is to work.
        pieces: What comes at once: `offload_type` and `num_blocks_per_group` of diffusers.
    """
    apply_group_offloading(
        part,
        onload_device=device,
        offload_device=torch.device("cpu"),
        use_stream=device.type == "cuda",
        low_cpu_mem_usage=free_memory() < 2 * weight_bytes(part),
        **pieces,
    )


def _layers(stack: nn.Module) -> list[nn.Module]:
    """The modules of a stack of layers, each of which is called once on the way through."""
    return [layer for child in stack.children() for layer in (child if isinstance(child, nn.ModuleList) else [child])]
