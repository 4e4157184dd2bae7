"""The command line, as a script uses it: files in, files out, one line and an exit code for what is wrong. On the models that ship."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from builders import DISC_BOX, disc_clip, video_file
from PIL import Image

from app.commands.result_folder import LIST
from core.masks import FLAG_TEXTS
from core.media import open_clip, write_image

ROOT = Path(__file__).parents[2]
BOX = ",".join(str(v) for v in DISC_BOX)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.commands.cli", *(str(a) for a in arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)


def run_here(*arguments: object) -> None:
    """The same in this process, which has the libraries loaded; it has to end well."""
    from app.commands.cli import main

    assert main([str(a) for a in arguments]) == 0


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return disc_clip(tmp_path_factory.mktemp("clip") / "disc.mp4", frames=17, rate=Fraction(30000, 1001), audio=True)


@pytest.fixture(scope="module")
def edited(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("edited")
    done = run(
        "edit",
        clip,
        "--out",
        out,
        "--box",
        BOX,
        "--task",
        "modify",
        "--caption",
        "a red cube",
        "--adjust",
        "box+expand:6,holes:all,smooth:1",
        "--png",
        "--seed",
        3,
        "--steps",
        1,
    )
    assert done.returncode == 0, done.stderr
    return out


def test_track_writes_a_mask_for_every_frame_of_the_span(clip: Path, tmp_path: Path) -> None:
    done = run("track", clip, "--out", tmp_path, "--box", BOX, "--frames", "2:9", "--frame", 2, "--also", "webm", "--also", "ids")
    assert done.returncode == 0, done.stderr
    with open_clip(tmp_path / "masks-webm.webm") as cut_out:
        assert len(cut_out) == 7
    names = sorted(p.name for p in (tmp_path / "masks").iterdir())
    assert names == [f"{i:05d}.png" for i in range(7)]
    mask = np.asarray(Image.open(tmp_path / "masks" / "00000.png"))
    assert mask.shape == (120, 160)
    assert set(np.unique(mask)) == {0, 255}
    assert "tracking" in done.stderr
    words = ("--task", "delete", "--frames", "2:9", "--steps", 1)
    run_here("edit", clip, "--out", tmp_path / "edit", "--masks", tmp_path / "masks-ids.zip", *words)
    edited = np.asarray(Image.open(tmp_path / "edit" / "masks" / "00000.png"))
    assert (edited == mask).all()


def test_a_cut_stops_the_tracking_unless_something_is_said_of_both_shots(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main

    ys, xs = np.mgrid[:120, :160]
    shots = np.stack([60 + xs // 4, 90 + ys // 4, 70 + (xs + ys) // 8], -1), np.stack([200 - xs // 3, 60 + xs // 3, 30 + ys], -1)
    frames = np.stack([shots[index >= 6] for index in range(10)]).astype(np.uint8)
    centres = [(50, 60)] * 6 + [(110, 40)] * 4
    for picture, (x, y) in zip(frames, centres, strict=True):
        picture[(xs - x) ** 2 + (ys - y) ** 2 < 20**2] = (235, 200, 60)
    clip = video_file(tmp_path / "shots.mp4", frames, options={"crf": "12"})
    out, masks = tmp_path / "out", tmp_path / "out" / "masks"
    first, second = ("--box", "28,38,72,82"), ("--box", "7:88,18,132,62")

    def track(*arguments: str) -> int:
        return main(["track", str(clip), "--out", str(out), *arguments])

    def found(index: int) -> tuple[int, int]:
        rows, columns = np.nonzero(np.asarray(Image.open(masks / f"{index:05d}.png")))
        return round(columns.mean()), round(rows.mean())

    assert track(*first) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    for words in ("a cut at frame 6,", "after it", "--point 6:X,Y", "--frames 0:6", "--through-cuts"):
        assert words in line
    assert not masks.exists() or not any(masks.iterdir())
    assert track(*second) == 2
    assert "before it" in capsys.readouterr().err
    assert track(*first, *second) == 0
    for index, (x, y) in enumerate(centres):
        assert max(abs(found(index)[0] - x), abs(found(index)[1] - y)) <= 4, index
    assert "may be wrong" not in capsys.readouterr().err
    assert json.loads((out / "report.json").read_text())["suspect"] == []
    assert track(*first, "--through-cuts") == 0
    assert len(list(masks.iterdir())) == 10
    (frame, reason, words), *_ = json.loads((out / "report.json").read_text())["suspect"]
    assert (frame, words) == (6, FLAG_TEXTS[reason])
    assert re.search("^note: look at frames? 6.*: the mask may be wrong there$", capsys.readouterr().err, re.MULTILINE)
    capsys.readouterr()
    assert track(*first, "--box", "0:1,1,9,9") == 2
    assert "two boxes on frame 0" in capsys.readouterr().err


def test_edit_gives_the_source_back_with_only_the_region_changed(clip: Path, edited: Path) -> None:
    report = json.loads((edited / "report.json").read_text())
    assert (report["frames"], report["size"], report["rate"], report["max_difference_outside"]) == (17, [160, 120], "30000/1001", 0)
    assert (report["model"], report["seed"]) == ("vivid-small", 3)
    assert {"propagate", "render", "track", "keyframe"} <= set(report["seconds"])
    assert report["peak_memory_mb"] > 0
    with open_clip(clip) as source, open_clip(edited / "output.mp4") as result:
        assert (len(result), result.info.size, result.info.rate, len(result.info.audio)) == (17, (160, 120), Fraction(30000, 1001), 1)
        for index in range(17):
            mask = np.asarray(Image.open(edited / "masks" / f"{index:05d}.png")) > 0
            frame = np.asarray(Image.open(edited / "frames" / f"{index:05d}.png"))
            before = source.frame(index)
            assert mask.any()
            assert (frame[~mask] == before[~mask]).all()
            assert np.abs(frame[mask].astype(int) - before[mask]).mean() > 5


def test_the_same_seed_gives_the_same_pixels(clip: Path, edited: Path, tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    for index in range(4):
        (tmp_path / "masks" / f"{index:05d}.png").write_bytes((edited / "masks" / f"{index:05d}.png").read_bytes())
    words = ["--task", "modify", "--caption", "a red cube", "--frames", "0:4", "--png", "--seed", 3, "--steps", 1]
    frames = []
    for name in ("one", "two"):
        run_here("edit", clip, "--out", tmp_path / name, *words, "--masks", tmp_path / "masks")
        frames.append([(tmp_path / name / "frames" / f"{index:05d}.png").read_bytes() for index in range(4)])
    assert frames[0] == frames[1]


def test_a_keyframe_from_elsewhere_is_used_as_it_is(clip: Path, edited: Path, tmp_path: Path) -> None:
    picture = np.asarray(Image.open(edited / "keyframe.png").convert("RGB"))
    write_image(tmp_path / "key.png", np.asarray(Image.fromarray(picture).resize((320, 240))))
    words = ("--task", "delete", "--keyframe", tmp_path / "key.png", "--frame", 3, "--frames", "0:5", "--steps", 1)
    run_here("edit", clip, "--out", tmp_path, "--masks", edited / "masks", *words)
    assert json.loads((tmp_path / "report.json").read_text())["keyframe"] == 3
    assert np.asarray(Image.open(tmp_path / "keyframe.png")).shape == (120, 160, 3)


WRONG = [
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
    (("--box", BOX, "--task", "delete", "--frames", "x"), "no span"),
    (("--box", BOX, "--task", "delete", "--frames", "-5:20"), "--flag=-5"),
    (("--box", BOX, "--task", "delete", "--frame", "99"), "outside the frames"),
    (("--box", BOX, "--task", "delete", "--model", "huge"), "vivid-small"),
    (("--box", BOX, "--task", "delete", "--segmenter", "huge"), "embedded"),
    (("--box", BOX, "--task", "delete", "--steps", "0"), "from 1 to"),
    (("--box", BOX, "--task", "delete", "--seed", "-1"), "the seed -1"),
    (("--box", BOX, "--task", "delete", "--device", "abacus"), "unknown device"),
    (("--masks", "/nowhere", "--task", "delete"), "no mask folder"),
    (("--masks", "x", "--task", "delete", "--frame", "17"), "outside the frames"),
    (("--box", BOX, "--masks", "x", "--task", "delete"), "not both"),
    (("--box", BOX, "--task", "delete", "--keyframe", "/nowhere.png"), "/nowhere.png"),
    (("--box", BOX), "--task"),
    (("--box", BOX, "--task", "delete", "--model", "~nobody-of-that-name/model"), "unknown video model"),
    (("--box", BOX, "--task", "delete", "--model", "x" * 300), "unknown video model"),
    (("--masks", "x" * 300, "--task", "delete"), "File name too long"),
    (("--masks", "", "--task", "delete"), "path is empty"),
    (("--box", BOX, "--task", "add", "--caption", "a \udcff ball"), "no text"),
    (("--box", BOX, "--task", "delete", "--keyframe", "two\nlines.png"), "two lines.png"),
]


def test_bad_input_is_one_line_and_exit_2_and_the_old_result_stays(
    clip: Path, edited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.commands.cli import main

    out = tmp_path / "out"
    shutil.copytree(edited, out)
    for arguments, words in WRONG:
        code = main(["edit", str(clip), "--out", str(out), *arguments])
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


def test_what_was_handed_in_is_never_written_over(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main

    (tmp_path / "masks").mkdir()
    for index in range(17):
        Image.fromarray(np.full((120, 160), 255, np.uint8)).save(tmp_path / "masks" / f"{index:05d}.png")
    video, mask = tmp_path / "output.mp4", tmp_path / "masks" / "00003.png"
    video.write_bytes(clip.read_bytes())
    before = mask.read_bytes()
    for command in (
        ["edit", video, "--box", BOX, "--task", "delete"],
        ["edit", clip, "--masks", tmp_path / "masks", "--task", "delete", "--adjust", "expand:-8"],
        ["edit", clip, "--masks", tmp_path / "masks", "--task", "delete", "--frames", "0:3"],
        ["track", tmp_path / "masks", "--box", BOX],
    ):
        assert main([*map(str, command), "--out", str(tmp_path)]) == 2
        assert "would be overwritten" in capsys.readouterr().err
    assert (video.read_bytes(), mask.read_bytes()) == (clip.read_bytes(), before)


def test_what_the_program_did_not_write_stays_though_nobody_named_it(
    clip: Path, edited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.commands.cli import main

    for name in ("masks/00000.png", "masks-ids.zip", "frames/00005.png", "keyframe.png", "output.mkv"):
        out = tmp_path / Path(name).stem
        (out / name).parent.mkdir(parents=True)
        (out / name).write_bytes(b"mine")
        command = {
            "masks-ids": ["track", str(clip), "--box", BOX, "--also", "ids"],
            "output": ["replay", str(edited / "recipe.json"), "--codec", "ffv1"],
        }.get(out.name, ["edit", str(clip), "--box", BOX, "--task", "delete", "--png"])
        for case in [command, ["track", str(clip), "--box", BOX]] if out.name == "00000" else [command]:
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
    assert main(["track", str(short), "--out", str(own), "--box", BOX]) == 2


def test_a_place_that_cant_take_the_result_is_found_before_the_work(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main

    (tmp_path / "file").touch()
    (tmp_path / "a" / "output.mp4").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "frames").touch()
    for out, words in (("file", "a file in its place"), ("file/inside", "a file in its place"), ("a", "is a folder"), ("b", "is a file")):
        code = main(["edit", str(clip), "--out", str(tmp_path / out), "--box", BOX, "--task", "delete", "--png"])
        err = capsys.readouterr().err
        assert (code, words in err, "loading" in err) == (2, True, False), err
    assert main(["ui", "--no-browser", "--workspace", str(tmp_path / "file")]) == 2
    assert "--workspace" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files the POSIX way")
def test_a_disk_that_fills_up_leaves_the_old_result_whole(clip: Path, edited: Path, tmp_path: Path) -> None:
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
    command = [sys.executable, "-c", code, "edit", str(clip), "--out", str(out), *masks]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 1, done.stderr
    assert "the disk is full" in done.stderr.splitlines()[-1], done.stderr
    assert result() == before


def test_wrong_mask_folders_are_named(clip: Path, edited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main

    few, small, empty, wide = (tmp_path / name for name in ("few", "small", "empty", "wide.png"))
    for folder in (few, small, empty):
        folder.mkdir()
    for index in range(17):
        Image.fromarray(np.full((60, 80), 255, np.uint8)).save(small / f"{index:05d}.png")
        Image.fromarray(np.zeros((120, 160), np.uint8)).save(empty / f"{index:05d}.png")
    Image.fromarray(np.full((120, 160), 255, np.uint8)).save(few / "00000.png")
    Image.fromarray(np.zeros((120, 300, 3), np.uint8)).save(wide)
    cases = [
        (few, (), "1 mask, but the clip's span has 17 frames"),
        (small, (), "80x60"),
        (empty, (), "empty on every frame"),
        (edited / "masks", ("--keyframe", wide), "300x120"),
    ]
    for folder, extra, words in cases:
        code = main(["edit", str(clip), "--out", str(tmp_path), "--masks", str(folder), "--task", "delete", *map(str, extra)])
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


def test_a_mistake_is_said_before_what_takes_seconds_to_load(clip: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("dear diary")
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "00000.png").touch()
    out, edit = ["--out", str(tmp_path)], ["--box", BOX, "--task", "delete"]
    mistakes = [
        ["edit", "/nowhere.mp4", *out, *edit],
        ["edit", str(text), *out, *edit],
        ["edit", str(clip), *out, "--box", BOX, "--task", "paint"],
        ["edit", str(clip), *out, "--box", BOX, "--task", "add"],
        ["edit", str(clip), *out, *edit, "--frames", "9:99"],
        ["edit", str(clip), *out, *edit, "--seed", "-1"],
        ["edit", str(clip), *out, *edit],
        ["track", str(text), *out, "--box", BOX],
        ["track", str(clip), *out, "--box", BOX],
        ["replay", str(text), *out],
    ]
    code = f"import sys; from app.commands.cli import main; print([main(one) for one in {mistakes!r}], 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == f"{[2] * len(mistakes)} False", done.stderr


def test_weights_that_are_absent_exit_3_and_say_what_to_fetch(clip: Path, tmp_path: Path) -> None:
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    command = [sys.executable, "-m", "app.commands.cli", "track", str(clip), "--out", str(tmp_path), "--box", BOX, "--segmenter", "large"]
    command += ["--workspace", str(tmp_path / "workspace")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=400, check=False)
    assert done.returncode == 3, done.stderr
    assert "`launch.py models fetch large`" in done.stderr.splitlines()[-1]
    assert "898 MB" in done.stderr.splitlines()[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_ctrl_c_stops_cleanly_with_130_and_the_old_result_stays(clip: Path, edited: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(edited, out)
    command = [sys.executable, "-m", "app.commands.cli", "edit", str(clip), "--out", str(out), "--box", BOX, "--task", "add"]
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


def test_a_folder_of_images_is_a_video_too(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    with open_clip(clip) as reader:
        for index in range(3):
            write_image(folder / f"{index:04d}.png", reader.frame(index))
    run_here("edit", folder, "--out", tmp_path / "out", "--box", BOX, "--task", "delete", "--steps", 1)
    with open_clip(tmp_path / "out" / "output.mp4") as result:
        assert len(result) == 3


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


def test_models_are_listed_with_where_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main

    assert main(["models"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "here" in lines["embedded"]
    assert "here" in lines["vivid-small"]
    assert "large" in lines


def test_projects_say_how_one_is_opened_and_that_there_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main
    from app.editor.editor import Editor
    from app.settings import Settings

    assert main(["projects", "--workspace", str(tmp_path)]) == 0
    assert "no projects" in capsys.readouterr().err
    project = Editor(Settings(workspace=tmp_path)).projects.create(disc_clip(tmp_path / "disc.mp4", frames=1)).project_id
    assert main(["projects", "--workspace", str(tmp_path)]) == 0
    listed = capsys.readouterr()
    assert "160x120, 1 frame  disc" in listed.out
    assert f"/?project={project}" in listed.err


def test_the_version_is_said_by_the_program_and_before_it_is_set_up(capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main

    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert f'version = "{said.split()[-1]}"' in (ROOT / "pyproject.toml").read_text()
    bare = subprocess.run(
        [sys.executable, "-S", "launch.py", "--version"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert bare.stdout == said


def test_a_clip_that_is_too_small_to_edit_is_told_by_its_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main

    clip = video_file(tmp_path / "dot.mp4", np.zeros((3, 2, 2, 3), np.uint8))
    assert main(["edit", str(clip), "--out", str(tmp_path / "out"), "--box", "0,0,1,1", "--task", "delete"]) == 2
    assert "2x2 pixels is too small to edit" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
