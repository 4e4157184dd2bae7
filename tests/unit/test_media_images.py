"""Single pictures and the files that appear only when whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from core import pictures
from core.errors import InputError, StorageError
from core.media import read_image, read_image_with_alpha, sha256_of, write_image, write_png_frame
from tests.builders import counted_frames, noise_frames


def test_png_is_exact_and_jpeg_close(tmp_path: Path) -> None:
    picture = noise_frames(1, 31, 45)[0]
    write_image(tmp_path / "a.png", picture)
    assert np.array_equal(read_image(tmp_path / "a.png"), picture)
    calm = counted_frames(1)[0]
    write_image(tmp_path / "a.jpg", calm)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - calm).mean() < 2


def test_a_frame_of_a_sequence_is_named_by_its_index(tmp_path: Path) -> None:
    assert write_png_frame(tmp_path / "frames", 42, noise_frames(1, 8, 8)[0]).name == "00042.png"
    assert [path.name for path in (tmp_path / "frames").iterdir()] == ["00042.png"]


def test_every_kind_of_picture_comes_as_upright_rgb(tmp_path: Path) -> None:
    picture = noise_frames(1, 6, 10)[0]
    turned = Image.fromarray(picture)
    exif = turned.getexif()
    exif[0x0112] = 6  # a quarter turn clockwise stands it upright
    turned.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "turned.png"), np.rot90(picture, -1))
    Image.fromarray((np.arange(60, dtype=np.uint16) * 1000).reshape(6, 10)).save(tmp_path / "deep.png")
    assert read_image(tmp_path / "deep.png")[5, 9].tolist() == [59000 // 257] * 3
    Image.fromarray(picture).convert("P").save(tmp_path / "palette.png")
    Image.fromarray(np.dstack([picture, picture[..., 0]])).save(tmp_path / "alpha.png")
    assert read_image(tmp_path / "palette.png").shape == (6, 10, 3)
    assert np.array_equal(read_image(tmp_path / "alpha.png"), picture)


def test_pictures_of_other_programs_come_with_their_alpha_and_in_srgb(tmp_path: Path) -> None:
    import cv2

    picture = counted_frames(1)[0]
    alpha = np.zeros(picture.shape[:2], np.uint8)
    alpha[10:30, 20:50] = 200
    with_alpha = np.dstack([picture, alpha])
    deep = np.ascontiguousarray(with_alpha[..., [2, 1, 0, 3]].astype(np.uint16) * 257)
    for name in ("deep.png", "deep.tiff"):
        cv2.imwrite(str(tmp_path / name), deep)
    for name in ("a.png", "a.webp", "a.tiff"):
        Image.fromarray(with_alpha).save(tmp_path / name, **({"lossless": True, "exact": True} if name.endswith("webp") else {}))
    for name in ("deep.png", "deep.tiff", "a.png", "a.webp", "a.tiff"):
        colours, found = read_image_with_alpha(tmp_path / name)
        assert np.array_equal(colours, picture), name
        assert np.array_equal(found, alpha), name
    clear = Image.fromarray(picture).convert("P")
    clear.info["transparency"] = clear.getpixel((3, 3))
    clear.save(tmp_path / "clear.png")
    assert read_image_with_alpha(tmp_path / "clear.png")[1][3, 3] == 0
    Image.fromarray(picture).convert("CMYK").save(tmp_path / "press.jpg", quality=98)
    assert np.abs(read_image(tmp_path / "press.jpg").astype(int) - picture).mean() < 4
    assert (read_image_with_alpha(tmp_path / "press.jpg")[1] == 255).all()

    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # a space whose red is sRGB's blue, under a name of its own
    swapped = own.replace(b"rXYZ", b"----").replace(b"bXYZ", b"rXYZ").replace(b"----", b"bXYZ").replace(b"\0s\0R\0G\0B", b"\0t\0e\0s\0t")
    for profile, seen in ((own, picture), (b"no profile", picture), (swapped, picture[..., ::-1])):
        Image.fromarray(picture).save(tmp_path / "profile.png", icc_profile=profile)
        assert np.abs(read_image(tmp_path / "profile.png").astype(int) - seen).max() <= 2 * (profile is swapped)
    Image.fromarray(picture[..., 0].astype(np.float32)).save(tmp_path / "float.tiff")
    with pytest.raises(InputError, match="8 or 16 bits"):
        read_image(tmp_path / "float.tiff")


def test_what_is_no_picture_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    write_image(tmp_path / "whole.png", noise_frames(1, 64, 64)[0])
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:4000])
    for path in (tmp_path / "text.png", tmp_path / "cut.png", tmp_path / "absent.png", tmp_path):
        with pytest.raises(InputError) as fault:
            read_image(path)
        assert str(path) in str(fault.value)
        assert "\n" not in str(fault.value)
    with pytest.raises(InputError, match=r"a\.gif"):
        write_image(tmp_path / "a.gif", noise_frames(1, 8, 8)[0])
    with pytest.raises(InputError, match=r"\(8, 8\)"):
        write_image(tmp_path / "a.png", np.zeros((8, 8), np.uint8))


def test_a_picture_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="could not be written"):
        write_image(tmp_path / "file" / "below.png", noise_frames(1, 8, 8)[0])


def test_sha256_is_the_files_and_a_folders_depends_on_all_its_images(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc" * 1000)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(b"abc" * 1000).hexdigest()
    for index in range(3):
        write_png_frame(tmp_path / "clip", index, noise_frames(1, 8, 8, seed=index)[0])
    first = sha256_of(tmp_path / "clip")
    (tmp_path / "clip" / "notes.txt").write_text("not part of the clip")
    assert sha256_of(tmp_path / "clip") == first
    write_png_frame(tmp_path / "clip", 2, noise_frames(1, 8, 8, seed=9)[0])
    assert sha256_of(tmp_path / "clip") != first
    with pytest.raises(InputError, match="absent"):
        sha256_of(tmp_path / "absent")


@pytest.mark.parametrize("name", ["page.eps", "page.png"])
def test_a_kind_that_people_keep_no_pictures_in_is_never_tried(tmp_path: Path, name: str) -> None:
    """Pillow hands EPS to Ghostscript."""
    Image.new("RGB", (20, 20)).save(tmp_path / name, format="EPS")
    with pytest.raises(InputError, match="is not a picture that can be read"):
        read_image(tmp_path / name)


def test_the_size_of_a_picture_is_checked_before_its_pixels_are_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 3_000_000)
    Image.new("1", (2000, 2000)).save(tmp_path / "large.png")
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("its pixels were loaded"))
    with pytest.raises(InputError, match=r"large\.png is too large: save it with at most 3 million pixels"):
        read_image(tmp_path / "large.png")


def test_pillow_is_handed_files_in_one_place_only() -> None:
    root = Path(__file__).parents[2]
    files = [path for room in ("app", "core", "ui_components") for path in (root / room).rglob("*.py")]
    assert len(files) > 100
    assert [path.name for path in files if "Image.open(" in path.read_text(encoding="utf-8")] == ["pictures.py"]
