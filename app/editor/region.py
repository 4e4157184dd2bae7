"""The verbs of the Adjust step: which objects the region is made of, and what becomes of their masks."""

from __future__ import annotations

import dataclasses

from app.editor.base import VerbBase
from app.media.region_previews import form_tiles
from core.errors import InputError
from core.project import project as document
from core.project.project import Project
from core.project.tracks import MaskAdjustment

_NAMES = {
    "form": "Form of the region",
    "pixels": "Widen",
    "feather": "Soft edge",
    "holes": "Fill holes",
    "smooth": "Smooth over time",
}
"""What undo calls a change of one field."""


class AdjustVerbs(VerbBase):
    """From the masks of objects to the region that may change."""

    def set_adjustment(self, project_id: str, adjustment: MaskAdjustment, object_id: int | None = None, *, merge: bool = False) -> Project:
        """Choose what becomes of the masks: of all objects that have no way of their own, or of one, which gets its own. In source pixels.

        With `merge` it is one step with the same change just before: a slider is being dragged.
        """
        before = self.project(project_id)
        now = before.adjustment if object_id is None else before.track(object_id).adjusted_by(before.adjustment)
        changed = [name for name in _NAMES if getattr(now, name) != getattr(adjustment, name)]
        label = _NAMES[changed[0]] if len(changed) == 1 else "Adjust region"
        if object_id is not None:
            label = f"{label} ({before.track(object_id).name})"
        return self.workspace.change(project_id, label, lambda p: document.with_adjustment(p, adjustment, object_id), merge=merge)

    def clear_adjustment(self, project_id: str, object_id: int) -> Project:
        """Let an object that has a way of its own follow all objects again."""
        return self._change_track(project_id, object_id, "Adjust as all", lambda track: dataclasses.replace(track, adjustment=None))

    def set_edited(self, project_id: str, object_id: int, edited: bool = True) -> Project:
        """Take an object into the region, or leave it out; its masks stay."""
        label = "Edit object" if edited else "Leave object out"
        return self._change_track(project_id, object_id, label, lambda track: dataclasses.replace(track, edited=edited))

    def forms_jpeg(self, project_id: str, frame: int, object_id: int | None = None, width: int = 120) -> bytes:
        """The region in the six forms on a frame, side by side as JPEG, each `width` pixels wide and two thirds of that high.

        `object_id` is whose form would change, None for all objects without a way of their own; the others stay as they are.
        """
        from core.masks import clean_mask, shaped

        if not 16 <= width <= 960:
            raise InputError(f"pictures {width} pixels wide are outside 16 to 960: ask for a width between")
        project = self.project(project_id)
        if object_id is not None:
            project.track(object_id)
        own, others = [], []
        for track, part in self.pictures.region_parts(project):
            mask = clean_mask(part, frame)
            changes = track.adjustment is None if object_id is None else track.object_id == object_id
            if mask is not None and changes:
                own.append((mask, part.adjustment))
            elif mask is not None:
                others.append((shaped(mask, part.adjustment), part.adjustment.feather))
        return form_tiles(self.pictures.frame(project, frame), own, others, width)
