"""Changes of a document that several parts of the editor make, and checks that they share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from app.storage.masks import MaskStore
from app.storage.workspace import Workspace
from core.errors import InputError
from core.project import project as document
from core.project.project import Project
from core.project.tracks import MaskTrack

if TYPE_CHECKING:
    import numpy as np


def change_track(workspace: Workspace, project_id: str, object_id: int, label: str, change: Callable[[MaskTrack], MaskTrack]) -> Project:
    """Change one object of a project, as one step that can be undone.

    Args:
        workspace: Where the project lies.
        project_id: The project.
        object_id: The object.
        label: What undo calls the step.
        change: Makes the new track of the old one.

    Returns:
        The changed project.
    """
    return workspace.change(project_id, label, lambda project: document.with_track(project, change(project.track(object_id))))


def with_mask(masks: MaskStore, project: Project, track: MaskTrack, frame: int, mask: np.ndarray) -> Project:
    """The project with an object whose mask on one frame a person has just given or corrected.

    Args:
        masks: The masks of the project; the new one is stored there.
        project: The project.
        track: The object, with all its prompts.
        frame: The frame.
        mask: bool (H, W).

    Returns:
        The project with the track; where it was tracked before, the frame asks for tracking again.
    """
    stored = masks.store_changed(project, track.masks, {frame: mask})
    pending = track.pending if track.tracked is None else with_frame(track.pending, frame)
    return document.with_track(project, dataclasses.replace(track, masks=stored, pending=pending))


def with_frame(frames: tuple[int, ...], frame: int) -> tuple[int, ...]:
    """The frames and one more, in order."""
    return tuple(sorted({*frames, frame}))


def check_masks(project: Project) -> None:
    """Raise InputError unless the project has masks to edit."""
    if not any(track.masks for track in project.tracks):
        raise InputError("select an object first: there is no mask to edit yet")
    if not any(track.masks for track in project.edited_tracks):
        raise InputError("no object is edited: in Adjust, tick at least one that has masks")
