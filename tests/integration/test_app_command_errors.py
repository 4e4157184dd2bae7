"""Everything that is wrong with a command is one line and an exit code, before any slow work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from builders import video_file
from command_line import BOX, contents, ROOT
from PIL import Image

WRONG = [
    (("--picture", "x.png", "--place", "1,1,4,4", "--invert-masks"), "--invert-masks is about --masks"),
    (("--picture", "x.png", "--place", "1,1,4,4", "--seed", "-1"), "the seed -1"),
    (("--task", "add", "--caption", "a red ball"), "say which object"),
    (("--box", "10,10,10,40", "--task", "delete"), "is empty"),
    (("--box", "10,10,400,40", "--task", "delete"), "outside the frame"),
    (("--point", "500,5", "--task", "delete"), "outside the frame"),
    (("--point", "5", "--task", "delete"), "no point"),
    (("--not-point", "5,5", "--task", "delete"), "selects nothing"),
    (("--box", BOX, "--task", "add"), "needs a caption"),
    (("--box", BOX, "--task", "paint", "--caption", "x"), "unknown task"),
    (("--box", BOX, "--task", "delete", "--adjust", "grow"), "unknown mask adjustment"),
    (("--box", BOX, "--task", "delete", "--frames", "5:2"), "not a part of"),
    (("--box", BOX, "--task", "delete", "--frames", "x"), "not a range"),
    (("--box", BOX, "--task", "delete", "--frames", "-5:20"), "--flag=-5"),
    (("--box", BOX, "--task", "delete", "--frame", "99"), "outside the frames"),
    (("--box", BOX, "--task", "delete", "--model", "huge"), "vivid-small"),
    (("--box", BOX, "--task", "delete", "--segmenter", "huge"), "embedded"),
    (("--box", BOX, "--task", "delete", "--steps", "0"), "from 1 to"),
    (("--box", BOX, "--task", "delete", "--seed", "-1"), "the seed -1"),
    (("--box", BOX, "--task", "delete", "--device", "abacus"), "unknown device"),
    (("--masks", "/nowhere", "--task", "delete"), "no masks at"),
    (("--box", BOX, "--task", "delete", "--keyframe", "x:y.png"), "FRAME has to be a number"),
    (("--box", BOX, "--task", "delete", "--speed", "quick"), "it can be auto, plain"),
    (("--masks", "x", "--task", "delete", "--frame", "17"), "outside the frames"),
    (("--box", BOX, "--masks", "x", "--task", "delete"), "not both"),
    (("--box", BOX, "--task", "delete", "--keyframe", "/nowhere.png"), "/nowhere.png"),
    (("--box", BOX), "--task"),
    (("--box", BOX, "--task", "delete", "--model", "~nobody-of-that-name/model"), "unknown video model"),
    (("--box", BOX, "--task", "delete", "--model", "x" * 300), "unknown video model"),
    (("--masks", "x" * 300, "--task", "delete"), "File name too long"),
    (("--masks", "", "--task", "delete"), "path is empty"),
    (("--box", BOX, "--task", "add", "--caption", "a \udcff ball"), "not valid text"),
    (("--box", BOX, "--task", "delete", "--keyframe", "two\nlines.png"), "two lines.png"),
]


def test_bad_input_is_one_line_and_exit_2_and_the_old_result_stays(
    talking_clip: Path, edited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.commands.cli import main

    out = tmp_path / "out"
    shutil.copytree(edited, out)
    for arguments, words in WRONG:
        code = main(["edit", str(talking_clip), "--out", str(out), *arguments])
        err = capsys.readouterr().err.strip()
        last = err.splitlines()[-1]
        assert code == 2, (arguments, err)
        assert words in last, (arguments, err)
        assert last.startswith("error: "), (arguments, err)
        assert "Traceback" not in err
    assert contents(out) == contents(edited)
    assert main(["ui", "--device", "cuda:99", "--workspace", str(tmp_path / "workspace")]) == 2
    assert "this machine has no device 'cuda:99'" in capsys.readouterr().err
    assert not (tmp_path / "workspace").exists()


def test_wrong_mask_folders_are_named(talking_clip: Path, edited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main

    few, small, empty, wide = (tmp_path / name for name in ("few", "small", "empty", "wide.png"))
    for folder in (few, small, empty):
        folder.mkdir()
    for index in range(17):
        Image.fromarray(np.full((60, 90), 255, np.uint8)).save(small / f"{index:05d}.png")
        Image.fromarray(np.zeros((120, 160), np.uint8)).save(empty / f"{index:05d}.png")
    Image.fromarray(np.full((120, 160), 255, np.uint8)).save(few / "00000.png")
    Image.fromarray(np.zeros((120, 300, 3), np.uint8)).save(wide)
    cases = [
        (few, (), "no mask for frames 1-16"),
        (small, (), "90x60"),
        (empty, (), "all empty"),
        (edited / "masks", ("--keyframe", wide), "300x120"),
    ]
    for folder, extra, words in cases:
        code = main(["edit", str(talking_clip), "--out", str(tmp_path), "--masks", str(folder), "--task", "delete", *map(str, extra)])
        err = capsys.readouterr().err.strip()
        assert code == 2, err
        assert words in err.splitlines()[-1], err


@pytest.mark.parametrize("command", ["track", "edit"])
def test_what_is_no_video_is_refused_in_a_line(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main

    text = tmp_path / "notes.mp4"
    text.write_text("dear diary\n" * 50)
    task = ["--task", "delete"] if command == "edit" else []
    for video in (text, tmp_path / "missing.mp4"):
        assert main([command, str(video), "--out", str(tmp_path / "out"), "--box", "1,1,5,5", *task]) == 2
        assert str(video) in capsys.readouterr().err


def test_a_mistake_is_said_before_what_takes_seconds_to_load(talking_clip: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("dear diary")
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "00000.png").touch()
    out, edit = ["--out", str(tmp_path)], ["--box", BOX, "--task", "delete"]
    mistakes = [
        ["edit", "/nowhere.mp4", *out, *edit],
        ["edit", str(text), *out, *edit],
        ["edit", str(talking_clip), *out, "--box", BOX, "--task", "paint"],
        ["edit", str(talking_clip), *out, "--box", BOX, "--task", "add"],
        ["edit", str(talking_clip), *out, *edit, "--frames", "9:99"],
        ["edit", str(talking_clip), *out, *edit, "--seed", "-1"],
        ["edit", str(talking_clip), *out, *edit],
        ["track", str(text), *out, "--box", BOX],
        ["track", str(talking_clip), *out, "--box", BOX],
        ["replay", str(text), *out],
    ]
    code = f"import sys; from app.commands.cli import main; print([main(one) for one in {mistakes!r}], 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == f"{[2] * len(mistakes)} False", done.stderr


def test_weights_that_are_absent_exit_3_and_say_what_to_fetch(talking_clip: Path, tmp_path: Path) -> None:
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    command = [
        sys.executable,
        "-m",
        "app.commands.cli",
        "track",
        str(talking_clip),
        "--out",
        str(tmp_path),
        "--box",
        BOX,
        "--segmenter",
        "large",
    ]
    command += ["--workspace", str(tmp_path / "workspace")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=400, check=False)
    assert done.returncode == 3, done.stderr
    assert "`launch.py models fetch large`" in done.stderr.splitlines()[-1]
    assert "898 MB" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "abc"), ("PORT", "9" * 5000), ("PORT", "70000"), ("DEVICE", "abacus"), ("WORKSPACE", "x" * 300)]
)
def test_nonsense_in_the_environment_is_bad_input(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.commands.cli import main

    monkeypatch.setenv(f"VIVID_{name}", value)
    assert main(["models"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_clip_that_is_too_small_to_edit_is_told_by_its_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main

    clip = video_file(tmp_path / "dot.mp4", np.zeros((3, 2, 2, 3), np.uint8))
    assert main(["edit", str(clip), "--out", str(tmp_path / "out"), "--box", "0,0,1,1", "--task", "delete"]) == 2
    assert "2x2 pixels is too small to edit" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_result_that_can_not_be_written_is_refused_before_the_models_are_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """H.264 ends at 16384 pixels; FFV1 does not."""
    from app.commands.cli import main
    from app.engine import Engine

    monkeypatch.setattr(Engine, "video_model", lambda *_: pytest.fail("a model was loaded"))
    monkeypatch.setattr(Engine, "segmenter", lambda *_: pytest.fail("a model was loaded"))
    clip = video_file(tmp_path / "wide.mkv", np.zeros((2, 16, 17000, 3), np.uint8), codec="ffv1", pix_fmt="bgr0")
    assert main(["edit", str(clip), "--out", str(tmp_path / "out"), "--box", "10,2,90,12", "--task", "delete"]) == 2
    assert main(["track", str(clip), "--out", str(tmp_path / "out"), "--box", "10,2,90,12", "--also", "green"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 2
    assert all("this clip can't be written" in line and "FFmpeg refuses it" in line for line in lines), lines
    assert not (tmp_path / "out").exists()
