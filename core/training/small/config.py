"""What the small recipes share: sizes of the networks, and settings of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.data.pool_sizes import PoolSizes
from core.training.common.config import TrainingConfig


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the small VIVID.

    The defaults are the model that ships: 12 M parameters, 24 MB in half precision.
    """

    height: int = 128
    width: int = 128
    window_frames: int = 17
    latent_channels: int = 32
    vae_channels: tuple[int, ...] = (32, 48, 56, 64)
    layers: int = 6
    heads: int = 5
    head_dim: int = 64
    time_embed_dim: int = 40
    text_dim: int = 128
    patch_size: int = 1


@dataclass(frozen=True)
class SmallRecipeConfig(TrainingConfig):
    """What every small recipe shares."""

    out: str = "runs/small"
    device: str = "cuda"
    steps: int = 0
    """Stop after this many steps (0: when `minutes` are over)."""
    minutes: float = 0.0
    """Length of the run in wall time, which the learning rate follows (0: `steps` decides)."""
    ema: float = 0.998
    checkpoint_seconds: float = 120.0
    network: NetworkConfig = field(default_factory=NetworkConfig)
    world: PoolSizes = field(default_factory=PoolSizes)
