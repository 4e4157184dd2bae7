"""Damaged masks of every kind of file, read as the page and the command line do."""

from __future__ import annotations

import argparse
import random
import shutil
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from app.render.mask_files import looks_like_masks, read_masks
from core.masks import doubt_about, export_png
from core.project.video import VideoInfo
from scripts.campaign import mutations
from scripts.campaign.documents import run_mutations
from scripts.campaign.ledger import NamedCase
from scripts.campaign.worker import Attempt

CASES = 2000
FRAMES = 4
INFO = VideoInfo(64, 48, Fraction(24), FRAMES)
KINDS = ("grey.png", "rgba.png", "palette.png", "deep.png", "two.png", "grey.jpg", "grey.tif", "deep.tif", "p.gif", "c.webp", "c.bmp")
PLACES = ("one", "stack", "folder", "zip", "packed zip", "video")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This campaign is asked for nothing more."""


def run(options: argparse.Namespace) -> int:
    """Try the cases that have not been tried; returns 1 when any has faults."""
    return run_mutations(options, "masks", __name__, [NamedCase(f"masks-{number}") for number in range(CASES)])


def attempts(name: str, folder: Path) -> Iterator[tuple[str, Attempt]]:
    """Read the damaged masks of a case."""
    chance = random.Random(name)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "masks").mkdir(parents=True)
    kind, place = chance.choice(KINDS), chance.choice(PLACES)
    suffix = Path(kind).suffix
    for frame in range(FRAMES):
        path = folder / "masks" / f"{chance.choice(('', 'a', 'x2_'))}{frame}{suffix}"
        _picture(kind, frame).save(path)
        if place in ("one", "folder", "packed zip") and (frame == 0 or chance.random() < 0.2):
            path.write_bytes(mutations.bytes_of(path.read_bytes(), chance))
    source = folder / "masks"
    if place == "one":
        source = sorted(source.iterdir())[0]
    elif place == "stack":
        source = folder / f"stack.{chance.choice(('tif', 'gif', 'webp', 'png'))}"
        first, *rest = (_picture(kind, frame).convert("L") for frame in range(FRAMES))
        first.save(source, save_all=True, append_images=rest)
    elif place.endswith("zip"):
        source = folder / "masks.zip"
        with zipfile.ZipFile(source, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))) as packed:
            for path in sorted((folder / "masks").iterdir()):
                packed.write(path, chance.choice(("", "a/", "../", "/")) + path.name)
    elif place == "video":
        source = folder / chance.choice(("masks.mp4", "masks.mkv", "masks.avi"))
        _video(source)
    if place in ("zip", "video", "stack"):
        source.write_bytes(mutations.bytes_of(source.read_bytes(), chance))
    yield f"{place} of {kind}", lambda: _read(source, folder / "out")
    if place == "video":
        yield "looks like masks", lambda: looks_like_masks(source, INFO, (0, FRAMES))


def _read(source: Path, out: Path) -> None:
    found = read_masks(source, INFO, (0, FRAMES), 0)
    doubt_about(found.together(), range(FRAMES))
    export_png(found.together(), out)


def _mask(frame: int) -> np.ndarray:
    ys, xs = np.mgrid[:48, :64]
    return (xs - 20 - 4 * frame) ** 2 + (ys - 24) ** 2 < 144


def _picture(kind: str, frame: int) -> Image.Image:
    mask = _mask(frame)
    grey = Image.fromarray(mask.astype(np.uint8) * 255)
    match kind.partition(".")[0]:
        case "rgba":
            return Image.merge("RGBA", [grey, grey, grey, grey])
        case "palette" | "p":
            picture = Image.fromarray(mask.astype(np.uint8) * 2)
            picture.putpalette([0, 0, 0, 90, 0, 0, 0, 200, 30])
            return picture
        case "deep":
            return Image.fromarray(mask.astype(np.uint16) * 65535)
        case "two":
            return grey.convert("1")
        case "c":
            return grey.convert("RGB")
    return grey


def _video(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4" if path.suffix == ".avi" else "libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for frame in range(FRAMES):
            picture = np.repeat(_mask(frame)[..., None], 3, 2).astype(np.uint8) * 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
