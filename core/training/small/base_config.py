"""Settings of the recipe `small-base`."""

from __future__ import annotations

from dataclasses import dataclass

from core.training.small.config import SmallRecipeConfig


@dataclass(frozen=True)
class BaseConfig(SmallRecipeConfig):
    """Recipe `small-base`: what CogVideoX is to VIVID, small; a text-to-video denoiser that has
    never seen a mask."""

    learning_rate: float = 2e-3
    vae: str = ""
    """Folder of a trained autoencoder (default: `out`/vae)."""
    image_batch: int = 256
    video_batch: int = 48
    image_fill: int = 64
    video_fill: int = 10
    """Fresh samples encoded before each step; batch / fill is how often a latent is used again."""
    image_buffer: int = 16384
    video_buffer: int = 8192
    pattern: str = "vvi"
    """The order of batches: i images, v clips of a whole window."""
    caption_drop: float = 0.1
    """How often the caption is empty, which guidance needs."""
