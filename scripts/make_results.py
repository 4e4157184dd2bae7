"""Make docs/images/results.webp: what the models that ship do with the example clips, one seed
each, none of them picked; carrying.webp: keyframes that were changed elsewhere, and carried; and
removal.webp: the example clips before and after a removal.

python -m scripts.make_results [results|carrying|removal]

Runs `edit` with the true masks of the clips, so that the pictures show the edit alone.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from core.assets import ASSETS
from core.data.carrying_clips import carrying_clip
from core.evaluation.carrying import carried, stiff_picture
from core.media import open_clip
from core.progress import JobContext

ROOT = Path(__file__).resolve().parent.parent
CLIPS = ASSETS / "clips"
IMAGES = ROOT / "docs" / "images"
EDITS = (
    ("meadow", "modify", "a dotted purple ball", "expand:8"),
    ("meadow", "modify", "an orange star", "box+expand:8"),
    ("meadow", "delete", "", "expand:6"),
    ("street", "modify", "a large red mushroom", "box+expand:8"),
    ("street", "modify", "a striped green cube", "box+expand:8"),
    ("street", "delete", "", "expand:6"),
)
BOARD = "striped"
"""What is done to the drawn board on frame 0."""
SHOWN = (0, 16, 32, 47)
WIDTH, GAP = 320, 4


def frames_of(folder: Path, name: str, task: str, caption: str, adjustment: str, *more: str) -> list[Image.Image]:
    """The frames SHOWN of one edit, as they were handed to the encoder.

    Args:
        folder: Where the edit is written.
        name: The example clip.
        task: Add, modify or delete.
        caption: What to paint; empty for none.
        adjustment: The form of the region.
        more: Further words of the command.

    Returns:
        As many pictures.
    """
    said = ["--caption", caption] if caption else []
    masks = ["--masks", str(CLIPS / f"{name}_masks"), "--adjust", adjustment]
    command = [sys.executable, "-m", "app.commands.cli", "edit", str(CLIPS / f"{name}.mp4"), "--out", str(folder), "--task", task]
    subprocess.run([*command, *said, *masks, *more, "--png"], cwd=ROOT, check=True)
    pictures = sorted((folder / "frames").glob("*.png"))
    return [Image.open(pictures[min(index, len(pictures) - 1)]) for index in SHOWN]


def unedited(name: str) -> list[Image.Image]:
    """The frames SHOWN of an example clip."""
    with open_clip(CLIPS / f"{name}.mp4") as reader:
        return [Image.fromarray(reader.frame(index)) for index in SHOWN]


def turned_street(folder: Path) -> list[list[Image.Image]]:
    """The street with its car in another hue: the clip, and the edit."""
    before = unedited("street")
    frame = np.asarray(before[0])
    mask = cv2.imread(str(min((CLIPS / "street_masks").glob("*.png"))), cv2.IMREAD_GRAYSCALE)
    hsv = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(int) + 60) % 180
    picture = np.where((np.asarray(mask) > 0)[..., None], cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), frame)
    Image.fromarray(picture.astype(np.uint8)).save(folder / "keyframe.png")
    keyframe = ("--keyframe", str(folder / "keyframe.png"))
    return [before, frames_of(folder / "street", "street", "modify", "the same, changed", "expand:4", *keyframe)]


def striped_board() -> list[list[Image.Image]]:
    """A drawn board that tilts and passes behind a pole, striped: the clip, its keyframe as a stiff
    picture, and carried.
    """
    clip = carrying_clip("tilting board", SHOWN[-1] + 1)
    region = np.stack([cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0 for mask in clip.masks])
    keyframe = clip.changed[BOARD][0]
    ways = clip.frames, stiff_picture(clip.frames, region, keyframe), carried(clip.frames, region, {0: keyframe}, JobContext())
    return [[Image.fromarray(frames[index]) for index in SHOWN] for frames in ways]


def sheet_of(rows: list[list[Image.Image]]) -> Image.Image:
    """A row an edit."""
    small = [[each.resize((WIDTH, round(WIDTH * each.height / each.width)), Image.Resampling.LANCZOS) for each in row] for row in rows]
    tall, wide = small[0][0].height, small[0][0].width
    sheet = Image.new("RGB", (len(SHOWN) * (wide + GAP) - GAP, len(rows) * (tall + GAP) - GAP), "white")
    for y, row in enumerate(small):
        for x, picture in enumerate(row):
            sheet.paste(picture, (x * (wide + GAP), y * (tall + GAP)))
    return sheet


def main() -> None:
    """Run the edits and write the pictures."""
    wanted = sys.argv[1:] or ["results", "carrying", "removal"]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if "results" in wanted:
            rows = [frames_of(folder / str(number), *edit) for number, edit in enumerate(EDITS)]
            sheet_of(rows).save(IMAGES / "results.webp", quality=80)
        if "carrying" in wanted:
            sheet_of([*turned_street(folder), *striped_board()]).save(IMAGES / "carrying.webp", quality=80)
        if "removal" in wanted:
            removals = [edit for edit in EDITS if edit[1] == "delete"]
            rows = [row for edit in removals for row in (unedited(edit[0]), frames_of(folder / f"{edit[0]} removed", *edit))]
            sheet_of(rows).save(IMAGES / "removal.webp", quality=80)


if __name__ == "__main__":
    main()
