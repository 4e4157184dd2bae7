"""What lies in a project's folder: masks of earlier versions are read, and what nothing leads to
any more is collected.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from app.editor.editor import Editor
from core.masks import MaskSequence
from core.project import project as document
from core.project.project import Project

FRAMES = 140  # more than two blocks of masks


def shapes(editor: Editor, project: Project) -> np.ndarray:
    track = project.track(1)
    return editor.pictures.masks.load(project, track.masks).array() if track.masks else np.zeros((FRAMES, 120, 160), bool)


def test_undo_keeps_its_masks_and_the_rest_is_collected(editor: Editor, clip: Path, tmp_path: Path) -> None:
    project_id = editor.projects.create(clip).project_id
    editor.objects.add(project_id)
    seen = {}
    for number, frame in enumerate((3, 70, 139, 4, 71)):
        project = editor.prompts.paint(project_id, 1, frame, [(30 + 10 * number, 40), (90, 60)], 6)
        seen[len(editor.workspace.history(project_id).past)] = shapes(editor, project)
    editor.history.undo(project_id)
    editor.history.undo(project_id)
    branch = shapes(editor, editor.prompts.paint(project_id, 1, 100, [(80, 80)], 9))  # the two strokes that were undone are gone for good
    folder = editor.workspace.folder(project_id) / "files"
    everything = {path.name for path in folder.iterdir()}
    assert editor.workspace.collect(project_id) == 0, "what was stored a moment ago may be on its way into the document"
    stranger = folder / "notes.txt"
    stranger.write_text("not one of ours")
    gone = editor.workspace.collect(project_id, grace=-1)
    left = {path.name for path in folder.iterdir()} - {stranger.name}
    assert gone == len(everything) - len(left) >= 4
    assert left < everything
    assert stranger.exists()

    again = Editor(editor.settings)
    assert (shapes(again, again.projects.get(project_id)) == branch).all()
    while again.history.labels(project_id)[0] == "Brush":
        project = again.history.undo(project_id)
        if (step := len(again.workspace.history(project_id).past)) in seen:
            assert (shapes(again, project) == seen[step]).all()
    assert (shapes(again, again.projects.get(project_id)) == 0).all()
    again.close()


def test_masks_stored_whole_by_an_earlier_version_are_read_and_corrected(editor: Editor, clip: Path) -> None:
    project_id = editor.projects.create(clip).project_id
    editor.objects.add(project_id)
    before = np.zeros((FRAMES, 120, 160), bool)
    before[:, 30:60, 40:90] = True
    whole = editor.workspace.add_file(project_id, MaskSequence((160, 120), 0, before).to_bytes(), ".masks")
    track = dataclasses.replace(editor.projects.get(project_id).track(1), masks=whole, tracked=(0, FRAMES))
    editor.workspace.change(project_id, "Masks", lambda p: document.with_track(p, track))
    assert (shapes(editor, editor.projects.get(project_id)) == before).all()
    after = shapes(editor, editor.tracking.mark_absent(project_id, 1, 20))
    before[20] = False
    assert (after == before).all()
    editor.workspace.collect(project_id, grace=-1)
    again = Editor(editor.settings)
    assert (shapes(again, again.projects.get(project_id)) == before).all()
    assert shapes(again, again.history.undo(project_id))[20].any()
    again.close()
