"""What moves the weights: AdamW over single-precision copies, warm-up and cosine, clipping, and a running average."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn, Tensor

from core.training.common.errors import TrainingError


def learning_rate(step: int, steps: int, peak: float, warmup: int) -> float:
    """The rate of step `step` (from 0): a straight rise over `warmup` steps, then half a cosine down to a hundredth at `steps`."""
    warm = min(1.0, (step + 1) / max(warmup, 1))
    return peak * warm * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * min(step / max(steps, 1), 1.0))))


class Optimiser:
    """Updates named parameters of any precision through float32 copies, which keep what bfloat16 would round away.

    A float32 parameter is its own copy. Gradients are read from the parameters and cleared after the step.
    """

    def __init__(self, parameters: dict[str, nn.Parameter], rate: float, weight_decay: float, clip_norm: float, ema: float) -> None:
        self.parameters, self.clip_norm, self.ema = parameters, clip_norm, ema
        self.copies = {
            name: parameter if parameter.dtype == torch.float32 else nn.Parameter(parameter.detach().float())
            for name, parameter in parameters.items()
        }
        self.adam = torch.optim.AdamW(self.copies.values(), lr=rate, betas=(0.9, 0.95), weight_decay=weight_decay, foreach=True)
        self.average: dict[str, Tensor] = {name: copy.detach().clone() for name, copy in self.copies.items()} if ema else {}

    def step(self, rate: float, number: int) -> float:
        """One update; returns the gradient's norm before clipping. TrainingError, before anything changed, when it is not a number."""
        for name, parameter in self.parameters.items():
            copy = self.copies[name]
            if copy is not parameter:
                copy.grad = None if parameter.grad is None else parameter.grad.float()
                parameter.grad = None
        norm = float(nn.utils.clip_grad_norm_(self.copies.values(), self.clip_norm, foreach=True))
        if not math.isfinite(norm):
            raise TrainingError(
                f"the loss or its gradient is not a number at step {number}: the weights are as before it. Go on from the last checkpoint "
                "with resume=true and a lower learning_rate; if it comes again at the same step, look at that step's samples"
            )
        for group in self.adam.param_groups:
            group["lr"] = rate
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        with torch.no_grad():
            self._publish(self.copies)
            for name, average in self.average.items():
                average.lerp_(self.copies[name].detach(), 1 - self.ema)
        return norm

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """The running average in place of the weights, for as long; without one, the weights themselves."""
        if not self.average:
            yield
            return
        kept = {name: copy.detach().clone() for name, copy in self.copies.items()}
        try:
            with torch.no_grad():
                self._publish(self.average)
            yield
        finally:
            with torch.no_grad():
                self._publish(kept)

    def _publish(self, values: dict[str, Any]) -> None:
        for name, parameter in self.parameters.items():
            if values[name] is not parameter:
                parameter.copy_(values[name])

    def state(self) -> dict[str, Any]:
        """All of it, for a checkpoint."""
        return {
            "weights": {name: copy.detach() for name, copy in self.copies.items()},
            "average": self.average,
            "adam": self.adam.state_dict(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take what `state` gave. ValueError when it belongs to other parameters."""
        for name in self.copies.keys() ^ state["weights"].keys():
            raise ValueError(f"'{name}' is in only one of them")
        for name, copy in self.copies.items():
            if copy.shape != state["weights"][name].shape:
                raise ValueError(f"'{name}' is {tuple(state['weights'][name].shape)} there and {tuple(copy.shape)} here")
        with torch.no_grad():
            for name, copy in self.copies.items():
                copy.copy_(state["weights"][name])
            self._publish(self.copies)
            for name, average in self.average.items():
                average.copy_(state["average"].get(name, state["weights"][name]))
        self.adam.load_state_dict(state["adam"])
