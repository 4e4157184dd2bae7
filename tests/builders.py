"""Small real parts that several tests are built from. Heavy imports stay inside the functions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.training.config import NetworkConfig
    from core.vivid.model import VividModel


def tiny_network(**changes: int) -> NetworkConfig:
    """The small VIVID's networks at toy size: 32x32 pixels, windows of 17 frames, milliseconds a step."""
    from core.training.config import NetworkConfig

    sizes = {"height": 32, "width": 32, "latent_channels": 4, "layers": 2, "heads": 2, "head_dim": 16, "time_embed_dim": 8, "text_dim": 16}
    return NetworkConfig(vae_channels=(8, 8, 8, 8), **(sizes | changes))


def tiny_vivid_package(folder: Path, seed: int = 0, **changes: int) -> Path:
    """A package as load_vivid reads it, with random weights."""
    from core.training.export import export_random

    export_random(folder, tiny_network(**changes), seed)
    return folder


def tiny_vivid(folder: Path, seed: int = 0, **changes: int) -> VividModel:
    """A loaded model with random weights, on the CPU."""
    from core.models import ModelStore
    from core.vivid.model import load_vivid

    return load_vivid(str(tiny_vivid_package(folder, seed, **changes)), "cpu", ModelStore())


class FrameList:
    """Frames uint8 (T, H, W, 3) behind the interface of a clip reader."""

    def __init__(self, frames: np.ndarray) -> None:
        self.pictures = frames

    def __len__(self) -> int:
        return len(self.pictures)

    def frame(self, index: int) -> np.ndarray:
        return self.pictures[index]

    def frames(self, start: int, stop: int) -> Iterator[np.ndarray]:
        return iter(self.pictures[start:stop])


def noise_frames(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """uint8 (T, H, W, 3) of random levels: any difference shows."""
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
