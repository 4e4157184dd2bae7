"""Puts a pipeline on its device as a `MemoryPlan` says: weights come from the host's memory when they are called, and leave again.

The host keeps every weight, so leaving copies nothing. The transformer's layers come through diffusers' group offloading, which fetches
the next while one works.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import contextlib
from collections.abc import Iterator
from typing import Any, TYPE_CHECKING

import torch
from accelerate.hooks import add_hook_to_module, ModelHook
from accelerate.utils import send_to_device
from torch import nn

from core.errors import DeviceMemoryError
from core.machine import free_memory
from core.vivid.memory import choose_plan, coding_bytes, denoise_bytes, leaving, MARGIN, MemoryPlan, Needs, overlap, shortage, tile_size

if TYPE_CHECKING:
    from core.vivid.pipeline import VividPipeline


def place(
    pipeline: VividPipeline,
    device: torch.device,
    wanted: str,
    working_size: tuple[int, int],
    window_frames: int,
    guided: bool,
    free: int | None = None,
) -> None:
    """Put the pipeline, which lies in the host's memory, on `device` and set its `memory` to what was chosen.

    `wanted` is auto, all, parts or layers; `free` bytes are asked of the device when None. On a CPU, which has no other memory to work
    in, everything stays where it is. DeviceMemoryError when the device can't take what was asked for.
    """
    if device.type == "cpu":
        pipeline.to(device)
        return
    needs = needs_of(pipeline, working_size, window_frames, guided)
    free = free_on(device) if free is None else free
    plan = choose_plan(wanted, needs, free, shared=device.type == "mps")
    with told_shortage(plan.mode, device):
        carry_out(pipeline, device, plan, needs, working_size)


def carry_out(pipeline: VividPipeline, device: torch.device, plan: MemoryPlan, needs: Needs, working_size: tuple[int, int]) -> None:
    """Attach what moves the weights. The pipeline lies in the host's memory; `device` may be a CPU, where the moves copy nothing."""
    vae = pipeline.vae
    if plan.mode == "all":
        pipeline.to(device)
    elif plan.mode == "parts":
        budget = max(plan.need, (plan.free or 0) - MARGIN)
        pipeline.residents = residents = Residents(device, budget)
        residents.add("vae", vae, needs.tiled if plan.tiled else needs.whole)
        residents.add("transformer", pipeline.transformer, needs.denoise)
        if pipeline.text_encoder is not None:
            residents.add("text_encoder", pipeline.text_encoder, 0)
    else:
        vae.to(device)
        _stream_transformer(pipeline, device, needs.transformer)
        if pipeline.text_encoder is not None:
            for layer in _layers(pipeline.text_encoder.encoder):
                add_hook_to_module(layer, _VisitHook(layer, device))
    if plan.tiled:
        high, wide = overlap()
        height, width = tile_size(working_size, pipeline.vae_scale_factor_spatial)
        vae.enable_tiling(height, width, high, wide)
        vae.enable_slicing()
    pipeline.memory = plan


def needs_of(pipeline: VividPipeline, working_size: tuple[int, int], window_frames: int, guided: bool) -> Needs:
    """What the loaded weights and a window of `window_frames` at `working_size` (height, width) need on a device."""
    transformer, vae, text = pipeline.transformer, pipeline.vae, pipeline.text_encoder
    config, itemsize = transformer.config, transformer.dtype.itemsize
    height, width = working_size
    cell = pipeline.vae_scale_factor_spatial * config.patch_size
    latents = (window_frames - 1) // pipeline.vae_scale_factor_temporal + 1
    tokens = latents * (height // cell) * (width // cell) + config.max_text_seq_length
    blocks = [_bytes(block) for block in transformer.transformer_blocks]
    first = vae.config.block_out_channels[0]
    tile = tile_size(working_size, pipeline.vae_scale_factor_spatial)
    return Needs(
        text_encoder=0 if text is None else _bytes(text),
        transformer=_bytes(transformer),
        vae=_bytes(vae),
        text_layers=0 if text is None else max(map(_bytes, _layers(text.encoder))),
        # The block at work, the one that is fetched meanwhile, and what lies around the blocks.
        transformer_layers=_bytes(transformer) - sum(blocks) + 2 * max(blocks),
        denoise=denoise_bytes(tokens, config.num_attention_heads * config.attention_head_dim, 2 if guided else 1, itemsize),
        whole=coding_bytes(window_frames, working_size, first, vae.dtype.itemsize),
        tiled=coding_bytes(window_frames, working_size, first, vae.dtype.itemsize, tile),
    )


def free_on(device: torch.device) -> int:
    """Bytes that this process can still take on the device: what nobody has, and what its allocator holds unused."""
    if device.type == "mps":
        return max(0, torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0]) + unused


@contextlib.contextmanager
def told_shortage(mode: str, device: torch.device) -> Iterator[None]:
    """Turns the device's running out of memory into a DeviceMemoryError that says what to do."""
    short = False
    try:
        yield
    except torch.OutOfMemoryError:
        short = True
    except RuntimeError as error:
        if device.type != "mps" or "out of memory" not in str(error):  # which has no class of its own for it
            raise
        short = True
    if short:  # only here, where the error and with it what its frames hold are gone
        _give_back(device)
        raise DeviceMemoryError(shortage(mode, str(device)))


class Residents:
    """The parts of a pipeline that visit a device. Whoever is called comes; of the others those leave that it finds no room beside."""

    def __init__(self, device: torch.device, budget: int) -> None:
        """`budget`: bytes that weights and work may hold together."""
        self.device, self.budget = device, budget
        self._parts: dict[str, _Part] = {}
        self._work: dict[str, int] = {}
        self._here: dict[str, int] = {}

    @property
    def here(self) -> tuple[str, ...]:
        """The parts on the device, the longest there first."""
        return tuple(self._here)

    def add(self, name: str, module: nn.Module, work: int) -> None:
        """Let `module` come whenever its forward is called (of an autoencoder encode and decode too); it needs `work` bytes on top."""
        self._parts[name], self._work[name] = _Part(module, self.device), work
        add_hook_to_module(module, _PartHook(self, name))

    def come(self, name: str) -> None:
        """Bring a part to the device."""
        part = self._parts[name]
        others = {other: size for other, size in self._here.items() if other != name}
        for other in leaving(others, part.size + self._work[name], self.budget):
            self.leave(other)
        if name in self._here:
            return
        try:
            part.come()
        except torch.OutOfMemoryError:  # another program took what was free; alone the part may find room all the same
            for other in self.here:
                self.leave(other)
            part.come()
        self._here[name] = part.size

    def leave(self, name: str) -> None:
        """Send a part back; nothing when it is not there."""
        if self._here.pop(name, None) is not None:
            self._parts[name].leave()
            _give_back(self.device)


class _Part:
    """Weights that lie in the host's memory and can be seen on a device."""

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        self.device = device
        self.tensors = list(dict.fromkeys([*module.parameters(), *module.buffers()]))  # tied weights once
        self.kept = [tensor.data for tensor in self.tensors]
        self.size = sum(tensor.nbytes for tensor in self.kept)

    def come(self) -> None:
        """All of it, or nothing when the device is full."""
        try:
            with torch.inference_mode(False):
                for tensor, kept in zip(self.tensors, self.kept, strict=True):
                    tensor.data = kept.to(self.device, non_blocking=True)
        except torch.OutOfMemoryError:
            self.leave()
            raise

    def leave(self) -> None:
        with torch.inference_mode(False):
            for tensor, kept in zip(self.tensors, self.kept, strict=True):
                tensor.data = kept


class _PartHook(ModelHook):
    def __init__(self, residents: Residents, name: str) -> None:
        self._residents, self._name = residents, name
        self.execution_device = residents.device
        """By which diffusers knows where the pipeline works."""

    def pre_forward(self, module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        self._residents.come(self._name)
        return send_to_device(args, self.execution_device), send_to_device(kwargs, self.execution_device)


class _VisitHook(ModelHook):
    """For one layer: there while it works."""

    def __init__(self, layer: nn.Module, device: torch.device) -> None:
        self._part = _Part(layer, device)
        self.execution_device = device

    def pre_forward(self, module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        self._part.come()
        return send_to_device(args, self.execution_device), send_to_device(kwargs, self.execution_device)

    def post_forward(self, module: nn.Module, output: Any) -> Any:
        self._part.leave()
        return output


def _stream_transformer(pipeline: VividPipeline, device: torch.device, size: int) -> None:
    """Fetching ahead wants the weights in memory that is never swapped out, where the host has enough of it; else it takes what it needs
    as it goes. A stream of its own for that is a thing of CUDA."""
    pipeline.transformer.enable_group_offload(
        onload_device=device,
        offload_device=torch.device("cpu"),
        offload_type="block_level",
        num_blocks_per_group=1,
        use_stream=device.type == "cuda",
        low_cpu_mem_usage=free_memory() < 2 * size,
    )


def _layers(stack: nn.Module) -> list[nn.Module]:
    """The modules of a stack of layers, each of which is called once on the way through."""
    return [layer for child in stack.children() for layer in (child if isinstance(child, nn.ModuleList) else [child])]


def _bytes(module: nn.Module) -> int:
    return sum(tensor.nbytes for tensor in dict.fromkeys([*module.parameters(), *module.buffers()]))


def _give_back(device: torch.device) -> None:
    """Let other programs have what the allocator holds unused, and ours find it in one piece."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
