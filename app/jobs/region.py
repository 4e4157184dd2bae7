"""The region of a project as a stored mask sequence: built when an edit needs it, and kept until it
changes.
"""

from __future__ import annotations

from typing import Any

from app.media.frames import ClipFrames
from app.storage.masks import MaskStore, StoredRegion
from app.storage.workspace import Workspace
from core.progress import JobContext
from core.project import project as document
from core.project.project import Project


class RegionBuilder:
    """Makes the region from the tracks and the adjustments of a project."""

    def __init__(self, workspace: Workspace, frames: ClipFrames, masks: MaskStore) -> None:
        self._workspace = workspace
        self._frames = frames
        self._masks = masks

    def build(self, project: Project, context: JobContext | None = None) -> StoredRegion:
        """The project's region; it is made, stored and noted in the document only where it is not
        up to date.
        """
        if project.region is not None:
            return self._masks.stored_region(project, project.region, project.feather, project.feathers)
        if any(track.adjusted_by(project.adjustment).smooth for track in project.edited_tracks):  # within a shot only
            self._masks.cuts.all(project, self._frames.source, context or JobContext())
        region, feather = self._masks.adjusted(project, context)
        stored = self._masks.store(project.project_id, region)
        feathers = tuple((pixels, self._masks.store(project.project_id, where)) for pixels, where in feather.parts)

        def remember(current: Project) -> Project:
            return document.with_region(current, stored, feathers) if same_masks(current, project) else current

        self._workspace.amend(project.project_id, remember)
        return StoredRegion(stored, region, feathers, feather)


def same_masks(current: Project, project: Project) -> bool:
    """Whether the region is still made of the same masks: a person may have gone on while a job
    ran.
    """
    return _region_parts(current) == _region_parts(project)


def _region_parts(project: Project) -> tuple[Any, ...]:
    """What the region is made of; an object's name and its prompts are no part of it."""
    parts = [(track.object_id, track.masks, track.adjustment) for track in project.edited_tracks]
    return project.adjustment, project.clip, parts
