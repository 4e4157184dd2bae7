"""Draw a contact sheet of what the models see, and print its captions.

python -m scripts.contact_sheet PICTURE [CLIPS] [SEED]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from core.data.pool_sizes import PoolSizes
from core.data.sheet import tile
from core.data.world import CAPTIONS, World


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
