"""Draw a contact sheet of what the small SAM 2 learns from, beside its targets.

python -m scripts.tracking_sheet PICTURE [CLIPS] [FRAMES] [SIZE] [SEED]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from core.data.tracking import TrackingWorld, whole_things
from core.data.tracking_sheet import tinted


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
