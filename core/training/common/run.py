"""One training run: its progress, its learning rate, and the files that it writes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn, Tensor

from core.errors import InputError
from core.training.common.checkpoint import load_checkpoint, save_checkpoint
from core.training.common.config import TrainingConfig
from core.training.common.curves import Curves
from core.training.common.earlier_checkpoints import in_current_form
from core.training.common.errors import TrainingError
from core.training.common.optimizer import learning_rate_factor, Optimizer

Rows = Mapping[str, Mapping[str, float]]
"""Kind of step -> what is known of its steps since the last row of the curve."""


class TrainingRun:
    """Counts the steps of a run and keeps its curve and its checkpoint.

    The recipe has the loop and calls `advance` after each step.
    """

    def __init__(
        self,
        config: TrainingConfig,
        recipe: str,
        optimizer: Optimizer,
        modules: Mapping[str, nn.Module] | None = None,
        *,
        minutes: float = 0.0,
        checkpoint_seconds: float = math.inf,
        checkpoint_every: int = 0,
        writes: bool = True,
    ) -> None:
        """Begin a run at step 0; `load_checkpoint` may continue an earlier one.

        Args:
            config: steps, warm-up, folder and so on.
            recipe: name of the recipe, which the files are named by.
            optimizer: what moves the weights.
            modules: by name, modules whose buffers go into the checkpoint as well, and that
                `averaged_states` returns.
            minutes: the run is over after this time, or at `config.steps`, whichever is first (0:
                by steps alone).
            checkpoint_seconds: a checkpoint is written after this time since the last one.
            checkpoint_every: and after every so many steps, and at the last (0: never).
            writes: whether this process writes the files.
        """
        self.config, self.recipe, self.optimizer, self.modules = config, recipe, optimizer, dict(modules or {})
        self.minutes, self.writes = minutes, writes
        self.checkpoint_seconds, self.checkpoint_every = checkpoint_seconds, checkpoint_every
        self.device = next(iter(optimizer.parameters.values())).device
        self.folder = Path(config.out)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._clock = time.process_time if config.processor_time else time.monotonic
        self.step, self._elapsed_before, self._started = 0, 0.0, self._clock()
        self._last_checkpoint = self._started
        self._agreed = 0.0
        self.agree: Callable[[float], float] | None = None
        """With many processes and `minutes`: gives each of them the same of their clocks, so that
        they stop together and their learning rates don't part. The recipe sets it."""
        self._curves: Curves | None = None
        self._resumed_at = 0
        self.extra: dict[str, Any] = {}
        """More state that a checkpoint should hold; the recipe fills it."""
        self._schedule()

    # -- progress ----------------------------------------------------------------------------------

    @property
    def elapsed(self) -> float:
        """Seconds trained, earlier parts of a resumed run included."""
        return self._elapsed_before + self._clock() - self._started

    def start_clock(self) -> None:
        """Count time from now: capturing and filling buffers is over."""
        self._started = self._last_checkpoint = self._clock()

    @property
    def progress(self) -> float:
        """0 at the start, 1 when the run is over."""
        by_steps = self.step / self.config.steps if self.config.steps else 0.0
        by_time = (self.elapsed if self.agree is None else self._agreed) / (60 * self.minutes) if self.minutes else 0.0
        return min(max(by_steps, by_time), 1.0)

    def kinds(self, pattern: str) -> Iterator[str]:
        """Yield the kind of each step until the run is over: the letters of `pattern`, repeated."""
        while self.progress < 1:
            yield pattern[self.step % len(pattern)]

    def _schedule(self) -> None:
        self.optimizer.schedule(lambda step: learning_rate_factor(step, self.config.warmup_steps, self.progress), self.step)

    # -- after a step ------------------------------------------------------------------------------

    def advance(self, rows: Callable[[], Rows]) -> bool:
        """Count a step; every so often write to the curve, and a checkpoint.

        Args:
            rows: is called when rows are due: after the first and the last step, and every
                `log_every` steps.

        Returns:
            Whether a checkpoint was due. A recipe may then export what it has, so that a run that
            is interrupted leaves weights.

        Raises:
            TrainingError: a value of a row is not a finite number.
        """
        self.step += 1
        if self.device.type == "cuda" and self.step % 10 == 0:
            torch.cuda.synchronize()
        if self.agree is not None and self.minutes:
            self._agreed = self.agree(self.elapsed)
        if self.step % self.config.log_every == 0 or self.step == 1 or self.progress >= 1:
            self._report(rows())
        self.optimizer.advance_schedule()
        due = self._clock() - self._last_checkpoint > self.checkpoint_seconds
        if self.checkpoint_every:
            due = due or self.step % self.checkpoint_every == 0 or self.progress >= 1
        if due:
            self.save_checkpoint()
        return due

    def _report(self, rows: Rows) -> None:
        for kind, values in rows.items():
            if self.writes:
                self.curves.add({"step": self.step, "seconds": round(self.elapsed, 2), "kind": kind, **values})
            if not all(math.isfinite(value) for value in values.values()):
                raise TrainingError(f"the loss of step {self.step} is not a number: lower learning_rate, or look at the data")

    @property
    def curves(self) -> Curves:
        """The run's curve; the rows that a resumed run will repeat are dropped from it."""
        if self._curves is None:
            self._curves = Curves(self.folder, self.recipe, self._resumed_at + 1 if self._resumed_at else 0)
        return self._curves

    # -- weights -----------------------------------------------------------------------------------

    def averaged_states(self) -> dict[str, dict[str, Tensor]]:
        """State of each module with the averaged weights, on the CPU."""
        average = self.optimizer.average
        states = {}
        for name, module in self.modules.items():
            state = {key: value.detach().cpu().clone() for key, value in module.state_dict().items()}
            states[name] = state | {key: average[f"{name}.{key}"].detach().cpu().clone() for key, _ in module.named_parameters()}
        return states

    @property
    def checkpoint(self) -> Path:
        """Where this recipe's checkpoint lies."""
        return self.folder / f"checkpoint-{self.recipe}.pt"

    def save_checkpoint(self) -> None:
        """Write all that is needed to continue, and a picture of the curve so far.

        StorageError leaves the old checkpoint whole.
        """
        self._last_checkpoint = self._clock()
        if not self.writes:
            return
        generators = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            torch.cuda.synchronize()
            generators["cuda"] = torch.cuda.get_rng_state()
        state = {
            "recipe": self.recipe,
            "step": self.step,
            "elapsed": self.elapsed,
            "buffers": {name: _buffers(module) for name, module in self.modules.items()},
            "generators": generators,
            "extra": self.extra,
        }
        save_checkpoint(self.checkpoint, state | self.optimizer.state())
        self.curves.draw()

    def load_checkpoint(self) -> bool:
        """Continue where the last checkpoint stopped.

        Returns:
            False when `resume` is off or there is no checkpoint.

        Raises:
            InputError: the file is damaged, or belongs to another recipe or to weights of other
                sizes.
        """
        if not self.config.resume or not self.checkpoint.exists():
            return False
        state = in_current_form(load_checkpoint(self.checkpoint, self.device), self.recipe, self.modules)
        if state.get("recipe") != self.recipe:
            raise InputError(f"{self.checkpoint} is not a checkpoint of {self.recipe}")
        try:
            self.optimizer.load(state)
        except (ValueError, LookupError) as error:
            raise InputError(f"{self.checkpoint} does not fit these settings: {error}") from error
        for name, module in self.modules.items():
            module.load_state_dict(state["buffers"][name], strict=False)
        self.step, self._elapsed_before, self.extra = state["step"], state["elapsed"], state["extra"]
        self._agreed = self._elapsed_before
        self._resumed_at = self.step
        self._schedule()
        generators = state["generators"]
        if "cpu" in generators:
            torch.set_rng_state(generators["cpu"].cpu())
        if "cuda" in generators and self.device.type == "cuda":
            torch.cuda.set_rng_state(generators["cuda"].cpu())
        return True


def _buffers(module: nn.Module) -> dict[str, Tensor]:
    """What the state of a module holds besides its parameters."""
    parameters = {name for name, _ in module.named_parameters()}
    return {name: value for name, value in module.state_dict().items() if name not in parameters}
