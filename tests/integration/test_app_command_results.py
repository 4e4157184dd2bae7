"""What `track` and `edit` of the command line make, on the models that ship."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from builders import video_file
from command_line import BOX, run, run_here
from PIL import Image

from app.commands.cli import main
from app.render.command import edit_command
from app.render.recipe import Recipe
from core.errors import InputError
from core.masks import FLAG_TEXTS
from core.media import open_clip, write_image
from core.project.tracks import MaskAdjustment


def test_track_writes_a_mask_for_every_frame_of_the_span(talking_clip: Path, tmp_path: Path) -> None:
    done = run("track", talking_clip, "--out", tmp_path, "--box", BOX, "--frames", "2:9", "--frame", 2, "--also", "webm", "--also", "ids")
    assert done.returncode == 0, done.stderr
    with open_clip(tmp_path / "masks-webm.webm") as cut_out:
        assert len(cut_out) == 7
    names = sorted(p.name for p in (tmp_path / "masks").iterdir())
    assert names == [f"{i:05d}.png" for i in range(7)]
    mask = np.asarray(Image.open(tmp_path / "masks" / "00000.png"))
    assert mask.shape == (120, 160)
    assert set(np.unique(mask)) == {0, 255}
    assert "tracking" in done.stderr
    words = ("--task", "delete", "--adjust", "none", "--frames", "2:9", "--steps", 1)
    run_here("edit", talking_clip, "--out", tmp_path / "edit", "--masks", tmp_path / "masks-ids.zip", *words)
    edited = np.asarray(Image.open(tmp_path / "edit" / "masks" / "00000.png"))
    assert (edited == mask).all()


def test_a_cut_stops_the_tracking_unless_something_is_said_of_both_shots(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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
    assert re.search("^note: check frames? 6.*: the mask may be wrong there$", capsys.readouterr().err, re.MULTILINE)
    capsys.readouterr()
    assert track(*first, "--box", "0:1,1,9,9") == 2
    assert "two boxes on frame 0" in capsys.readouterr().err


def test_edit_gives_the_source_back_with_only_the_region_changed(talking_clip: Path, edited: Path) -> None:
    report = json.loads((edited / "report.json").read_text())
    assert (report["frames"], report["size"], report["rate"], report["max_difference_outside"]) == (17, [160, 120], "30000/1001", 0)
    assert (report["model"], report["seed"]) == ("vivid-small", 3)
    assert {"propagate", "render", "track", "keyframe"} <= set(report["seconds"])
    assert report["peak_memory_mb"] > 0
    with open_clip(talking_clip) as source, open_clip(edited / "output.mp4") as result:
        assert (len(result), result.info.size, result.info.rate, len(result.info.audio)) == (17, (160, 120), Fraction(30000, 1001), 1)
        for index in range(17):
            mask = np.asarray(Image.open(edited / "masks" / f"{index:05d}.png")) > 0
            frame = np.asarray(Image.open(edited / "frames" / f"{index:05d}.png"))
            before = source.frame(index)
            assert mask.any()
            assert (frame[~mask] == before[~mask]).all()
            assert np.abs(frame[mask].astype(int) - before[mask]).mean() > 5


def test_an_edit_can_be_copied_as_a_command(edited: Path) -> None:
    from app.commands.parser import build_parser

    recipe = Recipe.load(edited / "recipe.json")
    program, script, *words = shlex.split(edit_command(recipe))
    assert (program, script) == ("python3", "launch.py")
    given, own = build_parser().parse_args(words), build_parser().parse_args(["edit", recipe.video, "--out", "out", "--task", "modify"])
    asked = {name: value for name, value in vars(given).items() if value != vars(own)[name]}
    adjusted = {"adjust": "box+expand:6,holes:all,smooth:1", "frame": 0}
    assert asked == {"box": [f"0:{BOX}"], "caption": "a red cube", "seed": 3, "steps": 1, **adjusted}
    (edit,) = recipe.edits
    direct = replace(recipe, edits=(replace(edit, keyframes=(replace(edit.keyframes[0], carried="direct"),)),))
    assert "--direct" in shlex.split(edit_command(direct))
    painted = replace(edit.keyframes[0], paint_settings=replace(edit.keyframes[0].paint_settings, painter="sdxl-inpaint"))
    other = replace(recipe, edits=(replace(edit, keyframes=(painted,)),))
    assert shlex.split(edit_command(other))[-2:] == ["--keyframe-model", "sdxl-inpaint"]
    with pytest.raises(InputError, match="several objects or edits"):
        edit_command(replace(recipe, edits=recipe.edits * 2))


def test_an_edit_without_a_keyframe_paints_every_frame_and_replays(
    talking_clip: Path, edited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "masks").mkdir()
    for index in range(4):
        (tmp_path / "masks" / f"{index:05d}.png").write_bytes((edited / "masks" / f"{index:05d}.png").read_bytes())
    words = ["--task", "modify", "--caption", "a red cube", "--frames", "0:4", "--png", "--seed", 3, "--steps", 1, "--direct"]
    run_here("edit", talking_clip, "--out", tmp_path / "one", *words, "--masks", tmp_path / "masks")
    assert "painted without a keyframe, from frame 0 on" in capsys.readouterr().err
    report = json.loads((tmp_path / "one" / "report.json").read_text())
    assert (report["carried"], report["max_difference_outside"]) == ({"0": "direct"}, 0)
    assert not (tmp_path / "one" / "keyframe.png").exists()
    with open_clip(talking_clip) as source:
        for index in range(4):
            mask = np.asarray(Image.open(tmp_path / "masks" / f"{index:05d}.png")) > 0
            frame = np.asarray(Image.open(tmp_path / "one" / "frames" / f"{index:05d}.png"))
            assert (frame[~mask] == source.frame(index)[~mask]).all()
            assert np.abs(frame[mask].astype(int) - source.frame(index)[mask]).mean() > 5
    run_here("replay", tmp_path / "one" / "recipe.json", "--out", tmp_path / "two", "--codec", "ffv1")
    with open_clip(tmp_path / "two" / "output.mkv") as again:  # x264 does not write the same file each time
        for index in range(4):
            assert (again.frame(index) == np.asarray(Image.open(tmp_path / "one" / "frames" / f"{index:05d}.png"))).all()
    for more in (["--keyframe", edited / "keyframe.png"], ["--carry", "picture"], ["--keyframe-model", "sdxl-inpaint"]):
        assert main([str(word) for word in ("edit", talking_clip, "--out", tmp_path / "no", *words, "--box", BOX, *more)]) == 2
        assert "leave --" in capsys.readouterr().err


def test_a_keyframe_from_elsewhere_is_used_as_it_is(talking_clip: Path, edited: Path, tmp_path: Path) -> None:
    picture = np.asarray(Image.open(edited / "keyframe.png").convert("RGB"))
    write_image(tmp_path / "key.png", np.asarray(Image.fromarray(picture).resize((320, 240))))
    words = ("--task", "delete", "--keyframe", tmp_path / "key.png", "--frame", 3, "--frames", "0:5", "--steps", 1)
    run_here("edit", talking_clip, "--out", tmp_path, "--masks", edited / "masks", *words)
    assert json.loads((tmp_path / "report.json").read_text())["keyframe"] == 3
    assert np.asarray(Image.open(tmp_path / "keyframe.png")).shape == (120, 160, 3)


def test_edited_frames_come_back_in_the_whole_clip(edited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = tmp_path / "clip.mp4"
    with open_clip(edited / "output.mp4") as reader, av.open(str(clip), "w") as made:  # an entry point every 4 frames
        stream = made.add_stream("libx264", rate=Fraction(30000, 1001), options={"x264-params": "keyint=4:scenecut=0"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for frame in reader.frames():
            made.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        made.mux(stream.encode())
    words = ("--masks", edited / "masks", "--task", "delete", "--frames", "5:7", "--steps", 1)
    run_here("edit", clip, "--out", tmp_path / "whole", *words, "--png")
    assert "17 frames in" in (said := capsys.readouterr().out)
    assert "2 of them edited, 13 copied from the source as they are" in said
    run_here("replay", tmp_path / "whole" / "recipe.json", "--out", tmp_path / "again", "--codec", "ffv1")
    run_here("edit", clip, "--out", tmp_path / "cut", *words, "--only-frames")
    with (
        open_clip(clip) as source,
        open_clip(tmp_path / "whole" / "output.mp4") as whole,
        open_clip(tmp_path / "cut" / "output.mp4") as cut,
    ):
        assert (len(whole), whole.timestamps, len(cut)) == (17, source.timestamps, 2)
        for index in (*range(4), *range(8, 17)):
            assert (whole.frame(index) == source.frame(index)).all(), "copied, not encoded again"
        assert np.abs(whole.frame(5).astype(int) - np.asarray(Image.open(tmp_path / "whole" / "frames" / "00000.png"))).mean() < 3
        with open_clip(tmp_path / "again" / "output.mkv") as again:  # without loss: x264 does not write the same file each time
            pixels = [np.asarray(Image.open(tmp_path / "whole" / "frames" / f"{index:05d}.png")) for index in range(2)]
            wanted = [*source.frames(0, 5), *pixels, *source.frames(7)]
            assert all((a == b).all() for a, b in zip(again.frames(), wanted, strict=True)), "a replay makes the same pixels"


def test_each_object_has_its_own_task_in_one_result_of_the_command_line(
    talking_clip: Path, edited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two parts of the disc from one folder of masks, so that nothing is tracked."""
    from app.commands.cli import main

    for name, away in (("right", np.s_[:, :70]), ("left", np.s_[:, 70:])):
        for index in range(3):
            mask = np.asarray(Image.open(edited / "masks" / f"{index:05d}.png")).copy()
            mask[away] = 0
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(mask).save(tmp_path / name / f"{index:05d}.png")
    picture = np.full((120, 160, 3), (20, 60, 220), np.uint8)
    write_image(tmp_path / "blue.png", picture)
    words = ("--frames", "0:3", "--only-frames", "--steps", 1, "--task", "modify", "--caption", "a blue ball")
    blue = f"--masks {tmp_path / 'right'} --keyframe {tmp_path / 'blue.png'} --feather 0 --opacity 0.5 --seed 7 --carry picture"
    green = f"--masks {tmp_path / 'left'} --caption 'a green ball' --seed 8"
    run_here("edit", talking_clip, "--out", tmp_path / "out", *words, "--png", "--object", blue, "--object", green)
    recipe, report = Recipe.load(tmp_path / "out" / "recipe.json"), json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["max_difference_outside"] == 0
    assert [(edit.keyframes[0].caption, edit.keyframes[0].seed, edit.mix.opacity, edit.joined) for edit in recipe.edits] == [
        ("a blue ball", 7, 0.5, False),
        ("a green ball", 8, 1.0, True),
    ]
    shown = np.asarray(Image.open(tmp_path / "out" / "frames" / "00000.png"))
    with open_clip(talking_clip) as reader:
        source = reader.frame(0)
    only = np.asarray(Image.open(tmp_path / "right" / "00000.png")) > 0
    assert np.abs(shown[only] - (source[only] / 2 + np.array([10, 30, 110]))).max() <= 1
    run_here("replay", tmp_path / "out" / "recipe.json", "--out", tmp_path / "again", "--codec", "ffv1")
    with open_clip(tmp_path / "again" / "output.mkv") as again:
        for index in range(3):
            assert (again.frame(index) == np.asarray(Image.open(tmp_path / "out" / "frames" / f"{index:05d}.png"))).all()
    for wrong, why in (
        (("--object", "--task modify"), "does not say where the object is"),
        (("--object", "--box 1,1,9,9 --frames 0:2"), "--frames is for the whole edit"),
        (("--object", "--box 1,1,9,9", "--box", BOX), "say within each --object where"),
    ):
        assert main(["edit", str(talking_clip), "--out", str(tmp_path / "wrong"), *map(str, words), *wrong]) == 2
        assert why in capsys.readouterr().err


def test_a_folder_of_images_is_a_video_too(talking_clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    with open_clip(talking_clip) as reader:
        for index in range(3):
            write_image(folder / f"{index:04d}.png", reader.frame(index))
    run_here("edit", folder, "--out", tmp_path / "out", "--box", BOX, "--task", "delete", "--steps", 1)
    with open_clip(tmp_path / "out" / "output.mp4") as result:
        assert len(result) == 3
    recipe = Recipe.load(tmp_path / "out" / "recipe.json")
    assert recipe.edits[0].adjustment == MaskAdjustment("hull+expand", 6), "a removal stays close to the object"
