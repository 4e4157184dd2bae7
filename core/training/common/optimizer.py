"""Moves the weights of every recipe: AdamW with clipping, a schedule of the learning rate, and a
running average."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.training_utils import EMAModel
from torch import nn, Tensor
from torch.optim.lr_scheduler import LambdaLR

from core.training.common.errors import TrainingError


def learning_rate_factor(step: int, warmup_steps: int, progress: float) -> float:
    """Compute the learning rate of a step as a share of its peak.

    Args:
        step: number of the step, from 0.
        warmup_steps: steps over which the rate rises in a straight line.
        progress: how much of the run is over, 0 to 1; the rate falls along half a cosine, to a
            hundredth at 1.

    Returns:
        A factor between 0 and 1.
    """
    warm = min(1.0, (step + 1) / max(warmup_steps, 1))
    return warm * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * progress)))


@dataclass(frozen=True)
class OptimizerSettings:
    """`betas` and `weight_decay` are AdamW's; `ema` is the decay of the running average (0: none);
    `captured` says that steps run inside a CUDA graph: nothing of them may wait for the device or
    be decided on the host."""

    learning_rate: float
    betas: tuple[float, float]
    weight_decay: float
    clip_norm: float
    ema: float = 0.0
    captured: bool = False


class Optimizer:
    """Updates named parameters of any precision through float32 copies, which keep what bfloat16
    would round away.

    A float32 parameter is its own copy. Gradients are cleared after each update.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], settings: OptimizerSettings) -> None:
        self.parameters, self.settings = dict(parameters), settings
        self.copies = {
            name: parameter if parameter.dtype == torch.float32 else nn.Parameter(parameter.detach().float())
            for name, parameter in parameters.items()
        }
        rate: float | Tensor = settings.learning_rate
        kernels = {"foreach": True}
        if settings.captured:  # a captured graph reads the rate from a tensor that is filled between the replays
            rate = torch.tensor(rate, device=next(iter(parameters.values())).device)
            kernels = {"fused": True, "capturable": True}
        self.adam = torch.optim.AdamW(self.copies.values(), lr=rate, betas=settings.betas, weight_decay=settings.weight_decay, **kernels)
        self._ema: EMAModel | None = None
        if settings.ema:
            # EMAModel raises its decay step by step, in a counter that a replayed graph doesn't
            # move. With equal bounds from the first step on the decay is constant, in a graph and
            # outside of one.
            self._ema = EMAModel(self.copies.values(), decay=settings.ema, min_decay=settings.ema, update_after_step=-1, foreach=True)
        self.schedule(lambda step: 1.0)

    # -- the learning rate -------------------------------------------------------------------------

    def schedule(self, factor: Callable[[int], float], step: int = 0) -> None:
        """Let the learning rate be its peak times `factor` of the number of steps so far, beginning
        with `step`."""
        for group in self.adam.param_groups:
            group["initial_lr"] = self.settings.learning_rate  # a resumed run may have been given another
        self._scheduler = LambdaLR(self.adam, factor, last_epoch=step - 1)

    def advance_schedule(self) -> None:
        """Set the learning rate of the next step."""
        self._scheduler.step()

    @property
    def rate(self) -> float:
        """The learning rate of the coming step."""
        return float(self.adam.param_groups[0]["lr"])

    # -- a step ------------------------------------------------------------------------------------

    def descend(self, loss: Tensor) -> None:
        """Backward pass, clipping, update.

        A gradient that is not finite counts as zero. Never waits for the device.
        """
        loss.backward()
        finite = self._clip().isfinite()
        for copy in self.copies.values():
            if copy.grad is not None:
                copy.grad.masked_fill_(~finite, 0.0)
        self._update()

    def step(self, number: int) -> float:
        """Clip the gradients that there are and update.

        Args:
            number: of the step, for the message.

        Returns:
            The norm of the gradient before clipping.

        Raises:
            TrainingError: the norm is not a number. Nothing has been changed.
        """
        norm = float(self._clip())
        if not math.isfinite(norm):
            raise TrainingError(
                f"the loss or its gradient is not a number at step {number}; the weights are as before it. Continue from the last "
                "checkpoint with resume=true and a lower learning_rate; if it happens again at the same step, look at that step's samples"
            )
        self._update()
        return norm

    def _clip(self) -> Tensor:
        """Hand the gradients to the copies and clip them there; returns their norm before that, a
        scalar on the device."""
        for name, parameter in self.parameters.items():
            copy = self.copies[name]
            if copy is not parameter:
                copy.grad = None if parameter.grad is None else parameter.grad.float()
                parameter.grad = None
        return nn.utils.clip_grad_norm_(self.copies.values(), self.settings.clip_norm, foreach=True)

    def _update(self) -> None:
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        self._publish()
        if self._ema is not None:
            self._ema.step(self.copies.values())

    @torch.no_grad()
    def _publish(self) -> None:
        """Bring the copies to the parameters."""
        for name, parameter in self.parameters.items():
            if self.copies[name] is not parameter:
                parameter.copy_(self.copies[name])

    # -- the average -------------------------------------------------------------------------------

    @property
    def average(self) -> dict[str, Tensor]:
        """The running average by name; the weights themselves where none is kept."""
        values = self._ema.shadow_params if self._ema is not None else [copy.detach() for copy in self.copies.values()]
        return dict(zip(self.copies, values, strict=True))

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Put the running average in place of the weights for as long as the context lasts."""
        if self._ema is None:
            yield
            return
        parameters = list(self.parameters.values())
        self._ema.store(parameters)
        try:
            self._ema.copy_to(parameters)
            yield
        finally:
            self._ema.restore(parameters)

    @torch.no_grad()
    def restart_from(self, weights: list[Tensor]) -> None:
        """Take these as weights and as average, in place, and forget the momentum."""
        torch._foreach_copy_(list[Tensor](self.copies.values()), weights)
        torch._foreach_copy_(list(self.average.values()), weights)
        self._publish()
        for state in self.adam.state.values():
            state["exp_avg"].zero_()

    # -- checkpoints -------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All of it, for a checkpoint."""
        average = self.average if self._ema is not None else {}
        return {
            "weights": {name: copy.detach() for name, copy in self.copies.items()},
            "average": average,
            "adam": self.adam.state_dict(),
        }

    @torch.no_grad()
    def load(self, state: dict[str, Any]) -> None:
        """Take what `state` gave. ValueError when it belongs to other parameters."""
        weights = state["weights"]
        for name in self.copies.keys() ^ weights.keys():
            raise ValueError(f"'{name}' is in only one of them")
        for name, copy in self.copies.items():
            if copy.shape != weights[name].shape:
                raise ValueError(f"'{name}' is {tuple(weights[name].shape)} there and {tuple(copy.shape)} here")
        for name, copy in self.copies.items():
            copy.copy_(weights[name])
        self._publish()
        if self._ema is not None:
            for name, average in self.average.items():
                average.copy_(state["average"].get(name, weights[name]))
        self.adam.load_state_dict(state["adam"])
