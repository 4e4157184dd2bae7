"""A recipe on another video than its own: objects tracked and keyframes painted anew, and one line where that can't be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from builders import DISC_BOX, disc_clip, tiny_vivid_package, video_file

from app.batch import edit_to_folder, EditArguments
from app.cli import main
from app.editor import Editor
from app.prompt_arguments import PromptArguments
from app.settings import Settings
from core.media import open_clip
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.project.tracks import MaskAdjustment

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = SamplingSettings(steps=1)
CUT = 5


def other_clip(path: Path, size: tuple[int, int] = (160, 120), frames: int = 9) -> Path:
    """A disc that begins where that of `disc_clip` does and goes down instead, then a cut to an empty scene."""
    width, height = size
    ys, xs = np.mgrid[:height, :width]
    shots = np.stack([90 - xs // 4, 60 + ys // 4, 110 + 0 * xs], -1), np.stack([250 - xs // 3, 60 + xs // 3, 30 + ys], -1)
    pictures = np.stack([shots[index >= CUT] for index in range(frames)]).astype(np.uint8)
    for index in range(min(CUT, frames)):
        pictures[index][(xs - 55) ** 2 + (ys - 61 - 5 * index) ** 2 < 20**2] = (235, 200, 60)
    return video_file(path, pictures, options={"crf": "8"})


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_vivid_package(tmp_path_factory.mktemp("package") / "tiny")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory, package: Path) -> Path:
    """Of an edit made in the editor."""
    folder = tmp_path_factory.mktemp("recipe")
    clip = disc_clip(folder / "disc.mp4", frames=12)
    editor = Editor(Settings(workspace=folder / "workspace", model=str(package), device="cpu"))

    def finish(job_id: str) -> dict:
        status = editor.runner.wait(job_id, 120)
        assert status.state == "done", status.message
        return status.result

    project_id = editor.create_project(clip).project_id
    editor.add_object(project_id, "Disc")
    editor.add_box(project_id, 1, 2, DISC_BOX[0] + 4, DISC_BOX[1], DISC_BOX[2] + 4, DISC_BOX[3])
    finish(editor.start_tracking(project_id))
    editor.set_adjustment(project_id, MaskAdjustment("expand", 3))
    tried = finish(editor.start_tries(project_id, 2, "modify", "a blue ball", (1,), QUICK))["edits"][0]
    editor.accept(project_id, tried)
    run = finish(editor.start_propagation(project_id, settings=QUICK))["propagation"]
    done = finish(editor.start_export(project_id, "ffv1", run))
    path = folder / "edit.recipe.json"
    path.write_bytes(editor.file_path(project_id, done["recipe"]).read_bytes())
    editor.close()
    return path


def test_the_objects_are_followed_anew_through_the_other_video(recipe: Path, tmp_path: Path) -> None:
    other = other_clip(tmp_path / "other.mp4")
    assert main(["replay", str(recipe), "--video", str(other), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["own_video"], report["frames"], report["video"]) == (False, 9, "other.mp4")
    assert report["notes"] == [f"nothing says where Disc is in the shot {CUT}:9: these frames are left as they are"]
    ys, xs = np.mgrid[:120, :160]
    with open_clip(other) as before, open_clip(tmp_path / "out" / "output.mkv") as after:
        assert len(after) == 9
        for index in range(9):
            changed = np.abs(after.frame(index).astype(int) - before.frame(index)).max(-1) > 8
            if index >= CUT:
                assert not changed.any(), index
                continue
            disc = (xs - 55) ** 2 + (ys - 61 - 5 * index) ** 2 < 20**2
            assert changed[disc].mean() > 0.5, index
            assert not changed[(xs - 55) ** 2 + (ys - 61 - 5 * index) ** 2 > 34**2].any(), index


def test_what_the_other_video_has_no_place_for_is_one_line(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, made, words in (
        ("small", {"size": (64, 48)}, "the recipe shows 'Disc' where this video has no pixels: the box"),
        ("short", {"frames": 2}, "the recipe shows 'Disc' on frame 2, but of this video it can edit the frames 0:2 only"),
    ):
        video = other_clip(tmp_path / f"{name}.mp4", **made)  # type: ignore[arg-type]
        assert main(["replay", str(recipe), "--video", str(video), "--out", str(tmp_path / name), "--device", "cpu"]) == 2
        assert words in capsys.readouterr().err
        assert not (tmp_path / name / "output.mkv").exists()


def test_a_recipe_of_the_command_line_remembers_that_it_went_through_cuts(package: Path, tmp_path: Path) -> None:
    clip = other_clip(tmp_path / "clip.mp4")
    editor = Editor(Settings(workspace=tmp_path, model=str(package), device="cpu"))
    asked = EditArguments("delete", "", MaskAdjustment("none"), 1, QUICK, None, None, None, False)
    given = PromptArguments.parse([], [], [",".join(map(str, DISC_BOX))], None, None, through_cuts=True)
    edit_to_folder(editor.engine, clip, given, asked, tmp_path / "out", JobContext())
    (edit,) = json.loads((tmp_path / "out" / "recipe.json").read_text())["edits"]
    assert edit["through_cuts"] is True
    command = ["replay", str(tmp_path / "out" / "recipe.json"), "--anew", "--out", str(tmp_path / "again"), "--device", "cpu"]
    assert main(command) == 0
    with open_clip(tmp_path / "out" / "output.mp4") as one, open_clip(tmp_path / "again" / "output.mp4") as two:
        assert all((a == b).all() for a, b in zip(one.frames(), two.frames(), strict=True))
    editor.close()
