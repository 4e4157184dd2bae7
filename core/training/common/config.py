"""The settings that every recipe has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingConfig:
    """What every training run goes by. Recipes extend it and choose their own defaults."""

    out: str = "runs"
    """Folder that the run writes to."""
    device: str = "auto"
    seed: int = 0
    steps: int = 0
    learning_rate: float = 1e-3
    warmup_steps: int = 150
    clip_norm: float = 1.0
    ema: float = 0.0
    """Decay of the running average of the weights; 0: none is kept."""
    resume: bool = False
    """Continue from `out`/checkpoint-<recipe>.pt if it exists."""
    compile: bool = False
    processor_time: bool = False
    """Count seconds and minutes that the processors spent on the run: for equal times on a machine
    that is shared."""
    log_every: int = 50
