"""A result's folder: what the program wrote is replaced, what anybody else did stays as it is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from app.commands.result_folder import result_folder
from core.errors import InputError

FILES = ("output.mp4", "report.json")


def write(out: Path, pictures: int, content: bytes = b"ours") -> None:
    with result_folder(out, FILES, {"masks": pictures}):
        put(out, pictures, content)


def put(out: Path, pictures: int, content: bytes, files: tuple[str, ...] = FILES) -> None:
    (out / "masks").mkdir(exist_ok=True)
    for index in range(pictures):
        (out / "masks" / f"{index:05d}.png").write_bytes(content)
    for name in files:
        (out / name).write_bytes(content)


@pytest.mark.parametrize("name", ["output.mp4", "report.json", "masks/00000.png", "masks/00007.png", "masks/3.png", "masks/holiday.jpg"])
def test_what_others_put_there_is_refused_and_stays(tmp_path: Path, name: str) -> None:
    theirs = tmp_path / name
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_bytes(b"mine")
    with pytest.raises(InputError, match="choose another folder for --out") as refused:
        write(tmp_path, 3)
    assert str(theirs.parent) in str(refused.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [theirs]
    assert theirs.read_bytes() == b"mine"


def test_a_run_replaces_what_an_earlier_one_wrote_but_not_what_was_changed_since(tmp_path: Path) -> None:
    write(tmp_path, 6)
    write(tmp_path, 3, b"anew")
    assert (tmp_path / "masks" / "00002.png").read_bytes() == b"anew"
    corrected = tmp_path / "masks" / "00001.png"
    corrected.write_bytes(b"by hand")
    (tmp_path / "masks" / "notes.txt").write_text("in nobody's way")
    with pytest.raises(InputError, match=r"changed since.*00001\.png"):
        write(tmp_path, 3)
    assert corrected.read_bytes() == b"by hand"


def test_what_would_pass_for_a_part_of_the_new_result_goes_when_that_is_complete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("masks-ids.zip", "masks-webm.webm", "recipe.json", "output.mov")
    with result_folder(tmp_path, files, {"masks": 6, "frames": 2}):
        put(tmp_path, 6, b"long", files)
        (tmp_path / "frames").mkdir()
        for index in range(2):
            (tmp_path / "frames" / f"{index:05d}.png").write_bytes(b"long")
    (tmp_path / "masks-ids.zip").write_bytes(b"packed by hand")
    (tmp_path / "masks" / "notes.txt").write_text("mine")
    (tmp_path / "output.srt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(KeyboardInterrupt), result_folder(tmp_path, (), {"masks": 3}):
        raise KeyboardInterrupt
    with result_folder(tmp_path, ("output.mp4",), {}):
        put(tmp_path, 0, b"short", ("output.mp4",))
    assert set(before) < set(tmp_path.rglob("*")), "masks and another video may lie beside a video"
    with result_folder(tmp_path, (), {"masks": 3}, (), (tmp_path / "masks" / "00004.png",)):
        put(tmp_path, 3, b"short", ())
    gone = "masks-webm.webm, 2 pictures in masks"
    assert capsys.readouterr().err.strip() == f"note: removed from {tmp_path} what an earlier run left there: {gone}"
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == {
        *(".vivid-studio.json", "masks-ids.zip", "recipe.json", "output.mov", "output.mp4", "output.srt", "masks/notes.txt"),
        *(f"masks/{index:05d}.png" for index in (0, 1, 2, 4)),
        *(f"frames/{index:05d}.png" for index in range(2)),
    }


def test_a_correction_of_the_same_size_is_a_correction(tmp_path: Path) -> None:
    write(tmp_path, 3)
    corrected = tmp_path / "masks" / "00001.png"
    length = corrected.stat().st_size
    corrected.write_bytes(b"x" * length)
    os.utime(corrected, (corrected.stat().st_mtime + 60,) * 2)
    with pytest.raises(InputError, match=r"changed since.*00001\.png"):
        write(tmp_path, 3)


@pytest.mark.parametrize("killed", [True, False])
def test_a_run_that_was_stopped_does_not_lock_the_folder(tmp_path: Path, killed: bool) -> None:
    run = result_folder(tmp_path, FILES, {"masks": 3})
    run.__enter__()
    put(tmp_path, 2, b"half")
    if not killed:
        run.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    write(tmp_path, 3)
    assert (tmp_path / "masks" / "00002.png").read_bytes() == b"ours"


def test_a_folder_of_an_older_version_is_known_by_its_report(tmp_path: Path) -> None:
    put(tmp_path, 3, b"old")
    (tmp_path / "report.json").write_text(json.dumps({"frames": 3, "max_difference_outside": 0}))
    write(tmp_path, 3)
    (tmp_path / "masks" / "00003.png").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"00003\.png"):
        write(tmp_path, 3)
