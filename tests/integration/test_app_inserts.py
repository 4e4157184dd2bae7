"""A picture of one's own as what is added: as a try in the editor, through the clip, in the recipe,
and on the command line.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from builders import disc_clip, finish
from command_line import run_here
from PIL import Image

from app.commands.cli import main
from app.contract.project_view import project_view
from app.contract.requests import InsertRequest
from app.editor.editor import Editor
from core.errors import InputError
from core.media import open_clip, read_image
from core.project.inserts import Insert, placed_corners

FRAMES = 6


def frame_of(clip: Path, index: int) -> np.ndarray:
    return open_clip(clip).frame(index)


@pytest.fixture
def hat(tmp_path: Path) -> Path:
    """A red triangle on nothing."""
    ys, xs = np.mgrid[:40, :60]
    picture = np.zeros((40, 60, 4), np.uint8)
    picture[...] = (220, 30, 40, 0)
    picture[np.abs(xs - 30) * 4 < ys * 3] = (220, 30, 40, 255)
    Image.fromarray(picture).save(tmp_path / "hat.png")
    return tmp_path / "hat.png"


def test_a_picture_is_a_try_is_carried_and_comes_back_from_its_recipe(editor: Editor, hat: Path, tmp_path: Path) -> None:
    clip = disc_clip(tmp_path / "disc.mp4", frames=FRAMES)
    project_id = editor.projects.create(clip).project_id
    editor.shapes.draw(project_id, editor.objects.add(project_id)[1], 0, [(35, 41), (75, 41), (75, 81), (35, 81)])
    taken = editor.inserts.take(project_id, hat)
    hat.unlink()  # the project has its own
    assert (taken.size, taken.notes) == ((60, 40), ())
    with pytest.raises(InputError, match="lies beside the frame"):
        editor.inserts.lay(project_id, InsertRequest(2, Insert(placed_corners(500, 5, 30, 20), taken.file)))
    insert = Insert(placed_corners(90, 80, 48, 32, 10), taken.file, follows="place", opacity=0.8)
    project, edit_id = editor.inserts.lay(project_id, InsertRequest(2, insert, "hat.png"))
    edit = project.edit(edit_id)
    assert (edit.name, edit.task, edit.insert, edit.stale) == ("hat", "add", insert, False)
    assert project_view(editor, project_id)["edits"][0]["insert"]["follows"] == "place"
    assert editor.keyframes.try_jpeg(project_id, edit_id)
    assert editor.history.undo(project_id).edits == ()
    editor.history.redo(project_id)

    editor.keyframes.accept(project_id, edit_id)
    estimate = editor.estimates.propagation(project_id)
    assert estimate is not None
    assert estimate.windows == 0, "no model runs"
    finish(editor, editor.propagation.start(project_id))
    result = editor.workspace.project(project_id).latest_propagation
    assert result is not None
    report = editor.results.report(project_id, result.propagation_id)
    assert (report["frames"], report["max_difference_outside"]) == (FRAMES, 0)
    reader = editor.pictures.frames.result(editor.workspace.project(project_id), result)
    shown = [reader.frame(index) for index in range(FRAMES)]
    image = editor.workspace.file(project_id, edit.image)
    assert (shown[2] == read_image(image)).all(), "the try is the frame of the result"
    source = editor.pictures.frames.source(editor.workspace.project(project_id))
    for index, frame in enumerate(shown):
        changed = (frame != source.frame(index)).any(-1)
        assert 400 < changed.sum() < 1400, "the triangle on every frame, and nothing else"

    for form in ("alone-webm", "alone-png", "plate"):
        part = finish(editor, editor.exports.start(project_id, form, result.propagation_id))["file"]
        path = editor.workspace.file(project_id, part)
        if form == "alone-png":
            alone = np.asarray(Image.open(io.BytesIO(zipfile.ZipFile(path).read("00004.png"))))
            alpha = alone[..., 3:] / 255
            assert np.abs(source.frame(4) * (1 - alpha) + alone[..., :3] * alpha - shown[4]).max() <= 1, "over the clip it is the result"
            assert alone[..., 3].max() == pytest.approx(0.8 * 255, abs=1)
        else:
            clip_of = open_clip(path)
            assert (len(clip_of), clip_of.info.alpha) == (FRAMES, form != "plate")
    exported = finish(editor, editor.exports.start(project_id, "png", result.propagation_id))
    video, recipe = (editor.workspace.file(project_id, exported[name]) for name in ("file", "recipe"))
    run_here("replay", recipe, "--out", tmp_path / "again", "--device", "cpu")
    contents = [[one.CRC for one in zipfile.ZipFile(path).infolist()] for path in (video, tmp_path / "again" / "output.zip")]
    assert contents[0] == contents[1], "the same pixels"
    run_here("replay", recipe, "--out", tmp_path / "anew", "--device", "cpu", "--anew", "--codec", "ffv1")
    assert json.loads((tmp_path / "anew" / "report.json").read_text())["notes"] == []


def test_the_command_line_lays_a_picture(hat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = disc_clip(tmp_path / "disc.mp4", frames=FRAMES)
    command = ("edit", clip, "--out", tmp_path / "out", "--picture", hat, "--device", "cpu", "--png", "--frame", 1)
    pins = ("--pin", "90,80", "138,84", "136,112", "88,110")
    run_here(
        *command,
        *pins,
        "--moves-with",
        "frame",
        "--light",
        0,
        "--no-grain",
        "--brightness",
        0,
        "--cast-shadow",
        "150,0.8",
        "--also",
        "alone-prores",
        "--also",
        "plate",
    )
    assert "seen on 6 of 6 frames" in capsys.readouterr().err
    assert [open_clip(tmp_path / "out" / name).info.frames for name in ("output-alone-prores.mov", "output-plate.mp4")] == [FRAMES] * 2
    masks = [read_image(tmp_path / "out" / "masks" / f"{index:05d}.png")[..., 0] > 0 for index in range(FRAMES)]
    assert all((mask == masks[0]).all() for mask in masks), "it moves with nothing"
    frame = read_image(tmp_path / "out" / "frames" / "00003.png")
    assert tuple(frame[105, 112]) == (220, 30, 40)
    recorded = json.loads((tmp_path / "out" / "recipe.json").read_text())["edits"][0]["keyframes"][0]["insert"]
    assert len(recorded["path"]) == FRAMES
    assert recorded["insert"]["shadow"] == {"angle": 150, "length": 0.8, "softness": 0.35, "strength": 0.45, "stands": True}
    source = frame_of(clip, 3)
    beside = np.s_[114:122, 85:115]
    assert (frame[beside].astype(int) < source[beside].astype(int) - 15).any(), "its shadow, down and to the left"
    for wrong, why in (
        (("--task", "delete"), "a picture is added"),
        (("--place", "1,2,3"), "one of the two"),
        (("--moves-with", "thing"), "no object on this frame"),
        (("--cast-shadow", "left"), "is no shadow"),
    ):
        assert main([*map(str, command), *pins, *wrong]) == 2
        assert why in capsys.readouterr().err
