"""Draw the example clips that ship, and their masks.

python -m scripts.draw_examples [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from core.assets import ASSETS
from core.data.examples import EXAMPLES, write


def main(arguments: list[str]) -> None:
    """Draw every example into a folder (assets/clips by default)."""
    folder = Path(arguments[0]) if arguments else ASSETS / "clips"
    torch.set_num_threads(min(2, torch.get_num_threads()))
    for name, draw in EXAMPLES.items():
        write(draw(), folder / f"{name}.mp4")
        print(folder / f"{name}.mp4")


if __name__ == "__main__":
    main(sys.argv[1:])
