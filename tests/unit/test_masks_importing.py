"""One reader for masks of every origin: the region is what a person drew, whatever it was saved
as.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builders import video_file
from PIL import Image

from core.errors import InputError
from core.masks import doubt_about, inverted, MaskSequence
from core.masks.importing import import_masks, ImportedMasks, masks_from_frames
from core.media import open_clip

SIZE, FRAMES = (160, 120), 6
Draw = Callable[[np.ndarray], Image.Image]


def disc(frame: int, scale: int = 1) -> np.ndarray:
    """bool (H, W): a disc that moves to the right; nothing on the last frame."""
    ys, xs = np.mgrid[: 120 * scale, : 160 * scale] / scale
    there = (xs - 50 - 4 * frame) ** 2 + (ys - 60) ** 2 < 20**2
    return there & (frame < FRAMES - 1)


def grey(mask: np.ndarray, inside: int = 255, outside: int = 0) -> np.ndarray:
    return np.where(mask, np.uint8(inside), np.uint8(outside))


def rgba(mask: np.ndarray) -> Image.Image:
    white = np.full((*mask.shape, 3), 255, np.uint8)
    return Image.fromarray(np.dstack([white, grey(mask)]))


def palette(mask: np.ndarray, colours: list[int], values: tuple[int, int]) -> Image.Image:
    picture = Image.fromarray(grey(mask, values[1], values[0]))
    picture.putpalette(colours)
    return picture


def noisy(mask: np.ndarray) -> Image.Image:
    noise = np.random.default_rng(int(mask.sum())).integers(0, 8, mask.shape, np.uint8)
    return Image.fromarray(np.where(mask, 255 - noise, noise))


def jpeg(picture: Image.Image) -> Image.Image:
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=60)
    return Image.open(packed)


def soft(mask: np.ndarray) -> Image.Image:
    import cv2

    return Image.fromarray(cv2.GaussianBlur(grey(mask, 180), (9, 9), 0))


def optimized(mask: np.ndarray) -> Image.Image:
    """As tools that shrink PNGs leave them: the order of the palette differs."""
    turned = bool(mask.sum() % 2)
    return palette(~mask if turned else mask, [200, 30, 30, 0, 0, 0] if turned else [0, 0, 0, 200, 30, 30], (0, 1))


DRAWN: dict[str, Draw] = {
    "grey": lambda m: Image.fromarray(grey(m)),
    "two levels": lambda m: Image.fromarray(grey(m)).convert("1"),
    "0 and 1": lambda m: Image.fromarray(grey(m, 1)),
    "nearly black": lambda m: Image.fromarray(np.repeat(grey(m, 1)[..., None], 3, 2)),
    "background (1, 1, 1)": lambda m: Image.fromarray(np.repeat(grey(m, 255, 1)[..., None], 3, 2)),
    "background (9, 9, 9), red": lambda m: Image.fromarray(np.dstack([grey(m, 250, 9), grey(m, 10, 9), grey(m, 10, 9)])),
    "alpha": rgba,
    "grey with alpha": lambda m: rgba(m).convert("LA"),
    "opaque alpha": lambda m: Image.fromarray(np.dstack([np.repeat(grey(m)[..., None], 3, 2), np.full(m.shape, 255, np.uint8)])),
    "palette": lambda m: palette(m, [0, 0, 0, 200, 30, 30], (0, 1)),
    "palette, white first": lambda m: palette(m, [255, 255, 255, 0, 0, 0], (1, 0)),
    "palettes that differ": optimized,
    "noise": noisy,
    "jpeg": lambda m: jpeg(Image.fromarray(grey(m))),
    "coloured jpeg": lambda m: jpeg(Image.fromarray(np.dstack([grey(m, 20), grey(m, 120), grey(m, 30)]))),
    "soft": soft,
    "half the size": lambda m: Image.fromarray(grey(m)).resize((80, 60), Image.Resampling.BOX),
    "twice the size": lambda m: Image.fromarray(grey(m)).resize((320, 240)),
    "16 bit": lambda m: Image.fromarray(grey(m).astype(np.uint16) * 257),
    "16 bit, 0 and 1": lambda m: Image.fromarray(grey(m, 1).astype(np.uint16)),
}


def folder_of(root: Path, draw: Draw, name: str = "{:05d}", first: int = 0) -> Path:
    root.mkdir()
    for frame in range(FRAMES):
        picture = draw(disc(frame))
        picture.save(root / f"{name.format(frame + first)}.{'jpg' if picture.format == 'JPEG' else 'png'}", picture.format or "PNG")
    return root


def zip_of(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as file:
        for picture in folder.iterdir():
            file.write(picture, picture.name)
    return path


def read(source: Path, span: tuple[int, int] = (0, FRAMES), at: int = 0) -> ImportedMasks:
    return import_masks(source, SIZE, FRAMES, span, at)


@pytest.mark.parametrize("kind", DRAWN)
def test_folder_and_zip_give_the_region_that_was_drawn(tmp_path: Path, kind: str) -> None:
    folder = folder_of(tmp_path / "masks", DRAWN[kind])
    found, packed = read(folder), read(zip_of(folder))
    (one,) = found.objects
    assert (one.name, one.frames, found.notes) == ("masks", tuple(range(FRAMES)), ())
    assert (one.masks.array() == packed.together().array()).all()
    wrong = np.stack([one.masks[frame] ^ disc(frame) for frame in range(FRAMES)])
    edges = 90 if kind in ("jpeg", "coloured jpeg", "soft", "half the size") else 0
    assert wrong.sum(axis=(1, 2)).max() <= edges, kind
    assert not wrong[-1].any(), "a frame without the object"
    assert doubt_about(one.masks, one.frames) == ""


def test_a_matte_video_gives_the_region_too(tmp_path: Path) -> None:
    frames = np.stack([np.repeat(grey(disc(frame), 140, 12)[..., None], 3, 2) for frame in range(FRAMES)])
    with open_clip(video_file(tmp_path / "matte.mp4", frames, options={"crf": "30"})) as reader:
        (one,) = masks_from_frames(lambda: reader.frames(), 0, SIZE, FRAMES, "matte").objects
    assert max(int((one.masks[frame] ^ disc(frame)).sum()) for frame in range(FRAMES)) < 60


@pytest.mark.parametrize("suffix", ["tif", "gif", "webp", "png"])
def test_a_stack_or_animation_gives_the_region_too(tmp_path: Path, suffix: str) -> None:
    first, *rest = (Image.fromarray(grey(disc(frame))) for frame in range(FRAMES))
    first.save(tmp_path / f"stack.{suffix}", save_all=True, append_images=rest, **({"lossless": True} if suffix == "webp" else {}))
    (one,) = read(tmp_path / f"stack.{suffix}").objects
    assert (one.name, one.frames) == ("stack", tuple(range(FRAMES)))
    assert (one.masks.array() == np.stack([disc(frame) for frame in range(FRAMES)])).all()


@pytest.mark.parametrize("name", ["frame_{:04d}", "shot2_{:03d}_x4", "{}", "take 1 ({})"])
def test_the_number_is_the_run_of_digits_that_counts(tmp_path: Path, name: str) -> None:
    found = read(folder_of(tmp_path / "masks", DRAWN["grey"], name))
    assert (found.together().array() == np.stack([disc(frame) for frame in range(FRAMES)])).all()


def test_numbers_that_are_left_out_are_said(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "masks", DRAWN["grey"])
    (folder / "00002.png").unlink()
    found = read(folder)
    assert found.frames == (0, 1, 3, 4, 5)
    assert "no masks for frame 2" in found.notes[0]
    (folder / "00005.png").rename(folder / "00006.png")  # beyond the clip: numbered from 1
    (folder / "00000.png").unlink()
    shifted = read(folder)
    assert shifted.frames == (0, 2, 3, 5)
    assert "numbered from 1" in shifted.notes[0]
    late = folder_of(tmp_path / "late", DRAWN["grey"], first=1001)
    (late / "01003.png").unlink()
    assert read(late).frames == (0, 1, 3, 4, 5)
    (late / "01006.png").rename(late / "01009.png")
    assert read(late, span=(1, 6)).notes == (
        "the masks in 'late' leave out the numbers 1003, 1006-1008: they are taken in order, one for each frame",
    )
    (late / "notes.png").write_bytes((late / "01001.png").read_bytes())
    with pytest.raises(InputError, match=r"notes\.png"):
        read(late)


def test_masks_that_look_inverted_or_full_are_doubted(tmp_path: Path) -> None:
    swapped = read(folder_of(tmp_path / "masks", lambda m: Image.fromarray(grey(~m)))).together()
    assert doubt_about(swapped, range(FRAMES)) == "inverted"
    assert (inverted(swapped, range(FRAMES)).array() == np.stack([disc(frame) for frame in range(FRAMES)])).all()
    full = MaskSequence(SIZE, 0, [np.ones((120, 160), bool)] * FRAMES)
    assert doubt_about(full, range(FRAMES)) == "full"
    sky = np.arange(120)[:, None].repeat(160, 1) < 90
    assert doubt_about(MaskSequence(SIZE, 0, [sky] * FRAMES), range(FRAMES)) == ""


def test_what_is_too_much_is_refused_before_it_is_read(tmp_path: Path) -> None:
    bomb = zip_of(folder_of(tmp_path / "bomb", DRAWN["grey"]))
    for size, words in ((600 * 2**20, "too large for a mask"), (80 * 2**20, "too much to be masks")):
        packed = bytearray(bomb.read_bytes())
        at = packed.index(b"PK\x01\x02")  # what the list says of the first picture's size
        packed[at + 24 : at + 28] = size.to_bytes(4, "little")
        (tmp_path / "large.zip").write_bytes(packed)
        with pytest.raises(InputError, match=words):
            read(tmp_path / "large.zip")
    Image.new("1", (8000, 6000)).save(tmp_path / "wide.png")
    with pytest.raises(InputError, match="far more than the clip's"):
        read(tmp_path / "wide.png")
    (tmp_path / "script.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 160 120\nshowpage\n")
    with pytest.raises(InputError, match="not a readable picture"):
        read(tmp_path / "script.png")
