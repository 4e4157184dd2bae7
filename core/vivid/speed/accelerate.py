"""Sets the levers on a loaded pipeline."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from platformdirs import user_cache_path
from torch import nn

from core.vivid.speed.attention import fuse_attention
from core.vivid.speed.fp8 import has_fp8, use_fp8
from core.vivid.speed.graphs import GraphReplay
from core.vivid.speed.levers import Levers, parse_levers, PRESETS
from core.vivid.speed.twin import Twin

if TYPE_CHECKING:
    from core.vivid.pipeline import VividPipeline

log = logging.getLogger(__name__)

_BACKEND = "inductor"
_LARGE = 1_000_000_000
"""Parameters."""
_SHAPES = 64
"""For how many shapes a block may be compiled: crops, batches and lengths of window."""


def accelerate(pipeline: VividPipeline, levers: Levers) -> Levers:
    """Set levers on a pipeline that lies on its device, once.

    Those that the device or its memory plan can't take are left out.

    Args:
        pipeline: Loaded and placed; none of its levers is set yet.
        levers: What is wanted.

    Returns:
        The levers that were set.
    """
    set_ = possible(levers, pipeline._execution_device, pipeline.memory.mode)
    transformer = pipeline.transformer
    for block in transformer.transformer_blocks:
        if set_.fused:
            fuse_attention(block.attn1, set_.attention)
        if set_.fp8:
            use_fp8(block)
    if set_.gpus == 2:
        pipeline.twin = Twin(transformer, _other(pipeline._execution_device))
        if set_.compiled:
            _compile(pipeline.twin.transformer.transformer_blocks)
    if set_.compiled:
        _compile(transformer.transformer_blocks)
    pipeline.levers = set_
    pipeline.graphs = GraphReplay(pipeline.run_transformer) if set_.graphs else None
    return set_


def levers_for(pipeline: VividPipeline, speed: str) -> Levers:
    """The levers that `speed` names; for auto `fast` on a GPU if the denoiser is so large that
    compiling it, tens of seconds once, is soon made good.
    """
    if speed != "auto":
        return parse_levers(speed)
    large = sum(parameter.numel() for parameter in pipeline.transformer.parameters()) >= _LARGE
    return PRESETS["fast" if large and pipeline._execution_device.type == "cuda" else "plain"]


def possible(levers: Levers, device: torch.device, mode: str) -> Levers:
    """Leave out what can't be had.

    Args:
        levers: What is wanted.
        device: Where the model works.
        mode: How it shares out the memory (see `core.vivid.memory`): weights that move can't be
            part of a recorded graph, and layers that come and go are not compiled.

    Returns:
        The levers that can be set.
    """
    if levers.fp8 and device.type == "cuda" and not has_fp8(device):
        log.info("this GPU does not compute in 8 bits: fp8 is left out")
        levers = replace(levers, fp8=False)
    if device.type != "cuda":
        levers = replace(levers, graphs=False, attention="auto")
    if mode != "all":
        levers = replace(levers, graphs=False, gpus=1)
    if levers.gpus == 2 and (device.type != "cuda" or torch.cuda.device_count() < 2):
        log.info("there is no second GPU: guidance stays on one")
        levers = replace(levers, gpus=1)
    if mode == "layers":
        levers = replace(levers, compiled=False, fused=False, fp8=False)
    return levers


def _compile(blocks: nn.ModuleList) -> None:
    """All blocks share their code, so that the first one's serves the others."""
    import torch._dynamo

    # PyTorch's own place is the folder for temporary files, which a restart may empty.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(user_cache_path("vivid-studio") / "compiled"))
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, _SHAPES)
    for block in blocks:
        block.compile(fullgraph=True, dynamic=False, backend=_BACKEND)


def _other(device: torch.device) -> torch.device:
    """The GPU beside this one."""
    return torch.device("cuda", 1 if (device.index or 0) == 0 else 0)
