"""Masks of a project: as overlays, in from other programs, out as files."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from app.contract.values import MasksImport
from app.jobs.exports import ExportJobs
from app.jobs.queue import JobQueue, resumable
from app.media.pictures import Pictures
from app.render.mask_files import read_masks
from app.storage.workspace import Workspace
from core.errors import InputError
from core.project import project as document
from core.project.plain import printable
from core.project.project import Project


class MaskOperations:
    """Masks as pictures and files."""

    def __init__(self, workspace: Workspace, pictures: Pictures, queue: JobQueue, exports: ExportJobs) -> None:
        self._workspace = workspace
        self._pictures = pictures
        self._queue = queue
        self._exports = exports

    def overlay_png(
        self, project_id: str, frame: int, kind: str = "objects", max_width: int | None = None, only: int | None = None
    ) -> bytes:
        """The masks of a frame as a picture to lay over it.

        Args:
            project_id: The project.
            frame: The frame.
            kind: `objects` in their colours, or the `region` that will be edited.
            max_width: Pixels that the picture may be wide; the frame's own width when None.
            only: The object whose region is shown; all that are edited when None.

        Returns:
            A transparent PNG.

        Raises:
            InputError: There is no such kind or frame, or the object is not edited.
        """
        project = self._workspace.project(project_id)
        alone = project if only is None else document.for_objects(project, (only,))
        return self._pictures.overlay_png(alone, frame, kind, max_width)

    def is_changing(self, project_id: str) -> bool:
        """Whether a running job still fills the masks that overlays show."""
        return self._pictures.masks.is_live(project_id)

    def import_masks(self, project_id: str, source: str | Path, frame: int | None = None, name: str | None = None) -> MasksImport:
        """Add masks of another program as objects, in one step.

        Masks of all frames count as tracked; masks of some frames as confirmed there, to be tracked
        from.

        Args:
            project_id: The project.
            source: A picture, a folder or zip of pictures, or a matte video.
            frame: The frame that a single picture is for; the first that is worked on when None.
            name: What messages and objects call the source; its file's name when None.

        Returns:
            The changed project, and what a person should know of how the masks were read.

        Raises:
            InputError: The masks do not fit the clip.
        """
        project = self._workspace.project(project_id)
        path = Path(source)
        if not path.exists():
            raise InputError(f"there are no masks at '{source}': name a picture, a folder or zip of pictures, or a matte video")
        span = project.clip.frame_range
        found = read_masks(path, project.clip.info, span, project.clip.start if frame is None else frame)
        whole = span.frames

        def change(current: Project) -> Project:
            for one in found.objects:
                title = one.name.replace(path.stem, name) if name else one.name
                current, track = document.with_object(current, printable(title)[:80])
                complete = set(whole) <= set(one.frames)
                track = dataclasses.replace(
                    track,
                    masks=self._pictures.masks.store(project_id, one.masks),
                    tracked=(min(one.frames), max(one.frames) + 1) if complete else None,
                    confirmed=() if complete else one.frames,
                    shape=one.shape,
                )
                current = document.with_track(current, track)
            return current

        return MasksImport(self._workspace.change(project_id, "Import masks", change), found.notes)

    @resumable("start_mask_export")
    def start_export(self, project_id: str, form: str, object_ids: Sequence[int] | None = None) -> str:
        """Write masks over the part of the clip that is worked on to a file.

        Args:
            project_id: The project.
            form: One of core.render.mattes.FORMS.
            object_ids: The objects; all when None.

        Returns:
            The job's id; its result has the `file`, relative to the project.

        Raises:
            InputError: There is no such form, or there are no masks.
        """
        from core.render.mattes import FORMS

        if form not in FORMS:
            raise InputError(f"unknown form of masks '{form}': choose one of {', '.join(FORMS)}")
        project = self._workspace.project(project_id)
        ids = [t.object_id for t in project.tracks if t.masks and (object_ids is None or t.object_id in object_ids)]
        if not ids:
            raise InputError("select an object first: there are no masks to write yet")
        return self._queue.submit("masks", project_id, partial(self._exports.export_masks, project_id, form, ids))
