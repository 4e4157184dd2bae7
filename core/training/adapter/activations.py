"""What the denoiser's blocks keep for the backward pass, and which attention kernel runs.

Both decide speed and memory at full size.

With a frozen base a block keeps little: its linear layers need no inputs for the gradient of
weights. So at full size most blocks can keep everything on a card of 80 GB, and the rest only what
attention gave, the half of a block's arithmetic.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import CogVideoXTransformer3DModel
from torch import nn, Tensor
from torch.nn.attention import sdpa_kernel, SDPBackend
from torch.utils.checkpoint import checkpoint, CheckpointPolicy, create_selective_checkpoint_contexts

_ATTENTION_OPS = {
    torch.ops.aten._scaled_dot_product_flash_attention.default,
    torch.ops.aten._scaled_dot_product_cudnn_attention.default,
    torch.ops.aten._scaled_dot_product_efficient_attention.default,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default,
}
KEPT = {"none": 15.0, "attention": 2.6, "block": 1.3}
"""What a block keeps, by what it leaves out, in units of tokens x width in the weights' precision;
counted, and a little more."""
TRANSIENT = 25.0
"""What the block that is being worked on needs besides, in the same units."""

_BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "math": SDPBackend.MATH,
}


BlockRunner = Callable[..., Any]
"""Runs one block on its inputs, as the denoiser asks for it in training."""


def block_runner(transformer: CogVideoXTransformer3DModel, plan: Sequence[str], compiled: bool = False) -> BlockRunner:
    """Build what runs the blocks of the denoiser in training; hand it to `use_runner`.

    Args:
        transformer: The denoiser.
        plan: What each block recomputes in the backward pass: `none` nothing, `attention` all but
            attention's result, `block` all. Gradients are the same whatever the plan.
        compiled: Compile each block.

    Returns:
        A function that runs one block on its inputs.
    """
    runs: dict[str, Callable[..., Any]] = {mode: _plain if mode == "none" else partial(_recomputed, _contexts(mode)) for mode in set(plan)}
    if compiled:
        runs = {mode: torch.compile(run, dynamic=False) for mode, run in runs.items()}
    chosen = {id(block): runs[mode] for block, mode in zip(transformer.transformer_blocks, plan, strict=True)}

    def run_block(block: nn.Module, hidden: Tensor, text: Tensor, *rest: Any) -> Any:
        # The first block's inputs are views of one tensor; with the strides of the others' they
        # need no compilation of their own.
        return chosen[id(block)](block, _laid_out(hidden), _laid_out(text), *rest)

    return run_block


def use_runner(transformer: CogVideoXTransformer3DModel, runner: BlockRunner) -> None:
    """Have the denoiser run its blocks in training by `runner`.

    Quick: it may change from step to step.
    """
    transformer.enable_gradient_checkpointing(runner)


def _laid_out(tokens: Tensor) -> Tensor:
    """The same (B, N, D) with its canonical strides, copied only if need be."""
    return tokens.reshape(-1, tokens.shape[-1]).view(tokens.shape)


def _plain(block: nn.Module, *arguments: Any) -> Any:
    return block(*arguments)


def _recomputed(contexts: Callable[[], Any] | None, block: nn.Module, *arguments: Any) -> Any:
    options: dict[str, Any] = {} if contexts is None else {"context_fn": contexts}
    return checkpoint(block, *arguments, use_reentrant=False, preserve_rng_state=False, **options)


def _contexts(mode: str) -> Callable[[], Any] | None:
    return None if mode == "block" else partial(create_selective_checkpoint_contexts, _keep_attention)


def _keep_attention(context: Any, operator: Any, *arguments: Any, **options: Any) -> CheckpointPolicy:
    return CheckpointPolicy.MUST_SAVE if operator in _ATTENTION_OPS else CheckpointPolicy.PREFER_RECOMPUTE


def plan_blocks(blocks: int, tokens: int, width: int, item_bytes: int, free: int) -> list[str]:
    """Find the plan that keeps the most in memory.

    Args:
        blocks: Number of blocks.
        tokens: Of the whole batch, text included.
        width: Channels of a token.
        item_bytes: Bytes of one number.
        free: Bytes of memory that may be used.

    Returns:
        For each block what it recomputes: `none` for as many blocks as fit, `attention` for the
        rest; or `block` for all where not even that fits.
    """
    room = free / (tokens * width * item_bytes) - TRANSIENT
    whole = int((room - blocks * KEPT["attention"]) / (KEPT["none"] - KEPT["attention"]))
    if whole < 0:
        return ["block"] * blocks
    return ["none"] * min(whole, blocks) + ["attention"] * (blocks - min(whole, blocks))


@contextlib.contextmanager
def attention_kernel(name: str) -> Iterator[None]:
    """This kernel for attention, forward and backward, the others where it can't run; `auto` leaves
    the choice to PyTorch."""
    if name == "auto":
        yield
        return
    first = _BACKENDS[name]
    others = [] if name == "math" else [other for other in _BACKENDS.values() if other != first]  # plain products can always run
    with sdpa_kernel([first, *others], set_priority=True):
        yield


def time_attention(device: torch.device, tokens: int, heads: int, head_dim: int, repeats: int = 3) -> dict[str, float]:
    """Time attention in bfloat16, forward and backward, with each kernel that runs on this GPU.

    Args:
        device: A CUDA device.
        tokens: Length of the sequence.
        heads: Number of heads.
        head_dim: Channels of a head.
        repeats: Calls that are timed, after one that warms up.

    Returns:
        Seconds by the name of the kernel.
    """
    seconds: dict[str, float] = {}
    shape = (1, heads, tokens, head_dim)
    query, key, value, gradient = (torch.randn(shape, device=device, dtype=torch.bfloat16, requires_grad=True) for _ in range(4))
    for name in ("flash", "cudnn", "efficient"):
        try:
            with sdpa_kernel(_BACKENDS[name]):
                for repeat in range(repeats + 1):
                    if repeat == 1:  # the first call pays for setting up
                        torch.cuda.synchronize(device)
                        start = time.perf_counter()
                    F.scaled_dot_product_attention(query, key, value).backward(gradient)
                torch.cuda.synchronize(device)
            seconds[name] = (time.perf_counter() - start) / repeats
        except RuntimeError:  # this build or this card has no such kernel
            continue
    return seconds


def fastest_attention(device: torch.device, tokens: int, heads: int, head_dim: int) -> str:
    """Choose the kernel that `time_attention` finds fastest.

    Args:
        device: Where attention runs.
        tokens: Length of the sequence.
        heads: Number of heads.
        head_dim: Channels of a head.

    Returns:
        Its name; `auto` without CUDA or when none of them runs.
    """
    if device.type != "cuda":
        return "auto"
    seconds = time_attention(device, tokens, heads, head_dim)
    return min(seconds, key=seconds.__getitem__) if seconds else "auto"
