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
    if gone in project.accepted_keyframes:
        project = without_keyframe(project, edit_id)
    left = (dataclasses.replace(e, parent=gone.parent) if e.parent == edit_id else e for e in project.edits if e.edit_id != edit_id)
    return dataclasses.replace(project, edits=tuple(left))


def _with_edit(project: Project, edit: KeyframeEdit) -> Project:
    return dataclasses.replace(project, edits=tuple(edit if e.edit_id == edit.edit_id else e for e in project.edits))


def with_accepted(project: Project, edit_id: str) -> Project:
    """Choose the try that is propagated through the clip. Further keyframes stay, but not on the
    frame of this one.
    """
    frame = project.edit(edit_id).frame
    return dataclasses.replace(project, accepted=edit_id, keyframes=tuple(i for i in project.keyframes if project.edit(i).frame != frame))


def with_keyframe(project: Project, edit_id: str) -> Project:
    """Let the edit start anew from this try's frame on, in place of the keyframe that was on the
    same frame.
    """
    edit = project.edit(edit_id)
    accepted = project.accepted_edit
    if accepted is None or accepted.frame == edit.frame:
        return with_accepted(project, edit_id)
    others = tuple(i for i in project.keyframes if project.edit(i).frame != edit.frame)
    return dataclasses.replace(project, keyframes=(*others, edit_id))


def without_keyframe(project: Project, edit_id: str) -> Project:
    """Carry one keyframe less. The accepted one itself makes room for the next in time."""
    left = [edit.edit_id for edit in project.accepted_keyframes if edit.edit_id != edit_id]
    if len(left) == len(project.accepted_keyframes):
        raise InputError(f"the try {edit_id} is not a keyframe: choose one of the accepted keyframes")
    if project.accepted in left:
        return dataclasses.replace(project, keyframes=tuple(i for i in left if i != project.accepted))
    return dataclasses.replace(project, accepted=left[0] if left else None, keyframes=tuple(left[1:]))
