"""What the small recipes share: a captured step, a running average of weights, a schedule, a curve on disk and checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn, Tensor

from core.errors import InputError
from core.training.common.checkpoint import load_checkpoint, save_checkpoint
from core.training.common.curves import Curves
from core.training.common.errors import TrainingError
from core.training.small.config import SmallRecipeConfig


class CapturedStep:
    """Calls `step` once as it is, or, on CUDA, replays it as one captured graph after a few warm-up calls.

    The step must take no arguments, keep its results in tensors and do nothing that depends on values on the host.
    """

    def __init__(self, step: Callable[[], Tensor], device: torch.device, warm_up: int = 3) -> None:
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


class Run:
    """Parameters, optimizer, average, progress and files of one training run."""

    def __init__(self, config: SmallRecipeConfig, recipe: str, modules: dict[str, nn.Module]) -> None:
        if not config.steps and not config.minutes:
            raise InputError("say how long to train: steps=N or minutes=M")
        self.config, self.recipe, self.modules = config, recipe, modules
        self.device = torch.device(config.device)
        self.folder = Path(config.out)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.parameters = [parameter for module in modules.values() for parameter in module.parameters()]
        cuda = self.device.type == "cuda"
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=torch.tensor(config.learning_rate, device=self.device) if cuda else config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=0.01,
            fused=cuda,
            capturable=cuda,
        )
        self.average = [parameter.detach().clone() for parameter in self.parameters]
        self.step, self._elapsed_before, self._started = 0, 0.0, time.monotonic()
        self._last_checkpoint = self._started
        self._curves: Curves | None = None
        self._resumed_at = 0
        self.extra: dict[str, Any] = {}
        """More state that a checkpoint should hold; the recipe fills it."""

    # -- progress ----------------------------------------------------------------------------------------------------------------------

    @property
    def elapsed(self) -> float:
        """Seconds trained, earlier parts of a resumed run included."""
        return self._elapsed_before + time.monotonic() - self._started

    def start_clock(self) -> None:
        """Count time from now: capturing and filling buffers is over."""
        self._started = self._last_checkpoint = time.monotonic()

    @property
    def progress(self) -> float:
        """0 at the start, 1 when the run is over."""
        by_steps = self.step / self.config.steps if self.config.steps else 0.0
        by_time = self.elapsed / (60 * self.config.minutes) if self.config.minutes else 0.0
        return min(max(by_steps, by_time), 1.0)

    def set_learning_rate(self) -> None:
        """Warm-up, then half a cosine down to a hundredth."""
        warm = min(1.0, (self.step + 1) / max(self.config.warmup_steps, 1))
        rate = self.config.learning_rate * warm * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * self.progress)))
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    # -- inside a step -----------------------------------------------------------------------------------------------------------------

    def call(self, module: nn.Module, *arguments: Tensor, **keywords: Any) -> Any:
        """Run a module in training. On CUDA its weights and floating-point inputs are cast to bfloat16 for the call; gradients reach the
        single-precision weights. (Autocast would keep norms and residuals in single precision: these small networks are bound by memory
        traffic.)"""
        if self.device.type != "cuda":
            return module(*arguments, **keywords)
        weights = {name: weight.to(torch.bfloat16) for name, weight in module.named_parameters()}
        cast = [value.to(torch.bfloat16) if value.is_floating_point() else value for value in arguments]
        named = {
            name: value.to(torch.bfloat16) if isinstance(value, Tensor) and value.is_floating_point() else value
            for name, value in keywords.items()
        }
        return torch.func.functional_call(module, weights, tuple(cast), named)

    def descend(self, loss: Tensor) -> None:
        """Backward, clip, step, average. A gradient that is not finite counts as none."""
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.config.clip_norm, foreach=self.device.type == "cuda")
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.grad.masked_fill_(~norm.isfinite(), 0.0)
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(self.average, [parameter.detach() for parameter in self.parameters], 1 - self.config.ema)

    @torch.no_grad()
    def go_back(self, weights: list[Tensor]) -> None:
        """Take these as weights and as average, in place, and forget where the optimizer was heading."""
        torch._foreach_copy_(list[Tensor](self.parameters), weights)
        torch._foreach_copy_(self.average, weights)
        for state in self.optimizer.state.values():
            state["exp_avg"].zero_()

    # -- after a step ------------------------------------------------------------------------------------------------------------------

    def advance(self, kind: str, values: Callable[[], dict[str, float]]) -> bool:
        """Count the step; every so often write a row of the curve and a checkpoint. `values` is asked only when a row is due.

        Returns whether a checkpoint was written: the recipe then exports what it has, so that a run that is cut short leaves weights."""
        self.step += 1
        if self.device.type == "cuda" and self.step % 10 == 0:
            torch.cuda.synchronize()
        if self.step % self.config.log_every == 0 or self.step == 1:
            row = {"step": self.step, "seconds": round(self.elapsed, 2), "kind": kind, **{k: round(v, 6) for k, v in values().items()}}
            self.curves.add(row)
            if not all(math.isfinite(value) for value in row.values() if isinstance(value, float)):
                raise TrainingError(f"the loss of step {self.step} is not a number: lower learning_rate, or look at the data")
        due = time.monotonic() - self._last_checkpoint > self.config.checkpoint_seconds
        if due:
            self.save_checkpoint()
        return due

    @property
    def curves(self) -> Curves:
        """The run's curve; the rows that a resumed run will repeat are dropped from it."""
        if self._curves is None:
            self._curves = Curves(self.folder, self.recipe, self._resumed_at + 1 if self._resumed_at else 0)
        return self._curves

    # -- weights -----------------------------------------------------------------------------------------------------------------------

    def averaged(self) -> dict[str, dict[str, Tensor]]:
        """State of each module with the averaged weights, on the CPU."""
        states, position = {}, 0
        for name, module in self.modules.items():
            state = {key: value.detach().cpu().clone() for key, value in module.state_dict().items()}
            for key, _ in module.named_parameters():
                state[key] = self.average[position].detach().cpu().clone()
                position += 1
            states[name] = state
        return states

    def checkpoint_path(self) -> Path:
        """Where this recipe's checkpoint lies."""
        return self.folder / f"checkpoint-{self.recipe}.pt"

    def save_checkpoint(self) -> None:
        """Everything needed to go on, and a picture of the curve so far. StorageError leaves the old checkpoint whole."""
        self._last_checkpoint = time.monotonic()
        generators = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            torch.cuda.synchronize()
            generators["cuda"] = torch.cuda.get_rng_state()
        state = {
            "step": self.step,
            "elapsed": self.elapsed,
            "modules": {name: module.state_dict() for name, module in self.modules.items()},
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "generators": generators,
            "extra": self.extra,
        }
        save_checkpoint(self.checkpoint_path(), state)
        self.curves.draw()

    def load_checkpoint(self) -> bool:
        """Go on where the last checkpoint stopped; False when resume is off or there is none."""
        path = self.checkpoint_path()
        if not self.config.resume or not path.exists():
            return False
        state = load_checkpoint(path, self.device)
        for name, module in self.modules.items():
            module.load_state_dict(state["modules"][name])
        for kept, value in zip(self.average, state["average"], strict=True):
            kept.copy_(value)
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self._elapsed_before, self.extra = state["step"], state["elapsed"], state["extra"]
        self._resumed_at = self.step
        torch.set_rng_state(state["generators"]["cpu"].cpu())
        if "cuda" in state["generators"] and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["generators"]["cuda"].cpu())
        return True


def freeze(modules: Iterable[nn.Module]) -> None:
    """Evaluation mode, no gradients."""
    for module in modules:
        module.eval().requires_grad_(False)
