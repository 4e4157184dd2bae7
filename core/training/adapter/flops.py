"""Floating-point operations of a training step of CogVideoX with LoRA, counted from sizes.

One multiply-add is two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class StepFlops:
    """Of one sample.

    `forward` is one pass; `needed` forward and backward without anything computed twice; `executed`
    with the kernels' and checkpointing's repetitions.
    """

    forward: float
    needed: float
    executed: float


def count_flops(plan: Sequence[str], width: int, tokens: int, rank: int) -> StepFlops:
    """Count the floating-point operations of one sample from sizes.

    A frozen linear layer costs as much backward as forward: its input's gradient, not its weights'.
    Attention and LoRA cost twice as much; a fused attention kernel computes its scores again, which
    makes it 2.5 times.

    Args:
        plan: What each layer recomputes (activations.block_runner).
        width: Channels of a token.
        tokens: Text and patches of one sample.
        rank: Of LoRA.

    Returns:
        The counts. Embeddings, norms and the output layer, under a hundredth of them, are left out.
    """
    linear = 24.0 * width * width * tokens
    attention = 4.0 * tokens * tokens * width
    lora = 4 * 2 * 2.0 * tokens * width * rank
    again = {"none": 0.0, "attention": linear + lora, "block": linear + lora + attention}
    layers = len(plan)
    needed = layers * (2 * linear + 3 * attention + 3 * lora)
    executed = needed + layers * 0.5 * attention + sum(again[mode] for mode in plan)
    return StepFlops(layers * (linear + attention + lora), needed, executed)


def count_tokens(frames: int, height: int, width: int, text: int, patch: int = 2) -> int:
    """Count the tokens of a sample.

    Args:
        frames: Of the video, 4k + 1.
        height: In pixels.
        width: In pixels.
        text: Tokens of the caption.
        patch: Side of a patch, in latent cells.

    Returns:
        Tokens of text and patches: the latent is 8 times smaller in space and 4 times in time.
    """
    return text + ((frames - 1) // 4 + 1) * (height // (8 * patch)) * (width // (8 * patch))
