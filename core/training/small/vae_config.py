"""Settings of the recipe `small-vae`."""

from __future__ import annotations

from dataclasses import dataclass

from core.training.small.config import SmallRecipeConfig


@dataclass(frozen=True)
class VaeConfig(SmallRecipeConfig):
    """Recipe `small-vae`: the autoencoder."""

    learning_rate: float = 2e-3
    ema: float = 0.997
    image_batch: int = 32
    video_batch: int = 8
    video_frames: int = 9
    long_batch: int = 8
    pattern: str = "vli"
    """The order of batches: i an image, v a clip of `video_frames`, l a clip of a whole window."""
    kl_weight: float = 1e-4
    initial: str = ""
    """Folder of a trained autoencoder to start from instead of random weights."""
