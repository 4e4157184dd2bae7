"""Single pictures and the files that appear only when whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import InputError, StorageError
from core.media import read_image, sha256_of, write_image, write_png_frame
from core.media.files import written_whole
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


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "result"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), written_whole(target) as temporary:
        temporary.write_text(f"half {1 / 0}")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("result", "old")]
    with pytest.raises(StorageError, match="can't be written"):
        write_image(target / "inside-a-file.png", noise_frames(1, 8, 8)[0])


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
