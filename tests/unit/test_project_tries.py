"""The tree of keyframe tries: what naming, starring and deleting leave of it, and of what was
accepted.
"""

import dataclasses
import json

import pytest
from test_project_document import finished, make_project

from core.errors import InputError
from core.project import codec
from core.project.edits import KeyframeEdit, SamplingSettings
from core.project.history import History
from core.project.project import Project, with_adjustment, with_object, with_propagation, with_track
from core.project.tracks import MaskAdjustment
from core.project.tries import (
    ground_of,
    with_accepted,
    with_edits,
    with_keyframe,
    with_renamed_edit,
    with_starred_edit,
    without_edit,
    without_keyframe,
)


def a_try(edit_id: str, frame: int = 4, parent: str | None = None, **more: object) -> KeyframeEdit:
    edit = KeyframeEdit(edit_id, frame, "add", "a red ball", 1, SamplingSettings(8), "m", f"files/{edit_id}.png", "r", parent)
    return dataclasses.replace(edit, **more)  # type: ignore[arg-type]


def a_tree() -> Project:
    """root -> branch -> leaf, and another on a later frame; root is accepted, the other a further
    keyframe.
    """
    tries = (a_try("root"), a_try("branch", parent="root"), a_try("leaf", parent="branch"), a_try("other", 9))
    return with_keyframe(with_accepted(with_edits(make_project(), tries), "root"), "other")


def parents(project: Project) -> dict[str, str | None]:
    return {edit.edit_id: edit.parent for edit in project.edits}


def test_what_branched_from_a_deleted_try_moves_to_its_parent() -> None:
    assert parents(without_edit(a_tree(), "branch")) == {"root": None, "leaf": "root", "other": None}
    assert parents(without_edit(a_tree(), "root")) == {"branch": None, "leaf": "branch", "other": None}
    with pytest.raises(InputError, match="no keyframe try"):
        without_edit(without_edit(a_tree(), "branch"), "branch")


def test_a_deleted_try_is_carried_no_more_and_finished_results_stay() -> None:
    project = with_propagation(a_tree(), finished(1, a_tree()))
    without_other = without_edit(project, "other")
    assert (without_other.accepted, without_other.keyframes) == ("root", ())
    without_root = without_edit(project, "root")
    assert (without_root.accepted, without_root.keyframes) == ("other", ())
    neither = without_edit(without_root, "other")
    assert (neither.accepted, neither.accepted_keyframes, neither.keyframes) == (None, (), ())
    assert neither.propagations == project.propagations
    assert [k.image for k in neither.propagations[0].keyframes] == ["files/root.png", "files/other.png"]
    assert not neither.fits(neither.propagations[0])


def test_undo_brings_a_deleted_try_back_as_it_was() -> None:
    history = History(a_tree()).did("Delete try", without_edit(a_tree(), "root"))
    assert history.undone().present == a_tree()
    assert history.undone().redone().present == without_edit(a_tree(), "root")


def test_names_and_stars_belong_to_one_try() -> None:
    project = with_starred_edit(with_renamed_edit(a_tree(), "leaf", "  the  good one "), "leaf", True)
    assert (project.edit("leaf").name, project.edit("leaf").starred) == ("the good one", True)
    assert [e for e in project.edits if e.edit_id != "leaf"] == [e for e in a_tree().edits if e.edit_id != "leaf"]
    assert with_starred_edit(with_renamed_edit(project, "leaf", ""), "leaf", False) == a_tree()
    assert project.accepted_keyframes == a_tree().accepted_keyframes
    with pytest.raises(InputError, match="81 characters"):
        with_renamed_edit(project, "leaf", "x" * 81)
    with pytest.raises(InputError, match="no keyframe try"):
        with_starred_edit(project, "nobody", True)


def test_a_try_whose_parent_was_deleted_meanwhile_begins_a_tree_of_its_own() -> None:
    assert parents(with_edits(make_project(), (a_try("late", parent="gone"),))) == {"late": None}


def test_a_try_knows_what_it_was_painted_of_without_its_parent() -> None:
    first = a_try("first", caption="a cube")
    second = a_try("second", parent="first", keep=0.4, grown=first.paintings)
    third = a_try("third", parent="second", keep=0.2, grown=second.paintings)
    project = without_edit(with_edits(make_project(), (first, second, third)), "second")
    assert [(p.caption, p.keep) for p in project.edit("third").paintings] == [("a cube", 0), ("a red ball", 0.4), ("a red ball", 0.2)]
    assert codec.loads(codec.dumps(History(project))).present == project
    with pytest.raises(InputError, match="share"):
        a_try("all", keep=1.0)


def test_a_document_from_before_the_tree_still_opens() -> None:
    data = json.loads(codec.dumps(History(a_tree()).did("Accept", with_accepted(a_tree(), "leaf"))))
    for document in (data["project"], *(step["project"] for step in data["past"])):
        for edit in document["edits"]:
            for new in ("name", "starred", "keep", "grown"):
                del edit[new]
    assert codec.loads(json.dumps(data)).undone().present == a_tree()


def test_a_change_of_one_object_leaves_tries_of_others_as_they_are() -> None:
    project = make_project()
    for _ in range(2):
        project, _track = with_object(project)
    tries = (a_try("all"), a_try("one", objects=(1,)), a_try("two", objects=(2,)))
    project = with_edits(project, tries)
    changed = with_track(project, dataclasses.replace(project.track(2), masks="files/m.masks"))
    assert [edit.stale for edit in changed.edits] == [True, False, True]
    assert all(edit.stale for edit in with_adjustment(project, MaskAdjustment("hull")).edits)
    own = with_adjustment(project, MaskAdjustment("hull"), 1)
    assert [edit.stale for edit in own.edits] == [True, True, False]


def test_keyframes_are_further_ones_of_their_own_objects() -> None:
    project = make_project()
    for _ in range(2):
        project, _track = with_object(project)
    tries = (a_try("a", objects=(1,)), a_try("b", 9, objects=(1,)), a_try("c", objects=(2,)), a_try("d", 7))
    project = with_accepted(with_accepted(with_edits(project, tries), "a"), "c")
    project = with_keyframe(project, "b")
    assert [[edit.edit_id for edit in group] for group in project.keyframes_by_object] == [["a", "b"], ["c"]]
    left = without_keyframe(project, "a")
    assert [[edit.edit_id for edit in group] for group in left.keyframes_by_object] == [["b"], ["c"]]
    assert with_keyframe(project, "d").accepted_keyframes == (project.edit("d"),), "one for all takes their place"
    alone = with_accepted(with_edits(project, (a_try("whole", 4, objects=(1,), carried="direct"),)), "whole")
    assert [[edit.edit_id for edit in group] for group in alone.keyframes_by_object] == [["c"], ["whole"]], "nothing beside it"
    again = with_keyframe(alone, "b")
    assert [[edit.edit_id for edit in group] for group in again.keyframes_by_object] == [["c"], ["b"]]
    assert ground_of(alone, (2,), 4) == (), "it shows the source"
    assert codec.loads(codec.dumps(History(project))).present == project
