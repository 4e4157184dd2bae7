"""Steps of a lone frame as CUDA graphs: recorded once, then replayed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

_KEPT = 4
_MOST_TOKENS = 20_000
"""Tokens of all samples together up to which launching the kernels is what takes the time."""

Forward = Callable[..., Tensor]


class GraphReplay:
    """Calls a denoiser by replaying what it did when it was called with such shapes before."""

    def __init__(self, forward: Forward) -> None:
        self._forward = forward
        self._recorded: OrderedDict[tuple[Any, ...], tuple[torch.cuda.CUDAGraph, list[Tensor], Tensor]] = OrderedDict()

    def forget(self) -> None:
        """Drop what was recorded: the weights are about to move."""
        self._recorded.clear()

    def suits(self, device: torch.device, places: int) -> bool:
        """Whether a step is small enough to gain by it.

        Args:
            device: Where it runs.
            places: Of the latent grid, of all samples and frames together.

        Returns:
            Whether to call this instead of the denoiser.
        """
        return device.type == "cuda" and places // 4 <= _MOST_TOKENS

    def __call__(self, *given: Tensor) -> Tensor:
        """One forward pass on these tensors; gives what the denoiser does."""
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

    def _record(self, given: Sequence[Tensor]) -> tuple[torch.cuda.CUDAGraph, list[Tensor], Tensor]:
        inputs = [tensor.clone() for tensor in given]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # what is compiled or chosen at the first calls is not part of the recording
            for _ in range(3):
                self._forward(*inputs)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            output = self._forward(*inputs)
        return graph, inputs, output
