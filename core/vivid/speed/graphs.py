"""Steps of a lone frame as CUDA graphs: recorded once, then replayed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_KEPT = 4
_MOST_TOKENS = 20_000
"""Tokens of all samples together up to which launching the kernels is what takes the time."""

Forward = Callable[..., Any]


class GraphReplay:
    """Calls a denoiser by replaying what it did when it was called with such shapes before."""

    def __init__(self, forward: Forward) -> None:
        self._forward = forward
        self._recorded: OrderedDict[tuple[Any, ...], tuple[torch.cuda.CUDAGraph, list[Tensor], Tensor]] = OrderedDict()

    def forget(self) -> None:
        """Drop what was recorded: the weights are about to move."""
        self._recorded.clear()

    def suits(self, hidden: Tensor) -> bool:
        """Whether a step on (B, F, C, h, w) is small enough to gain by it."""
        batch, frames, _, height, width = hidden.shape
        return hidden.is_cuda and batch * frames * height * width // 4 <= _MOST_TOKENS

    def __call__(self, hidden: Tensor, embeds: Tensor, timestep: Tensor, rotary: tuple[Tensor, Tensor] | None) -> Tensor:
        """One forward pass.

        Args:
            hidden: (B, F, C, h, w).
            embeds: (B, L, D).
            timestep: (B,).
            rotary: Cosines and sines, or None.

        Returns:
            (B, F, C', h, w).
        """
        given = [hidden, embeds, timestep, *(rotary or ())]
        key = tuple((tuple(tensor.shape), tensor.dtype) for tensor in given)
        if key not in self._recorded:
            self._recorded[key] = self._record(given)
            while len(self._recorded) > _KEPT:
                self._recorded.popitem(last=False)
        self._recorded.move_to_end(key)
        graph, inputs, output = self._recorded[key]
        for own, new in zip(inputs, given, strict=True):
            own.copy_(new)
        graph.replay()
        return output.clone()  # the next call overwrites it

    def _record(self, given: list[Tensor]) -> tuple[torch.cuda.CUDAGraph, list[Tensor], Tensor]:
        inputs = [tensor.clone() for tensor in given]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # what is compiled or chosen at the first calls is not part of the recording
            for _ in range(3):
                self._call(inputs)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            output = self._call(inputs)
        return graph, inputs, output

    def _call(self, inputs: list[Tensor]) -> Tensor:
        hidden, embeds, timestep, *rotary = inputs
        return self._forward(hidden, embeds, timestep, tuple(rotary) or None)
