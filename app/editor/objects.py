"""The objects of a project as a whole: add, remove, name, hide and merge them."""

from __future__ import annotations

import dataclasses

from app.editor.changes import change_track
from app.storage.masks import MaskStore
from app.storage.workspace import Workspace
from core.errors import InputError
from core.project import project as document
from core.project.project import Project
from core.project.tracks import MaskTrack

LONGEST_NAME = 80
"""Characters of an object's name that are kept."""


class ObjectOperations:
    """Which objects there are."""

    def __init__(self, workspace: Workspace, masks: MaskStore) -> None:
        self._workspace = workspace
        self._masks = masks

    def add(self, project_id: str, name: str | None = None) -> tuple[Project, int]:
        """Add an object that has no prompt yet; returns its id too."""
        added: list[MaskTrack] = []

        def change(project: Project) -> Project:
            project, track = document.with_object(project, name and name.strip()[:LONGEST_NAME])
            added.append(track)
            return project

        return self._workspace.change(project_id, "Add object", change), added[0].object_id

    def remove(self, project_id: str, object_id: int) -> Project:
        """Remove an object with its prompts and its masks."""
        return self._workspace.change(project_id, "Remove object", lambda p: document.without_object(p, object_id))

    def rename(self, project_id: str, object_id: int, name: str) -> Project:
        """Call an object by another name.

        Args:
            project_id: The project.
            object_id: The object.
            name: Its new name; more than 80 characters are cut off.

        Returns:
            The changed project.

        Raises:
            InputError: The name is empty, or there is no such object.
        """
        shown = name.strip()[:LONGEST_NAME]
        return change_track(self._workspace, project_id, object_id, "Rename object", lambda t: dataclasses.replace(t, name=shown))

    def hide(self, project_id: str, object_id: int, hidden: bool = True) -> Project:
        """Leave an object out of the picture on the screen, or show it again; what is edited stays
        the same.

        Args:
            project_id: The project.
            object_id: The object.
            hidden: False to show it again.

        Returns:
            The changed project.

        Raises:
            InputError: There is no such object.
        """
        label = "Hide object" if hidden else "Show object"
        return change_track(self._workspace, project_id, object_id, label, lambda t: dataclasses.replace(t, hidden=hidden))

    def invert(self, project_id: str, object_id: int) -> Project:
        """Swap the inside and the outside of an object's masks, on every frame that has one.

        Args:
            project_id: The project.
            object_id: The object.

        Returns:
            The changed project.

        Raises:
            InputError: There is no such object, or it has no masks.
        """

        def change(project: Project) -> Project:
            from core.masks import inverted

            track = project.track(object_id)
            if track.masks is None:
                raise InputError(f"{track.name} has no masks to invert: mark it on the picture first")
            masks = self._masks.whole(project, track)
            start, stop = track.tracked or (0, 0)
            frames = [f for f in masks.frames if start <= f < stop or f in track.confirmed or not masks.is_empty(f)]
            stored = self._masks.store(project_id, inverted(masks, frames))
            return document.with_track(project, dataclasses.replace(track, masks=stored))

        return self._workspace.change(project_id, "Invert masks", change)

    def merge(self, project_id: str, object_id: int, other_id: int) -> Project:
        """Make one object of two: the union of their masks and prompts.

        Args:
            project_id: The project.
            object_id: The object that stays, with its name.
            other_id: The object that becomes a part of it.

        Returns:
            The changed project.

        Raises:
            InputError: The two are the same, or there is no such object.
        """
        if object_id == other_id:
            raise InputError("choose another object to merge with")

        def change(project: Project) -> Project:
            return self._merged(project, project.track(object_id), project.track(other_id))

        return self._workspace.change(project_id, "Merge objects", change)

    def _merged(self, project: Project, first: MaskTrack, second: MaskTrack) -> Project:
        masks = self._masks.over_clip(project, first.masks)
        masks.check_whole(first.name)
        for frame in masks.frames if second.masks is not None else ():
            more = self._masks.whole(project, second)
            if not more.is_empty(frame):
                masks.set(frame, masks[frame] | more[frame])
        prompted = sorted({prompt.frame for prompt in (*first.prompts, *second.prompts)})
        prompts = tuple(self._masks.mask_prompt(project, first.object_id, f, masks[f]) for f in prompted if not masks.is_empty(f))
        both = [track.tracked for track in (first, second) if track.is_located]
        tracked = None
        if both and all(both):
            start, stop = max(span[0] for span in both if span), min(span[1] for span in both if span)
            tracked = (start, stop) if start < stop else None
        merged = dataclasses.replace(
            first,
            prompts=prompts,
            masks=self._masks.store(project.project_id, masks) if first.is_located or second.is_located else None,
            tracked=tracked,
            confirmed=tuple(sorted(set(first.confirmed) & set(second.confirmed))),
            pending=tuple(sorted({*first.pending, *second.pending})),
        )
        return document.with_track(document.without_object(project, second.object_id), merged)
