"""Guidance on two GPUs: the pass with the caption on one, the pass without it on the other."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import contextlib
import copy
from collections.abc import Callable

import torch
from diffusers import CogVideoXTransformer3DModel
from torch import Tensor

Rotary = tuple[Tensor, ...] | None
Run = Callable[[CogVideoXTransformer3DModel, Tensor, Tensor, Tensor, Rotary], Tensor]


class Twin:
    """A copy of a denoiser on another GPU that computes at the same time."""

    def __init__(self, transformer: CogVideoXTransformer3DModel, device: torch.device) -> None:
        """Copy the weights; their levers have to be set, except compiling."""
        self.transformer = copy.deepcopy(transformer).to(device)
        self._device = device
        self._moved: tuple[Rotary, Rotary] = (None, None)

    def __call__(
        self,
        transformer: CogVideoXTransformer3DModel,
        run: Run,
        hidden: Tensor,
        embeds: Tensor,
        timestep: Tensor,
        rotary: Rotary,
    ) -> Tensor:
        """Both passes of a guided step.

        Args:
            transformer: The original, which runs the pass with the caption.
            run: Runs a denoiser: (transformer, hidden, embeds, timestep, rotary) -> Tensor.
            hidden: (2B, F, C, h, w), without the caption first.
            embeds: (2B, L, D).
            timestep: (2B,).
            rotary: What goes with the tokens, or None.

        Returns:
            (2B, F, C', h, w) on the device of `hidden`.
        """
        (first, second), (empty, caption), (time, same) = (tensor.chunk(2) for tensor in (hidden, embeds, timestep))
        there = [part.to(self._device, non_blocking=True) for part in (first, empty, time)]
        if self._moved[0] is not rotary:
            self._moved = (rotary, None if rotary is None else tuple(part.to(self._device) for part in rotary))
        with torch.cuda.device(self._device) if self._device.type == "cuda" else contextlib.nullcontext():
            without = run(self.transformer, there[0], there[1], there[2], self._moved[1])
        with_caption = run(transformer, second, caption, same, rotary)
        return torch.cat([without.to(hidden.device, non_blocking=True), with_caption])
