"""The verbs of the Select step that are about objects as a whole: add, remove, name, hide and merge them."""

from __future__ import annotations

import dataclasses

from app.editor.base import VerbBase
from core.errors import InputError
from core.project import project as document
from core.project.project import Project
from core.project.tracks import MaskTrack


class ObjectVerbs(VerbBase):
    """Which objects there are."""

    def add_object(self, project_id: str, name: str | None = None) -> tuple[Project, int]:
        """Add an object that nothing is said of yet; returns its id too."""
        added: list[MaskTrack] = []

        def change(project: Project) -> Project:
            project, track = document.with_object(project, name)
            added.append(track)
            return project

        return self.workspace.change(project_id, "Add object", change), added[0].object_id

    def remove_object(self, project_id: str, object_id: int) -> Project:
        """Remove an object with its marks and its masks."""
        return self.workspace.change(project_id, "Remove object", lambda p: document.without_object(p, object_id))

    def rename_object(self, project_id: str, object_id: int, name: str) -> Project:
        """Call an object by another name, of 80 characters at most."""
        return self._change_track(project_id, object_id, "Rename object", lambda track: dataclasses.replace(track, name=name.strip()[:80]))

    def hide_object(self, project_id: str, object_id: int, hidden: bool = True) -> Project:
        """Leave the object out of the picture on the screen, or show it again; what is edited stays the same."""
        label = "Hide object" if hidden else "Show object"
        return self._change_track(project_id, object_id, label, lambda track: dataclasses.replace(track, hidden=hidden))

    def merge_objects(self, project_id: str, object_id: int, other_id: int) -> Project:
        """Make one object of two, under the first one's name: the union of their masks, and of what was said of them."""
        if object_id == other_id:
            raise InputError("choose another object to merge with")

        def change(project: Project) -> Project:
            return self._merged(project, project.track(object_id), project.track(other_id))

        return self.workspace.change(project_id, "Merge objects", change)

    def _merged(self, project: Project, first: MaskTrack, second: MaskTrack) -> Project:
        masks = self.pictures.masks_over_clip(project, first.masks)
        for frame in masks.frames if second.masks is not None else ():
            more = self.pictures.masks(project, second.masks or "")
            if not more.is_empty(frame):
                masks.set(frame, masks[frame] | more[frame])
        marked = sorted({prompt.frame for prompt in (*first.prompts, *second.prompts)})
        prompts = tuple(self.pictures.mask_prompt(project, first.object_id, f, masks[f]) for f in marked if not masks.is_empty(f))
        both = [track.tracked for track in (first, second) if track.marked]
        tracked = None
        if both and all(both):
            start, stop = max(span[0] for span in both if span), min(span[1] for span in both if span)
            tracked = (start, stop) if start < stop else None
        merged = dataclasses.replace(
            first,
            prompts=prompts,
            masks=self.pictures.store_masks(project.project_id, masks) if first.marked or second.marked else None,
            tracked=tracked,
            confirmed=tuple(sorted(set(first.confirmed) & set(second.confirmed))),
            pending=tuple(sorted({*first.pending, *second.pending})),
        )
        return document.with_track(document.without_object(project, second.object_id), merged)
