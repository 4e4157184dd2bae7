"""Make docs/images/results.webp: what the models that ship do with the example clips, one seed
each, none of them picked.

python -m scripts.make_results [PICTURE]

Runs `edit` with the true masks of the clips, so that the picture shows the video model alone.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from core.assets import ASSETS

ROOT = Path(__file__).resolve().parent.parent
CLIPS = ASSETS / "clips"
EDITS = (
    ("meadow", "modify", "a dotted purple ball", "expand:8"),
    ("meadow", "modify", "an orange star", "box+expand:8"),
    ("meadow", "delete", "", "expand:6"),
    ("street", "modify", "a large red mushroom", "box+expand:8"),
    ("street", "modify", "a striped green cube", "box+expand:8"),
    ("street", "delete", "", "expand:6"),
)
SHOWN = (0, 16, 32, 47)
WIDTH, GAP = 320, 4


def frames_of(folder: Path, name: str, task: str, caption: str, adjustment: str) -> list[Image.Image]:
    """The frames SHOWN of one edit, as they were handed to the encoder."""
    said = ["--caption", caption] if caption else []
    masks = ["--masks", str(CLIPS / f"{name}_masks"), "--adjust", adjustment]
    command = [sys.executable, "-m", "app.commands.cli", "edit", str(CLIPS / f"{name}.mp4"), "--out", str(folder), "--task", task]
    subprocess.run([*command, *said, *masks, "--png"], cwd=ROOT, check=True)
    pictures = sorted((folder / "frames").glob("*.png"))
    return [Image.open(pictures[min(index, len(pictures) - 1)]) for index in SHOWN]


def main() -> None:
    """Run the edits and write the picture: a row an edit."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, edit in enumerate(EDITS):
            shown = frames_of(Path(scratch) / str(number), *edit)
            height = round(WIDTH * shown[0].height / shown[0].width)
            rows.append([np.asarray(picture.resize((WIDTH, height), Image.Resampling.LANCZOS)) for picture in shown])
    tall, wide = rows[0][0].shape[:2]
    sheet = np.full((len(rows) * (tall + GAP) - GAP, len(SHOWN) * (wide + GAP) - GAP, 3), 255, np.uint8)
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            sheet[y * (tall + GAP) :, x * (wide + GAP) :][:tall, :wide] = picture
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images" / "results.webp"
    Image.fromarray(sheet).save(target, quality=80)


if __name__ == "__main__":
    main()
