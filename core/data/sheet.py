"""A contact sheet of what the models see: `python3 -m core.data.sheet out.png [clips] [seed]`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from core.data.pool_sizes import PoolSizes
from core.data.world import CAPTIONS, World


def tile(pixels: Tensor, mask: Tensor | None = None, every: int = 4) -> np.ndarray:
    """Clips (B, 3, T, H, W) in [-1, 1] as rows of every `every`-th frame; the region (B, 1, T, H, W) tinted -> uint8 (B*H, n*W, 3)."""
    pictures = (pixels.float().clamp(-1, 1) + 1) / 2
    if mask is not None:
        tint = torch.tensor([1.0, 0.2, 0.2], device=pictures.device).view(1, 3, 1, 1, 1)
        pictures = torch.lerp(pictures, tint.expand_as(pictures), 0.45 * mask.float())
    pictures = pictures[:, :, ::every]
    batch, _, count, height, width = pictures.shape
    rows = pictures.permute(0, 3, 2, 4, 1).reshape(batch * height, count * width, 3)
    return (rows * 255).round().byte().cpu().numpy()


def main(arguments: list[str]) -> None:
    """Render a few clips and print their captions."""
    path, count = Path(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 8
    seed = int(arguments[2]) if len(arguments) > 2 else 0
    device = "cuda" if torch.cuda.is_available() else "cpu"
    world = World(device, seed=seed, pools=PoolSizes(solids_per_kind=6, backgrounds=24, silhouettes=48))
    clips = world.sample(count, world.window_frames, seed=seed)
    Image.fromarray(np.concatenate([tile(clips.pixels), tile(clips.pixels, clips.mask)], axis=1)).save(path)
    for index in clips.caption.tolist():
        print(CAPTIONS[index])


if __name__ == "__main__":
    main(sys.argv[1:])
