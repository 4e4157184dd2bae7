"""A recipe on another video than its own: objects tracked and keyframes painted anew, and one line
where that can't be.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import DISC_BOX, disc_clip, finish, tiny_vivid_package, video_file
from command_line import same_as_pngs

from app.commands.batch import edit_to_folder
from app.commands.cli import main
from app.commands.edit_arguments import EditArguments
from app.commands.prompt_arguments import PromptArguments
from app.commands.replay import on_size
from app.editor.editor import Editor
from app.render.recipe import Recipe
from app.settings import Settings
from core.errors import InputError
from core.masks import bounding_box
from core.media import open_clip
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.project.prompts import MaskPrompt
from core.project.tracks import MaskAdjustment

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = SamplingSettings(steps=1)
CUT = 5


def other_clip(path: Path, size: tuple[int, int] = (160, 120), frames: int = 9) -> Path:
    """A disc that begins where that of `disc_clip` does and goes down instead, then a cut to an
    empty scene; drawn to `size`.
    """
    ys, xs = grid(size)
    shots = np.stack([90 - xs // 4, 60 + ys // 4, 110 + 0 * xs], -1), np.stack([250 - xs // 3, 60 + xs // 3, 30 + ys], -1)
    pictures = np.stack([shots[index >= CUT] for index in range(frames)]).astype(np.uint8)
    for index in range(min(CUT, frames)):
        pictures[index][(xs - 55) ** 2 + (ys - 61 - 5 * index) ** 2 < 20**2] = (235, 200, 60)
    return video_file(path, pictures, options={"crf": "8"})


def grid(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """y and x of the pixels of (W, H), counted as in a picture of 160x120."""
    ys, xs = np.mgrid[: size[1], : size[0]]
    return ys * 120 / size[1], xs * 160 / size[0]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_vivid_package(tmp_path_factory.mktemp("package") / "tiny")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory, package: Path) -> Path:
    """Of an edit made in the editor."""
    folder = tmp_path_factory.mktemp("recipe")
    clip = disc_clip(folder / "disc.mp4", frames=12)
    editor = Editor(Settings(workspace=folder / "workspace", model=str(package), device="cpu"))

    project_id = editor.projects.create(clip).project_id
    editor.objects.add(project_id, "Disc")
    editor.prompts.add_box(project_id, 1, 2, DISC_BOX[0] + 4, DISC_BOX[1], DISC_BOX[2] + 4, DISC_BOX[3])
    finish(editor, editor.tracking.start(project_id))
    editor.region.set_adjustment(project_id, MaskAdjustment("expand", 3))
    tried = finish(editor, editor.keyframes.start_tries(project_id, 2, "modify", "a blue ball", (1,), QUICK))["edits"][0]
    editor.keyframes.accept(project_id, tried)
    run = finish(editor, editor.propagation.start(project_id, settings=QUICK))["propagation"]
    done = finish(editor, editor.exports.start(project_id, "ffv1", run))
    path = folder / "edit.recipe.json"
    path.write_bytes(editor.projects.file(project_id, done["recipe"]).read_bytes())
    editor.close()
    return path


@pytest.mark.parametrize("size", [(160, 120), (240, 150)], ids=["same size", "another size"])
def test_the_objects_are_followed_anew_through_the_other_video(recipe: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    other = other_clip(tmp_path / "other.mp4", size)
    assert main(["replay", str(recipe), "--video", str(other), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["own_video"], report["frames"], report["video"]) == (False, 9, "other.mp4")
    *scaled, unsaid = report["notes"]
    assert unsaid == f"nothing says where Disc is in the shot {CUT}:9: these frames are left as they are"
    told = "the recipe is for frames of 160x120, this video's are 240x150: places and widths are scaled to them"
    assert scaled == ([] if size == (160, 120) else [told])
    ys, xs = grid(size)
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


def test_a_mask_that_was_drawn_is_scaled_with_its_video(recipe: Path) -> None:
    edit = Recipe.load(recipe).edits[0]
    drawn = np.zeros((120, 160), np.uint8)
    drawn[40:80, 20:100] = 255
    content = base64.b64encode(cv2.imencode(".png", drawn)[1].tobytes()).decode()
    track = replace(edit.tracks[0], prompts=(MaskPrompt(2, 1, "files/a.png"),), adjustment=MaskAdjustment("expand", -5, 3, holes=40))
    scaled = on_size(replace(edit, tracks=(track,), files=(("files/a.png", content),)), (320, 240), notes := [])
    assert len(notes) == 1
    ((_, larger),) = scaled.files
    mask = cv2.imdecode(np.frombuffer(base64.b64decode(larger), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert bounding_box(mask > 0) == (40, 80, 200, 160)
    for wrong in (b"", b"P5 2 2 255 abcd", bytes(100)):
        with pytest.raises(InputError, match="damaged"):
            on_size(replace(edit, files=(("files/a.png", base64.b64encode(wrong).decode()),)), (320, 240), [])
    assert scaled.tracks[0].adjustment == MaskAdjustment("expand", -10, 6, holes=160)
    assert (scaled.adjustment.pixels, scaled.adjustment.feather) == (2 * edit.adjustment.pixels, 2 * edit.feather)


def test_what_the_other_video_has_no_place_for_is_one_line(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = other_clip(tmp_path / "short.mp4", frames=2)
    assert main(["replay", str(recipe), "--video", str(video), "--out", str(tmp_path / "short"), "--device", "cpu"]) == 2
    assert "the recipe shows 'Disc' on frame 2, but of this video it can edit the frames 0:2 only" in capsys.readouterr().err
    assert not (tmp_path / "short" / "output.mkv").exists()


def test_a_recipe_opens_only_what_it_may_name(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A made up recipe: the files of this machine that it names are another video and a model."""
    given = json.loads(recipe.read_text())
    for name in ("private", "got"):
        (tmp_path / name).mkdir()
    made_up = tmp_path / "got" / "recipe.json"
    video = disc_clip(tmp_path / "private" / "disc.mp4", frames=3)
    other = tiny_vivid_package(tmp_path / "model", seed=7)
    traced = {**given["edits"][0]["tracks"][0], "prompts": [{"type": "mask", "frame": 2, "object_id": 1, "file": "../../x.png"}]}
    cases = [
        ({"video": str(video)}, "not as it was at its old place"),
        ({"edits": [{**given["edits"][0], "model": str(other)}]}, "not on this machine as it was"),
        ({"edits": [{**given["edits"][0], "tracks": [traced]}]}, "beside the project"),
        ({"edits": [{**given["edits"][0], "files": [["../x.png", ""]]}]}, "beside the project"),
        ({"video": ".."}, "is not beside it"),
        ({"edits": [{**given["edits"][0], "region": "%%%"}]}, "damaged"),
        ({"edits": [{**given["edits"][0], "keyframes": []}]}, "no keyframe"),
        ({"span": [0, 10**12]}, "not a part of a video"),
    ]
    for change, words in cases:
        made_up.write_text(json.dumps({**given, **change}))
        assert main(["replay", str(made_up), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 2
        err = capsys.readouterr().err
        assert words in err.strip().splitlines()[-1], err
    assert not (tmp_path / "out" / "output.mkv").exists()


def test_a_recipe_of_the_command_line_remembers_that_it_went_through_cuts(package: Path, tmp_path: Path) -> None:
    clip = other_clip(tmp_path / "clip.mp4")
    editor = Editor(Settings(workspace=tmp_path, model=str(package), device="cpu"))
    asked = EditArguments("delete", "", MaskAdjustment("none"), 1, QUICK, None, (), None, True)
    given = PromptArguments.parse([], [], [",".join(map(str, DISC_BOX))], None, None, through_cuts=True)
    report = edit_to_folder(editor.engine, clip, [(given, asked)], tmp_path / "out", JobContext())
    assert json.loads((tmp_path / "out" / "report.json").read_text())["suspect"] == report["suspect"]
    assert CUT in [frame for frame, *_ in report["suspect"]]
    (edit,) = json.loads((tmp_path / "out" / "recipe.json").read_text())["edits"]
    assert edit["through_cuts"] is True
    command = ["replay", str(tmp_path / "out" / "recipe.json"), "--anew", "--out", str(tmp_path / "again"), "--codec", "ffv1"]
    assert main([*command, "--device", "cpu"]) == 0
    assert same_as_pngs(tmp_path / "again" / "output.mkv", tmp_path / "out" / "frames")
    editor.close()
