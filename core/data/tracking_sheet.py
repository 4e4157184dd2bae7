"""A contact sheet of what the small SAM 2 learns from: `python3 -m core.data.tracking_sheet out.png [clips] [frames] [size] [seed]`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from core.data.tracking import TrackingWorld, whole_things

_TINTS = ((1.0, 0.15, 0.15), (0.15, 1.0, 0.2), (0.2, 0.4, 1.0), (1.0, 0.9, 0.1))


def tinted(pixels: Tensor, masks: Tensor) -> np.ndarray:
    """Clips (B, T, 3, S, S) in [0, 1] with masks (B, T, O, S, S) tinted, a row a clip: uint8 (B * S, T * S, 3)."""
    pictures = pixels.float().cpu()
    for thing, tint in enumerate(_TINTS[: masks.shape[2]]):
        colour = torch.tensor(tint).view(1, 1, 3, 1, 1)
        pictures = torch.lerp(pictures, colour.expand_as(pictures), 0.45 * masks[:, :, thing, None].float().cpu())
    batch, frames, _, height, width = pictures.shape
    rows = pictures.permute(0, 3, 1, 4, 2).reshape(batch * height, frames * width, 3)
    return np.asarray((rows.clamp(0, 1) * 255).round().byte())


def main(arguments: list[str]) -> None:
    """Draw a few clips beside their targets."""
    path = Path(arguments[0])
    count, frames, size, seed = (int(word) for word in [*arguments[1:], *["6", "4", "192", "0"][len(arguments) - 1 :]])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    world = TrackingWorld(
        device, seed=seed, textures_count=48, outlines=16, solids_per_kind=1, backgrounds=8, background_size=256, picture_size=96
    )
    clips = world.sample(count, frames, size, seed=seed)
    with torch.random.fork_rng():
        masks, _ = whole_things(clips, 2)
    sheet = np.concatenate([tinted(clips.pixels, masks[:, :, :0]), tinted(clips.pixels, masks)], axis=1)
    Image.fromarray(sheet).save(path)


if __name__ == "__main__":
    main(sys.argv[1:])
