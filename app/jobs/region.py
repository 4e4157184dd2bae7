"""The region of a project as a stored mask sequence: built when an edit needs it, and kept until it
changes.
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

from app.media.frames import ClipFrames
from app.storage.masks import MaskStore, StoredRegion
from app.storage.workspace import Workspace
from core.errors import InputError
from core.progress import JobContext
from core.project import project as document
from core.project.project import Project
from core.project.shadows import shadow_of, with_affected

_KEPT = 64
"""Regions of some objects whose files are remembered."""


class RegionBuilder:
    """Makes the region from the tracks and the adjustments of a project."""

    def __init__(self, workspace: Workspace, frames: ClipFrames, masks: MaskStore) -> None:
        self._workspace = workspace
        self._frames = frames
        self._masks = masks
        self._without: set[tuple[str, str]] = set()
        """Projects and regions that were found to affect nothing."""
        self._own: dict[tuple[Any, ...], tuple[str, int, tuple[tuple[int, str], ...]]] = {}
        """Of objects that have a try of their own: the region's file, its feather and feathers."""

    def build(self, project: Project, context: JobContext | None = None, objects: tuple[int, ...] = ()) -> StoredRegion:
        """The region of a project, or of some of its objects alone. It is made only where it is not
        up to date; that of all objects is noted in the document.

        Args:
            project: The project.
            context: Reports frames, and can cancel.
            objects: The objects; none stands for all that are edited.

        Returns:
            The region.

        Raises:
            InputError: An object is not edited.
            Cancelled: A person stopped the job.
        """
        alone = document.for_objects(project, objects)
        if alone is not project:
            return self._of_some(alone, context)
        if project.region is not None:
            with contextlib.suppress(InputError):  # gone or damaged: made again from the objects
                return self._masks.stored_region(project, project.region, project.feather, project.feathers)
        made = self._made(project, context)

        def remember(current: Project) -> Project:
            return document.with_region(current, made.file, made.feathers) if same_masks(current, project) else current

        self._workspace.amend(project.project_id, remember)
        return made

    def _of_some(self, alone: Project, context: JobContext | None) -> StoredRegion:
        key = (alone.project_id, *_made_of(alone))
        if key in self._own:
            with contextlib.suppress(InputError):  # gone or damaged
                return self._masks.stored_region(alone, *self._own[key])
        made = self._made(alone, context)
        self._own.pop(next(iter(self._own), key) if len(self._own) >= _KEPT else key, None)
        self._own[key] = made.file, made.feather.pixels, made.feathers
        return made

    def _made(self, project: Project, context: JobContext | None) -> StoredRegion:
        if any(track.adjusted_by(project.adjustment).smooth for track in project.edited_tracks):  # within a shot only
            self._masks.cuts.all(project, self._frames.source, context or JobContext())
        region, feather = self._masks.adjusted(project, context)
        stored = self._masks.store(project.project_id, region)
        feathers = tuple((pixels, self._masks.store(project.project_id, where)) for pixels, where in feather.parts)
        return StoredRegion(stored, region, feathers, feather)

    def build_for(self, task: str, project_id: str, context: JobContext, objects: tuple[int, ...] = ()) -> StoredRegion:
        """The region of a project for a task: a removal takes shadows and reflections away too,
        which are looked for where that has not been done yet.

        Args:
            task: Add, modify or delete.
            project_id: The project; what is found is noted in the document.
            context: Reports frames, and can cancel.
            objects: The objects whose region it is; none stands for all that are edited.

        Returns:
            The region.

        Raises:
            InputError: An object is not edited.
            Cancelled: A person stopped the job.
        """
        from core.background.affected import united

        project = self._workspace.project(project_id)
        region = self.build(project, context, objects)
        if task != "delete" or not project.shadows:
            return region
        self._find_affected(project, region.file, context, objects)
        found = shadow_of(self._workspace.project(project_id), objects)
        if found is None or found.masks is None or not found.edited:
            return region
        whole = united(region.masks, self._masks.load(project, found.masks))
        return dataclasses.replace(region, file=self._masks.store(project_id, whole), masks=whole)

    def _find_affected(self, project: Project, region: str, context: JobContext, objects: tuple[int, ...]) -> None:
        from core.background.affected import affected_masks, united
        from core.masks import MaskSequence

        known = shadow_of(project, objects)
        touched = known is not None and bool(known.prompts or known.confirmed)
        if touched or (known is not None and known.affected == region) or (project.project_id, region) in self._without:
            return
        span = range(project.clip.start, project.clip.stop)
        things = MaskSequence.empty(project.clip.info.size, span.start, span.stop)
        tracks = document.for_objects(project, objects).edited_tracks
        things = united(things, *(self._masks.load(project, track.masks) for track in tracks if track.masks))
        found = affected_masks(self._frames.reader(project), things, context)
        if empty := all(found.is_empty(frame) for frame in found.frames):
            self._without.add((project.project_id, region))
        stored = None if empty else self._masks.store(project.project_id, united(self._masks.over_clip(project, None), found))
        self._workspace.amend(project.project_id, lambda p: with_affected(p, region, stored, objects) if same_masks(p, project) else p)


def same_masks(current: Project, project: Project, objects: tuple[int, ...] = ()) -> bool:
    """Whether the region, or what some objects give to it, is still made of the same masks: a
    person may have gone on while a job ran.

    Args:
        current: The project as it is now.
        project: The project as it was when the job began.
        objects: The objects; none stands for all that are edited.

    Returns:
        Whether it is.
    """
    return _made_of(current, objects) == _made_of(project, objects)


def _made_of(project: Project, objects: tuple[int, ...] = ()) -> tuple[Any, ...]:
    return project.clip, project.shadows, document.region_parts(project, objects)
