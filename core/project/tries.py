"""Keyframe tries of a document, and which of them are accepted. Each change takes a project and
returns the next one.
"""

from __future__ import annotations

import dataclasses

from core.errors import InputError
from core.project.edits import KeyframeEdit
from core.project.project import Project


def with_edits(project: Project, edits: tuple[KeyframeEdit, ...]) -> Project:
    """Add keyframe tries. One whose parent is not there (any more) begins a tree of its own."""
    known = {edit.edit_id for edit in (*project.edits, *edits)}
    rooted = (edit if edit.parent in known else dataclasses.replace(edit, parent=None) for edit in edits)
    return dataclasses.replace(project, edits=(*project.edits, *rooted))


def with_renamed_edit(project: Project, edit_id: str, name: str) -> Project:
    """Name a try.

    Args:
        project: The project.
        edit_id: The try.
        name: A person's own name; an empty one takes the name away.

    Returns:
        The next project.

    Raises:
        InputError: There is no such try, or the name is too long.
    """
    return _with_edit(project, dataclasses.replace(project.edit(edit_id), name=" ".join(name.split())))


def with_starred_edit(project: Project, edit_id: str, starred: bool) -> Project:
    """Mark a try as a good one.

    Args:
        project: The project.
        edit_id: The try.
        starred: Whether to mark it; False takes the mark away.

    Returns:
        The next project.

    Raises:
        InputError: There is no such try.
    """
    return _with_edit(project, dataclasses.replace(project.edit(edit_id), starred=starred))


def without_edit(project: Project, edit_id: str) -> Project:
    """Delete a try: what branched from it moves to its parent, and it is no keyframe any more.
    Finished results have a copy of their own.
    """
    gone = project.edit(edit_id)
    if edit_id in (*project.beside, project.accepted, *project.keyframes):
        project = without_keyframe(project, edit_id)
    left = (dataclasses.replace(e, parent=gone.parent) if e.parent == edit_id else e for e in project.edits if e.edit_id != edit_id)
    return dataclasses.replace(project, edits=tuple(left))


def _with_edit(project: Project, edit: KeyframeEdit) -> Project:
    return dataclasses.replace(project, edits=tuple(edit if e.edit_id == edit.edit_id else e for e in project.edits))


def with_accepted(project: Project, edit_id: str) -> Project:
    """Choose the try that is propagated through the clip, for its objects. Further keyframes stay,
    but not on the frame of this one; tries of other objects stay, unless they share one with it.
    """
    edit = project.edit(edit_id)
    firsts = [other for other in project.accepted_edits if not other.shares_objects(edit.objects)]
    return _with_chosen(project, [*firsts, edit], _further(project, edit))


def with_keyframe(project: Project, edit_id: str) -> Project:
    """Let the edit start anew from this try's frame on, in place of the keyframe that was on the
    same frame. An edit without a keyframe goes through the clip by itself.
    """
    edit = project.edit(edit_id)
    first = next((other for other in project.accepted_edits if other.objects == edit.objects), None)
    if first is None or first.frame == edit.frame or first.direct or edit.direct:
        return with_accepted(project, edit_id)
    return _with_chosen(project, [*project.accepted_edits], [*_further(project, edit), edit])


def without_keyframe(project: Project, edit_id: str) -> Project:
    """Carry one keyframe less. An accepted try itself makes room for the next in time of its
    objects.
    """
    firsts, further = [*project.accepted_edits], [project.edit(one) for one in project.keyframes]
    gone = next((edit for edit in (*firsts, *further) if edit.edit_id == edit_id), None)
    if gone is None:
        raise InputError(f"the try {edit_id} is not a keyframe: choose one of the accepted keyframes")
    if gone in firsts:
        at = firsts.index(gone)
        firsts[at : at + 1] = [edit for edit in project.keyframes_with(gone) if edit != gone][:1]
    return _with_chosen(project, firsts, [edit for edit in further if edit not in (gone, *firsts)])


def ground_of(project: Project, objects: tuple[int, ...], frame: int) -> tuple[KeyframeEdit, ...]:
    """The accepted tries on a frame that a try for some objects stands on: those of other objects.

    Args:
        project: The project.
        objects: What the try is for; none stands for all.
        frame: Its frame.

    Returns:
        The tries, the lowest first.
    """
    return tuple(
        edit
        for group in project.keyframes_by_object
        for edit in group
        if edit.frame == frame and not edit.direct and not edit.shares_objects(objects)
    )


def _further(project: Project, edit: KeyframeEdit) -> list[KeyframeEdit]:
    """The further keyframes that stay when a try is accepted: of its own objects on other frames,
    and those of objects that have nothing to do with it.
    """
    known = [project.edit(one) for one in project.keyframes]
    if edit.direct:
        return [one for one in known if not one.shares_objects(edit.objects)]
    return [one for one in known if (one.frame != edit.frame if one.objects == edit.objects else not one.shares_objects(edit.objects))]


def _with_chosen(project: Project, firsts: list[KeyframeEdit], further: list[KeyframeEdit]) -> Project:
    ids = [edit.edit_id for edit in firsts]
    keyframes = tuple(edit.edit_id for edit in further if edit.edit_id not in ids)
    return dataclasses.replace(project, accepted=ids[-1] if ids else None, beside=tuple(ids[:-1]), keyframes=keyframes)
