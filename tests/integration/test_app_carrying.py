"""A keyframe that is carried as a change: on the command line, in a recipe, in the editor."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import finish, tiny_vivid_package, video_file
from command_line import run_here

from app.commands.cli import main
from app.contract.requests import PictureRequest
from app.editor.editor import Editor
from app.render.recipe import Recipe
from app.settings import Settings
from core.data.carrying_clips import carrying_clips, CarryingClip
from core.evaluation.fidelity import psnr
from core.masks import export_png, MaskSequence
from core.media import open_clip, write_image
from core.project.edits import SamplingSettings
from core.project.tracks import MaskAdjustment

pytestmark = pytest.mark.usefixtures("one_thread")

FRAMES = 10
QUICK = SamplingSettings(steps=1)


@dataclass(frozen=True)
class Given:
    """A clip on disk, its masks, its first frame recoloured, and a tiny model."""

    drawn: CarryingClip
    video: Path
    masks: Path
    keyframe: Path
    package: Path

    @property
    def edit(self) -> tuple[object, ...]:
        """The command but for OUT."""
        what = ("--task", "modify", "--caption", "a red ball", "--adjust", "box+expand:8")
        return ("edit", self.video, "--masks", self.masks, *what, "--model", self.package, "--device", "cpu", "--steps", 1)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    folder = tmp_path_factory.mktemp("carrying")
    drawn = next(carrying_clips(FRAMES, 1))
    half = CarryingClip(
        drawn.name,
        _halved(drawn.frames),
        drawn.masks[:, : 134 * 2 : 2, ::2],
        {name: _halved(frames) for name, frames in drawn.changed.items()},
    )
    video = video_file(folder / "ball.mp4", half.frames, options={"crf": "4"})
    export_png(MaskSequence(half.masks.shape[2:0:-1], 0, half.masks), folder / "masks")
    for frame in (0, FRAMES - 1):
        write_image(folder / f"red{frame}.png", half.changed["recoloured"][frame])
    return Given(half, video, folder / "masks", folder / "red0.png", tiny_vivid_package(folder / "tiny"))


def _halved(frames: np.ndarray) -> np.ndarray:
    return np.stack([cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for frame in frames])[:, :134]


def _frames(path: Path) -> np.ndarray:
    with open_clip(path) as reader:
        return np.stack(list(reader.frames(0, FRAMES)))


def test_recoloured_keyframes_are_carried_as_changes_and_replayed(given: Given, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    last = FRAMES - 1
    keyframes = ("--keyframe", f"{last}:{given.keyframe.with_name(f'red{last}.png')}", "--keyframe", f"0:{given.keyframe}")
    run_here(*given.edit, *keyframes, "--out", tmp_path / "out", "--png")
    said = capsys.readouterr().err
    assert "keyframe 0 is carried as a change of the source" in said
    assert f"keyframe {last} is carried as a change of the source" in said
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["carried"] == {"0": "change", str(last): "change"}
    assert report["unsupported"] == []
    assert report["max_difference_outside"] == 0
    result = _frames(tmp_path / "out" / "frames")
    truth = given.drawn.changed["recoloured"]
    assert psnr(result[1:], truth[1:], given.drawn.masks[1:]) > 33
    beside = ~np.stack([cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0 for mask in given.drawn.masks])
    spilt = np.abs(result.astype(int) - _frames(given.video)).max(-1)[beside] > 8
    assert spilt.mean() < 2e-4  # though the region is a box

    recipe = Recipe.load(tmp_path / "out" / "recipe.json")
    assert {(keyframe.frame, keyframe.carried) for keyframe in recipe.edits[0].keyframes} == {(0, "change"), (last, "change")}
    run_here("replay", tmp_path / "out" / "recipe.json", "--out", tmp_path / "again", "--codec", "ffv1", "--device", "cpu")
    assert np.abs(_frames(next((tmp_path / "again").glob("output.*"))).astype(int) - result).max() <= 3

    # Another run into the folder leaves no keyframe of this one behind.
    again = ("--keyframe", given.keyframe, "--frames", "0:3", "--out", tmp_path / "out", "--png")
    run_here(*given.edit, *again)
    assert [path.name for path in (tmp_path / "out").glob("keyframe*")] == ["keyframe.png"]


@pytest.mark.parametrize(
    ("keyframes", "said"),
    [
        (("a.png", "3:b.png"), "say the frame of each"),
        (("3:a.png", "3:b.png"), "two keyframes on frame 3"),
        (("0:a.png", f"{FRAMES}:b.png"), f"choose one from 0 to {FRAMES - 1}"),
        (("3:",), "names no picture"),
    ],
)
def test_keyframes_that_cannot_be_meant_are_one_line(
    given: Given, tmp_path: Path, capsys: pytest.CaptureFixture[str], keyframes: tuple[str, ...], said: str
) -> None:
    words = [word for keyframe in keyframes for word in ("--keyframe", keyframe)]
    assert main([str(each) for each in (*given.edit, *words, "--out", tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1


def test_the_choice_can_be_overruled_and_a_wrong_one_is_one_line(given: Given, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keyframe = ("--keyframe", given.keyframe)
    run_here(*given.edit, *keyframe, "--carry", "picture", "--out", tmp_path / "out", "--frames", "0:4", "--masks", given.masks)
    assert "carried as a picture" in capsys.readouterr().err
    assert json.loads((tmp_path / "out" / "report.json").read_text())["carried"] == {"0": "picture"}
    assert main([str(a) for a in (*given.edit, *keyframe, "--carry", "both", "--out", tmp_path / "other")]) == 2
    assert "choose auto, change or picture" in capsys.readouterr().err


def test_the_editor_says_how_a_picture_that_comes_back_is_carried(given: Given, tmp_path: Path) -> None:
    editor = Editor(Settings(workspace=tmp_path / "workspace", model=str(given.package), device="cpu"))
    project_id = editor.projects.create(given.video).project_id
    editor.masks.import_masks(project_id, given.masks, 0, "Ball")
    editor.region.set_adjustment(project_id, MaskAdjustment("box+expand", 8))
    for frame, name in ((0, "recoloured"), (FRAMES - 1, "recoloured")):
        write_image(tmp_path / "back.png", given.drawn.changed[name][frame])
        project, edit_id = editor.exchange.bring_back(project_id, PictureRequest(frame, tmp_path / "back.png", "a red ball"))
        assert project.edit(edit_id).carried == "change"
        (editor.keyframes.accept if frame == 0 else editor.keyframes.add)(project_id, edit_id)
    run = finish(editor, editor.propagation.start(project_id, settings=QUICK))["propagation"]
    report = editor.results.report(project_id, run)
    assert report["carried"] == {"0": "change", str(FRAMES - 1): "change"}
    propagation = editor.workspace.project(project_id).propagation(run)
    assert [keyframe.carried for keyframe in propagation.keyframes] == ["change", "change"]
    again = finish(editor, editor.propagation.start(project_id, settings=QUICK, carry="picture"))["propagation"]
    assert set(editor.results.report(project_id, again)["carried"].values()) == {"picture"}
    editor.close()
