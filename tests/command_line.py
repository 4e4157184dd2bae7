"""The command line as a script uses it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from builders import DISC_BOX

ROOT = Path(__file__).resolve().parents[1]
BOX = ",".join(map(str, DISC_BOX))


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "app.commands.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)


def run_here(*arguments: object) -> None:
    """Run a command in this process, which has the libraries loaded; it has to succeed."""
    from app.commands.cli import main

    assert main([str(a) for a in arguments]) == 0


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def same_as_pngs(clip: Path, pngs: Path) -> bool:
    """Whether a clip without loss shows the numbered pictures of a folder, to the last bit. H.264
    can't be compared so: x264 does not write the same file each time from the same frames.
    """
    from core.media import open_clip, read_image

    pictures = sorted(pngs.glob("*.png"))
    with open_clip(clip) as reader:
        return len(reader) == len(pictures) and all(
            (frame == read_image(picture)).all() for frame, picture in zip(reader.frames(), pictures, strict=True)
        )
