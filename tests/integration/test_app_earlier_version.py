"""What version 0.1.0 left behind (tests/data): its project opens, its interrupted jobs are resumed,
its recipe is replayed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from builders import finish
from PIL import Image

from app.commands.cli import main
from app.editor.editor import Editor
from app.render.recipe import Recipe
from app.settings import Settings
from core.media import open_clip
from core.project.prompts import BoxPrompt, MaskPrompt, PointPrompt

LEFT = Path(__file__).resolve().parents[1] / "data" / "project-0.1"
PROJECT = "9a8d9b229140fcffff8e34ea4d451583"


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    """An editor on the workspace that was left."""
    folder = tmp_path / "workspace" / "projects" / PROJECT
    shutil.copytree(LEFT / "project", folder)
    document = folder / "project.json"
    document.write_text(document.read_text().replace('"/gone/disc.mp4"', json.dumps(str(LEFT / "disc.mp4"))))
    made = Editor(Settings(workspace=tmp_path / "workspace", device="cpu"))
    yield made
    made.close()


def test_the_project_opens_as_it_was_left(editor: Editor) -> None:
    (summary,) = editor.projects.recent()
    assert (summary.project_id, summary.name) == (PROJECT, "Disc")
    project = editor.projects.get(PROJECT)
    disc, stain = project.tracks
    assert disc.prompts == (BoxPrompt(1, 1, 34, 38, 80, 84), PointPrompt(1, 1, 57, 61))
    assert [type(prompt) for prompt in stain.prompts] == [MaskPrompt]
    assert (stain.confirmed, stain.adjustment is None) == ((2,), False)
    assert (project.adjustment.form, project.adjustment.pixels, project.adjustment.smooth) == ("expand", 4, 1)
    (propagation,) = project.propagations
    with open_clip(editor.projects.file(PROJECT, str(propagation.result))) as result:
        assert len(result) == 4
    assert editor.history.labels(PROJECT)[0] is not None
    while editor.history.labels(PROJECT)[0] is not None:
        editor.history.undo(PROJECT)
    assert editor.projects.get(PROJECT).tracks == ()


def test_the_interrupted_jobs_are_resumed(editor: Editor) -> None:
    left = {job.kind: job.job_id for job in editor.jobs.of_project(PROJECT) if job.state == "interrupted"}
    assert set(left) == {"keyframe", "propagate", "masks"}
    done = {kind: finish(editor, editor.jobs.resume(PROJECT, job_id)) for kind, job_id in left.items()}
    project = editor.projects.get(PROJECT)
    assert [edit.seed for edit in project.edits] == [7, 8]
    assert project.propagation(done["propagate"]["propagation"]).result is not None
    assert editor.projects.file(PROJECT, done["masks"]["file"]).stat().st_size > 0
    assert [job.kind for job in editor.jobs.of_project(PROJECT) if job.state == "interrupted"] == []


@pytest.mark.parametrize("anew", [(), ("--anew",)], ids=["as recorded", "anew"])
def test_the_recipe_gives_the_same_frames(anew: tuple[str, ...], tmp_path: Path) -> None:
    shutil.copy(LEFT / "recipe.json", tmp_path)
    shutil.copy(LEFT / "disc.mp4", tmp_path)
    assert main(["replay", str(tmp_path / "recipe.json"), "--out", str(tmp_path / "out"), "--codec", "ffv1", "--device", "cpu", *anew]) == 0
    expected = np.asarray(Image.open(LEFT / "frame-3.png")).astype(int)
    with open_clip(tmp_path / "out" / "output.mkv") as result, open_clip(LEFT / "disc.mp4") as source:
        difference = np.abs(result.frame(3) - expected)
        edited = np.abs(source.frame(3) - expected).max(-1) > 8
    assert edited.any()
    if anew:  # the segmenter that ships now outlines the object in its own way
        assert difference[edited].mean() < 30
        assert np.median(difference[~edited]) == 0
    else:
        # follows the thing's own motion now, a fraction of a pixel from that of its box
        assert difference[edited].mean() < 6
        assert np.median(difference[~edited]) == 0
    assert json.loads((tmp_path / "out" / "report.json").read_text())["notes"] == []
    assert Recipe.load(LEFT / "recipe.json").edits[0].keyframes[0].seed == 7
