"""Removing a thing takes its shadow away too: on the page's operations and on the command line,
with a switch, an object to correct, and a recipe that makes it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builders import finish, held_at, video_file
from command_line import run_here, same_as_pngs

from app.commands.replay import replay_to_folder
from app.editor.editor import Editor
from app.render.recipe import Recipe
from core.data.courtyard import CourtyardClip, draw_courtyard
from core.masks import write_mask
from core.media import read_image
from core.progress import JobContext
from core.project.tracks import MaskAdjustment
from core.vivid.keyframe import STAGE

pytestmark = pytest.mark.usefixtures("one_thread")

FRAMES = 20
AT = 8


@pytest.fixture(scope="module")
def drawn() -> CourtyardClip:
    return draw_courtyard(FRAMES, (288, 162), camera="still")


@pytest.fixture(scope="module")
def yard(drawn: CourtyardClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("yard")
    (folder / "masks").mkdir()
    for index, mask in enumerate(drawn.masks):
        write_mask(folder / "masks" / f"{index:05d}.png", mask)
    video_file(folder / "yard.mp4", drawn.frames, options={"crf": "10"})
    return folder


def left(picture: np.ndarray, drawn: CourtyardClip, frame: int = AT) -> float:
    """How far the shadow's pixels are from the ground without it, in 8-bit levels."""
    where = drawn.affected[frame]
    return float(np.abs(picture[where].astype(int) - drawn.behind[frame][where]).mean())


def stopped(editor: Editor, stage: str, done: int, start: Callable[[], str]) -> None:
    """Start a job and stop it for good when it has come so far in a stage."""
    with held_at(stage, done) as reached:
        job = start()
        assert reached.wait(240)
        editor.jobs.cancel(job)
    assert editor.runner.wait(job, 60).state == "cancelled"


def test_a_removal_takes_the_shadow_too_unless_it_is_switched_off(editor: Editor, yard: Path, drawn: CourtyardClip) -> None:
    project_id = editor.projects.create(yard / "yard.mp4").project_id
    editor.masks.import_masks(project_id, yard / "masks")
    editor.region.set_adjustment(project_id, MaskAdjustment("expand", 2))

    def tried() -> np.ndarray:
        (edit_id,) = finish(editor, editor.keyframes.start_tries(project_id, AT, "delete", "", (1,)))["edits"]
        return read_image(editor.workspace.file(project_id, editor.projects.get(project_id).edit(edit_id).image))

    before = editor.projects.get(project_id)
    for stage, done in (("looking for shadows", 3), (STAGE, 0)):  # stopped before the background is known
        stopped(editor, stage, done, lambda: editor.keyframes.start_tries(project_id, AT, "delete", "", (1,)))
        after = editor.projects.get(project_id)
        assert (after.edits, after.tracks[0]) == (before.edits, before.tracks[0])
    assert left(tried(), drawn) < 8
    project = editor.projects.get(project_id)
    assert project.edits[-1].unseen < 0.1
    thing, shadow = project.tracks
    assert (thing.affected, shadow.name) == (None, "Shadow")
    assert shadow.affected == project.region
    assert not project.edits[-1].stale
    assert project.edited_tracks == (thing,)  # other tasks leave the shadow alone
    region = editor.pictures.masks.region_mask(project, AT)
    assert (region & drawn.affected[AT]).sum() < 0.3 * drawn.affected[AT].sum()

    editor.keyframes.accept(project_id, project.edits[-1].edit_id)
    accepted = editor.projects.get(project_id)
    stopped(editor, "propagate", 0, lambda: editor.propagation.start(project_id))
    assert editor.projects.get(project_id) == accepted

    stroke = [(20.0, 140.0), (40.0, 140.0)]
    editor.prompts.paint(project_id, shadow.object_id, AT, stroke, 4.0)
    assert editor.projects.get(project_id).edits[-1].stale
    tried()
    whole = editor.pictures.masks.load(project, editor.projects.get(project_id).edits[-1].region)[AT]
    assert whole[140, 30]  # what a person painted is affected too, and is not found anew

    editor.region.set_shadows(project_id, False)
    assert left(tried(), drawn) > 20
    editor.region.set_shadows(project_id, True)
    editor.objects.remove(project_id, shadow.object_id)
    assert not editor.projects.get(project_id).shadows  # what was thrown away is not found again


def test_the_command_line_takes_the_shadow_and_its_recipe_does_again(
    yard: Path, drawn: CourtyardClip, editor: Editor, tmp_path: Path
) -> None:
    words = ("--task", "delete", "--masks", yard / "masks", "--adjust", "expand:2", "--png", "--frame", AT)
    run_here("edit", yard / "yard.mp4", "--out", tmp_path / "on", *words)
    run_here("edit", yard / "yard.mp4", "--out", tmp_path / "off", *words, "--shadows", "off")
    assert left(read_image(tmp_path / "on" / "frames" / f"{4:05d}.png"), drawn, 4) < 8
    assert left(read_image(tmp_path / "off" / "frames" / f"{4:05d}.png"), drawn, 4) > 20
    assert Recipe.load(tmp_path / "on" / "recipe.json").edits[0].shadows
    assert not Recipe.load(tmp_path / "off" / "recipe.json").edits[0].shadows
    assert json.loads((tmp_path / "on" / "report.json").read_text())["max_difference_outside"] == 0
    replay_to_folder(editor.engine, tmp_path / "on" / "recipe.json", tmp_path / "again", JobContext(), codec="ffv1")
    assert same_as_pngs(tmp_path / "again" / "output.mkv", tmp_path / "on" / "frames")
