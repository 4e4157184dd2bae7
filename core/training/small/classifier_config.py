"""Settings of the recipe `small-classifier`."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.data.pool_sizes import PoolSizes
from core.training.small.config import SmallRecipeConfig


@dataclass(frozen=True)
class ClassifierConfig(SmallRecipeConfig):
    """Recipe `small-classifier`: the network that names what the small VIVID paints.

    A few minutes on one CPU core.
    """

    out: str = "runs/classifier"
    device: str = "cpu"
    steps: int = 3000
    learning_rate: float = 4e-3
    warmup_steps: int = 100
    ema: float = 0.99
    initial: str = ""
    """Folder of trained weights to start from instead of random ones."""
    batch: int = 128
    pictures: int = 24_000
    held_out_pictures: int = 3000
    world: PoolSizes = field(default_factory=lambda: PoolSizes(solids_per_kind=160, backgrounds=384, silhouettes=256))
    held_out_world: PoolSizes = field(default_factory=lambda: PoolSizes(solids_per_kind=48, backgrounds=96, silhouettes=128))
