"""A shape that is drawn on some frames is an object like any other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import disc_clip

from app.contract.project_view import project_view
from app.editor.editor import Editor
from core.errors import InputError

FRAMES = 9


def square(x: float, y: float) -> list[tuple[float, float]]:
    return [(x, y), (x + 30, y), (x + 30, y + 30), (x, y + 30)]


def test_a_drawn_shape_moves_between_its_frames_and_is_edited_like_any_object(editor: Editor, tmp_path: Path) -> None:
    project_id = editor.projects.create(disc_clip(tmp_path / "disc.mp4", frames=FRAMES)).project_id
    _, object_id = editor.objects.add(project_id)
    editor.shapes.draw(project_id, object_id, 0, square(20, 40))
    project = editor.shapes.draw(project_id, object_id, 8, square(60, 40))
    track = project.track(object_id)

    def left(frame: int) -> int:
        mask = editor.pictures.masks.load(project, editor.workspace.project(project_id).track(object_id).masks or "")[frame]
        return int(mask.any(0).argmax()) if mask.any() else -1

    assert [left(frame) for frame in (0, 4, 8)] == [20, 40, 60]
    assert track.covers(0, FRAMES), "nothing is left to track"
    assert project_view(editor, project_id)["steps"]["keyframe"]["open"]
    assert editor.pictures.masks.region_mask(project, 4).any()
    editor.shapes.draw(project_id, object_id, 4, square(50, 40), curve=True)
    assert 42 <= left(4) <= 50, "a curve is rounder than its points"
    editor.shapes.forget(project_id, object_id, 4)
    editor.shapes.draw(project_id, object_id, 6, [])
    assert [left(frame) >= 0 for frame in (5, 6, 7, 8)] == [True, False, False, True]
    editor.history.undo(project_id)
    assert left(6) >= 0
    with pytest.raises(InputError, match="a shape of 2 points"):
        editor.shapes.draw(project_id, object_id, 1, square(0, 0)[:2])
    reopened = Editor(editor.settings)
    assert reopened.projects.get(project_id).track(object_id).shape == editor.projects.get(project_id).track(object_id).shape
    reopened.close()

    shapes = {"shapes": [{"name": "Arm", "frames": {"0": square(5, 5), "8": square(90, 5)}}]}
    (tmp_path / "shapes.json").write_text(json.dumps(shapes))
    imported = editor.masks.import_masks(project_id, tmp_path / "shapes.json").project.tracks[-1]
    assert (imported.name, imported.covers(0, FRAMES)) == ("Arm", True)
    editor.shapes.draw(project_id, imported.object_id, 4, square(0, 0))  # it can be shaped on
    with pytest.raises(InputError, match="clear its prompts instead"):
        editor.shapes.forget(project_id, editor.objects.add(project_id)[1], 0)
