"""Drawn shapes: an object as a person draws it on some frames."""

from __future__ import annotations

import dataclasses

from app.editor.changes import change_track
from app.storage.masks import MaskStore
from app.storage.workspace import Workspace
from core.errors import InputError
from core.project.project import Project
from core.project.shapes import DrawnShape, Point, ShapeKey
from core.project.tracks import MaskTrack


class ShapeOperations:
    """Polygons and curves, drawn on frames and moved between them."""

    def __init__(self, workspace: Workspace, masks: MaskStore) -> None:
        self._workspace = workspace
        self._masks = masks

    def draw(self, project_id: str, object_id: int, frame: int, points: list[Point], curve: bool = False) -> Project:
        """Draw an object's shape on a frame.

        Its masks on all frames are made of its shapes; what was drawn on other frames stays.

        Args:
            project_id: The project.
            object_id: The object: one with a shape, or one without masks.
            frame: The frame.
            points: Source pixels, in order around it; none where it is not there from here on.
            curve: Whether the outline is a smooth curve through them, on all frames.

        Returns:
            The changed project.

        Raises:
            InputError: The points can't be drawn, or the object has masks of another kind.
        """
        project = self._workspace.project(project_id)
        project.clip.info.check_frame(frame)
        key = ShapeKey(frame, tuple((float(x), float(y)) for x, y in points))
        old = project.track(object_id)
        if old.shape is None and old.masks is not None:
            raise InputError(f"'{old.name}' has masks already: add an object, then draw its shape")
        shape = DrawnShape((key,), curve) if old.shape is None else dataclasses.replace(old.shape.with_key(key), curve=curve)
        return self._store(project, object_id, shape, "Draw a shape")

    def forget(self, project_id: str, object_id: int, frame: int) -> Project:
        """Take back what was drawn on a frame: there the shape is what the frames beside it say.

        Args:
            project_id: The project.
            object_id: An object with a shape.
            frame: The frame.

        Returns:
            The changed project; the same where nothing was drawn there.

        Raises:
            InputError: The object has no shape, or none besides this one.
        """
        project = self._workspace.project(project_id)
        shape = project.track(object_id).shape
        if shape is None:
            raise InputError("this object was not drawn as a shape: clear its prompts instead")
        left = tuple(key for key in shape.keys if key.frame != frame)
        if left == shape.keys:
            return project
        if not any(key.points for key in left):
            raise InputError("this is the only frame that the shape is drawn on: remove the object instead")
        return self._store(project, object_id, dataclasses.replace(shape, keys=left), "Clear a shape")

    def _store(self, project: Project, object_id: int, shape: DrawnShape, label: str) -> Project:
        from core.masks.shapes import shape_masks

        info = project.clip.info
        masks = self._masks.store(project.project_id, shape_masks(shape, info.size, info.frames))

        def drawn(track: MaskTrack) -> MaskTrack:
            return dataclasses.replace(track, shape=shape, masks=masks, tracked=(0, info.frames), pending=(), confirmed=(), prompts=())

        return change_track(self._workspace, project.project_id, object_id, label, drawn)
