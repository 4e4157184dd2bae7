"""Sets the levers on a loaded pipeline."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import logging
import os
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Protocol, TYPE_CHECKING

import torch
from platformdirs import user_cache_path
from torch import nn

from core.vivid.speed.attention import fuse_attention
from core.vivid.speed.fp8 import has_fp8, use_fp8
from core.vivid.speed.graphs import GraphReplay
from core.vivid.speed.levers import CONVERTING, Levers, parse_levers
from core.vivid.speed.twin import Twin

if TYPE_CHECKING:
    from core.vivid.placed import PlacedPipeline

log = logging.getLogger(__name__)

_BACKEND = "inductor"
_LARGE = 1_000_000_000
"""Parameters."""
_SHAPES = 64
"""For how many shapes a block may be compiled: crops, batches and lengths of window."""


class Accelerated(Protocol):
    """What says which levers it takes: a video engine's declaration, or a keyframe model."""

    @property
    def title(self) -> str:
        """For people."""

    @property
    def accelerators(self) -> frozenset[str]:
        """The names of the levers."""

    @property
    def usual_speed(self) -> str:
        """The preset for `auto` with large weights on a GPU."""


def levers_for(transformer: nn.Module, speed: str, device: torch.device, declared: Accelerated) -> Levers:
    """The levers that `speed` names, without those that the device or the engine can't have.

    For auto it is the engine's usual preset on a GPU if the denoiser is so large that compiling it,
    tens of seconds once, is soon made good.

    Args:
        transformer: The denoiser.
        speed: A preset, levers or auto.
        device: Where it is to work.
        declared: What the model takes.

    Returns:
        The levers.
    """
    if speed == "auto":
        large = sum(parameter.numel() for parameter in transformer.parameters()) >= _LARGE
        speed = declared.usual_speed if large and device.type == "cuda" else "plain"
    levers = parse_levers(speed)
    usual, takes = Levers(), declared.accelerators
    if getattr(transformer, "hf_quantizer", None) is not None:  # its layers are of another kind
        takes -= CONVERTING
    # Without `fused` there is no choosing the kernel either: they go together.
    left_out = {one.name for one in fields(Levers) if getattr(levers, one.name) != getattr(usual, one.name)} - takes
    if left_out:
        log.info("%s has no %s: left out", declared.title, ", ".join(sorted(name.replace("_", "-") for name in left_out)))
        levers = replace(levers, **{name: getattr(usual, name) for name in left_out})
    if levers.fp8 and not has_fp8(device):
        log.info("%s does not compute in 8 bits: fp8 is left out", device)
        levers = replace(levers, fp8=False)
    if levers.gpus == 2 and (device.type != "cuda" or torch.cuda.device_count() < 2):
        log.info("there is no second GPU: guidance stays on one")
        levers = replace(levers, gpus=1)
    if device.type != "cuda":
        levers = replace(levers, graphs=False, attention="auto")
    return levers


def convert(blocks: Iterable[nn.Module], levers: Levers, device: torch.device) -> None:
    """Bring the weights into the form that the levers use. To be called before the weights are
    placed, since how much memory they need and which of them move is told from them.

    Args:
        blocks: Those of the denoiser, in the host's memory or on the device.
        levers: As `levers_for` gives them.
        device: Where it is to work, which also does the rounding.
    """
    for block in blocks:
        if levers.fused:
            for name in ("attn1", "attn2"):
                if hasattr(block, name):
                    fuse_attention(getattr(block, name), levers.attention)
        if levers.fp8:
            use_fp8(block, device)


def accelerate(pipeline: PlacedPipeline, levers: Levers) -> None:
    """Set the levers on a pipeline whose weights were converted and placed.

    Weights that move can't be part of a recorded graph, and neither they nor a copy on a second GPU
    were tried with compiled blocks: under such a plan those levers are left out.

    Args:
        pipeline: Loaded and placed; none of its levers is set yet.
        levers: Those that its weights were converted by.
    """
    if pipeline.memory.mode != "all":
        levers = replace(levers, compiled=False, graphs=False, gpus=1)
    pipeline.twin = Twin(pipeline.transformer, _other(pipeline._execution_device)) if levers.gpus == 2 else None
    if levers.compiled:
        for one in (*pipeline.denoisers, *([pipeline.twin.transformer] if pipeline.twin else [])):
            compile_blocks(pipeline.blocks_of(one))
    pipeline.levers = levers
    pipeline.graphs = GraphReplay(pipeline.run_transformer) if levers.graphs else None


def compile_blocks(blocks: Iterable[nn.Module]) -> None:
    """Blocks that are alike share their code, so that the first one's serves the others."""
    import torch._dynamo

    # PyTorch's own place is the folder for temporary files, which a restart may empty.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(user_cache_path("vivid-studio") / "compiled"))
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, _SHAPES)
    for block in blocks:
        block.compile(fullgraph=True, dynamic=False, backend=_BACKEND)


def _other(device: torch.device) -> torch.device:
    """The GPU beside this one."""
    return torch.device("cuda", 1 if (device.index or 0) == 0 else 0)
