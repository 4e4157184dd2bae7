"""The region that may change: which objects it is made of, and how their masks are adjusted."""

from __future__ import annotations

import dataclasses

from app.editor.changes import change_track
from app.engine import Engine
from app.media.frames import ClipFrames
from app.media.region_previews import form_tiles
from app.storage.masks import MaskStore
from app.storage.workspace import Workspace
from core.errors import InputError
from core.project import project as document
from core.project.edits import Task, TASKS
from core.project.project import Project
from core.project.shadows import with_shadows
from core.project.tracks import MaskAdjustment

_NAMES = {
    "form": "Form of the region",
    "pixels": "Widen",
    "feather": "Soft edge",
    "holes": "Fill holes",
    "smooth": "Smooth over time",
}
"""What undo calls a change of one field."""

_TASK_WORDS = {"add": "Add", "modify": "Change", "delete": "Remove"}
"""As the page has them."""


class RegionOperations:
    """From the masks of objects to the region."""

    def __init__(self, workspace: Workspace, engine: Engine, frames: ClipFrames, masks: MaskStore) -> None:
        self._workspace = workspace
        self._engine = engine
        self._frames = frames
        self._masks = masks

    def set_adjustment(self, project_id: str, adjustment: MaskAdjustment, object_id: int | None = None, *, merge: bool = False) -> Project:
        """Choose how masks are adjusted.

        Args:
            project_id: The project.
            adjustment: The adjustment, in source pixels.
            object_id: The object that gets it as its own; None for all objects without one of their
                own.
            merge: Whether this is one step with the same change just before, as while a slider is
                dragged.

        Returns:
            The changed project.

        Raises:
            InputError: There is no such object.
        """
        before = self._workspace.project(project_id)
        now = before.adjustment if object_id is None else before.track(object_id).adjusted_by(before.adjustment)
        changed = [name for name in _NAMES if getattr(now, name) != getattr(adjustment, name)]
        label = _NAMES[changed[0]] if len(changed) == 1 else "Adjust region"
        if object_id is not None:
            label = f"{label} ({before.track(object_id).name})"
        return self._workspace.change(project_id, label, lambda p: document.with_adjustment(p, adjustment, object_id), merge=merge)

    def propose_adjustment(self, project_id: str, task: Task, asked: bool = False, object_id: int | None = None) -> Project:
        """Let the region suit a task, in form and amount.

        Args:
            project_id: The project.
            task: What is to be done in the region: add, modify or delete.
            asked: Whether a person asked for it. Else what a person chose stays, and so does what
                tries were made with.
            object_id: The object that has a task of its own; None for all.

        Returns:
            The project; changed or not.

        Raises:
            InputError: There is no such task or object.
        """
        if task not in TASKS:
            raise InputError(f"unknown task '{task}': choose {', '.join(TASKS[:-1])} or {TASKS[-1]}")
        before = self._workspace.project(project_id)
        objects = () if object_id is None else (object_id,)
        now, proposed_for = before.adjustment, before.proposed_for
        if object_id is not None and (track := before.track(object_id)).adjustment is not None:
            now, proposed_for = track.adjustment, track.proposed_for
        if not asked and (proposed_for is None or any(not edit.stale and edit.shares_objects(objects) for edit in before.edits)):
            return before
        wanted = self._proposed(before, task, objects)

        def change(project: Project) -> Project:
            if object_id is None:
                return dataclasses.replace(document.with_adjustment(project, wanted), proposed_for=task)
            track = project.track(object_id)
            own = None if track.adjustment is None and wanted == project.adjustment else wanted
            return document.with_track(project, dataclasses.replace(track, adjustment=own, proposed_for=task))

        if wanted == now:
            return self._workspace.amend(project_id, change)  # nothing that could be undone
        return self._workspace.change(project_id, f"Region for {_TASK_WORDS[task]}", change)

    def proposals(self, project_id: str) -> dict[str, dict[str, MaskAdjustment]]:
        """The adjustment that each task proposes, for all objects (under an empty name), and for
        each edited one under its id.
        """
        project = self._workspace.project(project_id)
        groups = {"": (), **{str(track.object_id): (track.object_id,) for track in project.edited_tracks}}
        return {name: {task: self._proposed(project, task, objects) for task in TASKS} for name, objects in groups.items()}

    def _proposed(self, project: Project, task: Task, objects: tuple[int, ...]) -> MaskAdjustment:
        from core.masks import proposed_adjustment

        tracks = [track for track in project.edited_tracks if not objects or track.object_id in objects]
        now = tracks[0].adjusted_by(project.adjustment) if objects and tracks else project.adjustment
        masks = [self._masks.readable(project, track.masks) for track in tracks if track.masks]
        model = self._engine.loaded_video_model(self._engine.settings.model)
        return proposed_adjustment(task, masks, now, None if model is None else model.declared.region_form)

    def clear_adjustment(self, project_id: str, object_id: int) -> Project:
        """Let an object that has an adjustment of its own take that of all objects again."""
        return change_track(
            self._workspace, project_id, object_id, "Adjust as all", lambda track: dataclasses.replace(track, adjustment=None)
        )

    def set_edited(self, project_id: str, object_id: int, edited: bool = True) -> Project:
        """Take an object into the region, or leave it out; its masks stay.

        Args:
            project_id: The project.
            object_id: The object.
            edited: False to leave it out.

        Returns:
            The changed project.

        Raises:
            InputError: There is no such object.
        """
        label = "Edit object" if edited else "Leave object out"
        return change_track(self._workspace, project_id, object_id, label, lambda track: dataclasses.replace(track, edited=edited))

    def set_in_front(self, project_id: str, object_id: int, in_front: bool = True) -> Project:
        """Let an object that is not edited stay in front of the edit, which then never hides it.

        Args:
            project_id: The project.
            object_id: The object.
            in_front: False to let the edit lie over it.

        Returns:
            The changed project.

        Raises:
            InputError: There is no such object.
        """
        label = "Keep in front" if in_front else "Not in front"
        return change_track(self._workspace, project_id, object_id, label, lambda track: dataclasses.replace(track, in_front=in_front))

    def set_shadows(self, project_id: str, shadows: bool = True) -> Project:
        """Let removals take the objects' shadows and reflections away too, or leave them."""
        label = "Remove shadows too" if shadows else "Leave shadows"
        return self._workspace.change(project_id, label, lambda p: with_shadows(p, shadows))

    def forms_jpeg(self, project_id: str, frame: int, object_id: int | None = None, width: int = 120) -> bytes:
        """The region in the six forms on a frame, side by side.

        Args:
            project_id: The project.
            frame: The frame.
            object_id: The object whose form changes; None for all objects without an adjustment of
                their own.
            width: Pixels of each of the six, 16 to 960; they are two thirds of that high.

        Returns:
            A JPEG.

        Raises:
            InputError: There is no such object or frame, or the width is out of range.
        """
        from core.masks import clean_mask, shaped

        if not 16 <= width <= 960:
            raise InputError(f"pictures {width} pixels wide are outside 16 to 960: ask for a width between")
        project = self._workspace.project(project_id)
        if object_id is not None:
            project.track(object_id)
        changing, others = [], []
        for track, part in self._masks.region_parts(project):
            mask = clean_mask(part, frame)
            changes = track.adjustment is None if object_id is None else track.object_id == object_id
            if mask is not None and changes:
                changing.append((mask, part.adjustment))
            elif mask is not None:
                others.append((shaped(mask, part.adjustment), part.adjustment.feather))
        return form_tiles(self._frames.frame(project, frame), changing, others, width)
