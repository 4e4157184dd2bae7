"""Steps as CUDA graphs: the small networks are so quick that starting their kernels one by one
would take most of the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn, Tensor


class CapturedStep:
    """Calls `step` as it is, or, on CUDA, replays it as one captured graph after a few warm-up
    calls.

    The step must take no arguments, keep its results in tensors and do nothing that depends on
    values on the host.
    """

    def __init__(self, step: Callable[[], Tensor], device: torch.device, warm_up: int = 3) -> None:
        """Capture the step on CUDA.

        Args:
            step: returns its result as a tensor.
            device: where it runs.
            warm_up: how often it is called before it is captured; these calls count like any other.
        """
        self.step = step
        self.graph: torch.cuda.CUDAGraph | None = None
        self.result: Tensor
        if device.type != "cuda":
            return
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(warm_up):
                step()
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.result = step()

    def __call__(self) -> Tensor:
        """Run once; the result is overwritten by the next call on CUDA."""
        if self.graph is None:
            return self.step()
        self.graph.replay()
        return self.result


def call(module: nn.Module, *arguments: Tensor, **keywords: Any) -> Any:
    """Run a module in training, on CUDA in bfloat16.

    Weights and floating-point inputs are cast for the call; gradients reach the single-precision
    weights. (Autocast would keep norms and residuals in single precision: these small networks are
    bound by memory traffic.)

    Args:
        module: the network.
        *arguments: its inputs.
        **keywords: its named inputs; those that are no tensors stay as they are.

    Returns:
        What the module returns.
    """
    if next(module.parameters()).device.type != "cuda":
        return module(*arguments, **keywords)
    weights = {name: weight.to(torch.bfloat16) for name, weight in module.named_parameters()}
    cast = [value.to(torch.bfloat16) if value.is_floating_point() else value for value in arguments]
    named = {
        name: value.to(torch.bfloat16) if isinstance(value, Tensor) and value.is_floating_point() else value
        for name, value in keywords.items()
    }
    return torch.func.functional_call(module, weights, tuple(cast), named)
