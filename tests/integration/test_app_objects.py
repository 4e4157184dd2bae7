"""Objects with a caption, a task and a seed of their own, from the tries to the exported recipe."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import finish

from app.commands.replay import replay_to_folder
from app.editor.editor import Editor
from core.errors import InputError
from core.media import open_clip
from core.progress import JobContext
from core.project.edits import SamplingSettings, TryBasis
from core.project.tracks import MaskAdjustment

FRAMES = 5
QUICK = SamplingSettings(steps=1)
ys, xs = np.mgrid[:120, :160]


def disc(frame: int) -> np.ndarray:
    return (xs - 55 - 2 * frame) ** 2 + (ys - 61) ** 2 < 20**2


def block(frame: int) -> np.ndarray:
    return (np.abs(xs - 130) <= 14) & (np.abs(ys - 30 - frame) <= 12)


def with_two(editor: Editor, clip: Path, tmp_path: Path) -> str:
    """A project whose objects 1 and 2 are the clip's disc and a block of its ground."""
    project_id = editor.projects.create(clip).project_id
    for name, shape in (("Disc", disc), ("Block", block)):
        folder = tmp_path / name
        folder.mkdir()
        for frame in range(FRAMES):
            cv2.imwrite(str(folder / f"{frame:05d}.png"), shape(frame).astype(np.uint8) * 255)
        editor.masks.import_masks(project_id, folder, 0, name)
    editor.region.set_adjustment(project_id, MaskAdjustment("none", feather=0))
    return project_id


def a_try(editor: Editor, project_id: str, task: str, caption: str, seed: int, *objects: int) -> str:
    job = editor.keyframes.start_tries(project_id, 1, task, caption, (seed,), QUICK, TryBasis(objects=objects))  # type: ignore[arg-type]
    (edit_id,) = finish(editor, job)["edits"]
    return str(edit_id)


def picture(editor: Editor, project_id: str, edit_id: str) -> np.ndarray:
    edit = editor.projects.get(project_id).edit(edit_id)
    return cv2.imread(str(editor.workspace.file(project_id, edit.image)))[..., ::-1]


def test_each_object_is_edited_in_its_own_way_and_both_are_carried_together(editor: Editor, clip: Path, tmp_path: Path) -> None:
    project_id = with_two(editor, clip, tmp_path)
    source = editor.pictures.frames.frame(editor.projects.get(project_id), 1)
    red = a_try(editor, project_id, "modify", "a red ball", 3, 1)
    changed = (picture(editor, project_id, red) != source).any(-1)
    assert changed[disc(1)].any()
    assert not changed[~disc(1)].any(), "another object is left alone"
    editor.keyframes.accept(project_id, red)

    blue = a_try(editor, project_id, "add", "a blue cube", 8, 2)
    both = picture(editor, project_id, blue)
    assert (both[disc(1)] == picture(editor, project_id, red)[disc(1)]).all(), "it stands on what is accepted for the other"
    editor.keyframes.accept(project_id, blue)
    project = editor.projects.get(project_id)
    assert [(edit.objects, edit.seed) for edit in project.accepted_edits] == [((1,), 3), ((2,), 8)]
    assert project.edit(blue).ground == (red,)

    result = finish(editor, editor.propagation.start(project_id, settings=QUICK))["propagation"]
    project = editor.projects.get(project_id)
    propagation = project.propagation(result)
    assert project.fits(propagation)
    assert [part.objects for part in propagation.parts] == [(1,), (2,)]
    report = editor.results.report(project_id, result)
    assert report["max_difference_outside"] == 0
    assert [[k["caption"] for k in part["keyframes"]] for part in report["parts"]] == [["a red ball"], ["a blue cube"]]
    reader = editor.pictures.frames.result(project, propagation)
    assert (reader.frame(1) == both).all()
    plain = editor.pictures.frames.source(project)
    for frame in range(FRAMES):
        different = (reader.frame(frame) != plain.frame(frame)).any(-1)
        assert different[disc(frame)].any()
        assert different[block(frame)].any()
        assert not different[~disc(frame) & ~block(frame)].any()

    export = finish(editor, editor.exports.start(project_id, "ffv1", result))
    recipe = editor.workspace.file(project_id, export["recipe"])
    edits = json.loads(recipe.read_text())["edits"]
    assert [[track["name"] for track in edit["tracks"]] for edit in edits] == [["Disc"], ["Block"]]
    again = replay_to_folder(editor.engine, recipe, tmp_path / "again", JobContext())
    with open_clip(tmp_path / "again" / again["output"]) as replayed:
        assert all((replayed.frame(frame) == reader.frame(frame)).all() for frame in range(FRAMES))

    editor.region.set_edited(project_id, 2, False)
    assert [edit.edit_id for edit in editor.projects.get(project_id).accepted_keyframes] == [red], "what is not edited is not carried"
    with pytest.raises(InputError, match="Block is not edited: tick it in step 3"):
        a_try(editor, project_id, "add", "a blue cube", 1, 2)


def test_a_try_for_all_takes_the_place_of_those_for_each(editor: Editor, clip: Path, tmp_path: Path) -> None:
    project_id = with_two(editor, clip, tmp_path)
    editor.region.set_shadows(project_id, False)
    first, second = a_try(editor, project_id, "delete", "", 1, 1), a_try(editor, project_id, "delete", "", 1, 2)
    whole = a_try(editor, project_id, "delete", "", 1)

    def accepted() -> list[str]:
        return [edit.edit_id for edit in editor.projects.get(project_id).accepted_edits]

    editor.keyframes.accept(project_id, first)
    editor.keyframes.accept(project_id, second)
    assert accepted() == [first, second]
    editor.keyframes.accept(project_id, first)
    assert accepted() == [second, first], "the last one stands on the others"
    editor.keyframes.accept(project_id, whole)
    assert accepted() == [whole]
    editor.history.undo(project_id)
    assert accepted() == [second, first]
    editor.keyframes.delete_try(project_id, first)
    assert accepted() == [second]
