"""What the command line writes over, and what it never touches."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from builders import disc_clip
from command_line import BOX, contents, ROOT, run_here
from PIL import Image

from app.commands.result_folder import LIST


def test_what_was_handed_in_is_never_written_over(talking_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main

    (tmp_path / "masks").mkdir()
    for index in range(17):
        Image.fromarray(np.full((120, 160), 255, np.uint8)).save(tmp_path / "masks" / f"{index:05d}.png")
    video, mask = tmp_path / "output.mp4", tmp_path / "masks" / "00003.png"
    video.write_bytes(talking_clip.read_bytes())
    before = mask.read_bytes()
    for command in (
        ["edit", video, "--box", BOX, "--task", "delete"],
        ["edit", talking_clip, "--masks", tmp_path / "masks", "--task", "delete", "--adjust", "expand:-8"],
        ["edit", talking_clip, "--masks", tmp_path / "masks", "--task", "delete", "--frames", "0:3"],
        ["track", tmp_path / "masks", "--box", BOX],
    ):
        assert main([*map(str, command), "--out", str(tmp_path)]) == 2
        assert "would be overwritten" in capsys.readouterr().err
    assert (video.read_bytes(), mask.read_bytes()) == (talking_clip.read_bytes(), before)


def test_what_the_program_did_not_write_stays_though_nobody_named_it(
    talking_clip: Path, edited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.commands.cli import main

    for name in ("masks/00000.png", "masks-ids.zip", "frames/00005.png", "keyframe.png", "output.mkv"):
        out = tmp_path / Path(name).stem
        (out / name).parent.mkdir(parents=True)
        (out / name).write_bytes(b"mine")
        command = {
            "masks-ids": ["track", str(talking_clip), "--box", BOX, "--also", "ids"],
            "output": ["replay", str(edited / "recipe.json"), "--codec", "ffv1"],
        }.get(out.name, ["edit", str(talking_clip), "--box", BOX, "--task", "delete", "--png"])
        for case in [command, ["track", str(talking_clip), "--box", BOX]] if out.name == "00000" else [command]:
            assert main([*case, "--out", str(out)]) == 2, name
            err = capsys.readouterr().err
            assert "choose another folder for --out" in err
            assert str((out / name).parent) in err
            assert len(err.splitlines()) == 1, "there was work"
            assert contents(out) == {name: b"mine"}

    own, short = tmp_path / "own", disc_clip(tmp_path / "short.mp4", frames=3)
    (own / "masks").mkdir(parents=True)
    for index in range(3):
        Image.fromarray(np.full((120, 160), 1, np.uint8)).save(own / "masks" / f"{index}.png")
    masks = contents(own)
    words = ("--task", "delete", "--keyframe", edited / "keyframe.png", "--steps", 1)
    run_here("edit", short, "--out", own, "--masks", own / "masks", *words)
    assert masks.items() < contents(own).items()
    assert "and 6 pixels around it" in capsys.readouterr().err, "given masks have mixed pixels at their edges, too"
    assert main(["track", str(short), "--out", str(own), "--box", BOX]) == 2


def test_a_place_that_cant_take_the_result_is_found_before_the_work(
    talking_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.commands.cli import main

    (tmp_path / "file").touch()
    (tmp_path / "a" / "output.mp4").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "frames").touch()
    for out, words in (("file", "a file in its place"), ("file/inside", "a file in its place"), ("a", "is a folder"), ("b", "is a file")):
        code = main(["edit", str(talking_clip), "--out", str(tmp_path / out), "--box", BOX, "--task", "delete", "--png"])
        err = capsys.readouterr().err
        assert (code, words in err, "loading" in err) == (2, True, False), err
    assert main(["ui", "--no-browser", "--workspace", str(tmp_path / "file")]) == 2
    assert "--workspace" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files the POSIX way")
def test_a_disk_that_fills_up_leaves_the_old_result_whole(talking_clip: Path, edited: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(edited, out)

    def result() -> dict[Path, bytes]:
        files = {path.relative_to(out): path for path in out.rglob("*") if path.is_file()}
        return {name: path.read_bytes() for name, path in files.items() if "masks" not in name.parts and name.name != LIST}

    before = result()
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9000,) * 2); from app.commands.cli import main; sys.exit(main())"
    )
    masks = ["--masks", str(edited / "masks"), "--task", "delete", "--keyframe", str(edited / "keyframe.png"), "--steps", "1", "--png"]
    command = [sys.executable, "-c", code, "edit", str(talking_clip), "--out", str(out), *masks]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 1, done.stderr
    assert "the disk is full" in done.stderr.splitlines()[-1], done.stderr
    assert result() == before


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_ctrl_c_stops_cleanly_with_130_and_the_old_result_stays(talking_clip: Path, edited: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(edited, out)
    command = [sys.executable, "-m", "app.commands.cli", "edit", str(talking_clip), "--out", str(out), "--box", BOX, "--task", "add"]
    command += ["--caption", "a red ball", "--steps", "900"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("keyframe"):
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(30) == 130
    assert rest.strip().splitlines()[-1] == "stopped"
    assert "Traceback" not in rest
    assert contents(out).keys() == contents(edited).keys()
    assert (out / "output.mp4").read_bytes() == (edited / "output.mp4").read_bytes()
