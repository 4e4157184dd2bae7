"""The verbs that bring masks in from other programs and take them out."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.editor.base import VerbBase
from app.jobs.journal import resumable
from app.render.mask_files import read_masks
from core.errors import InputError
from core.progress import JobContext
from core.project import project as document
from core.project.project import Project


class MaskVerbs(VerbBase):
    """Masks as files."""

    def import_masks(self, project_id: str, source: str | Path, frame: int | None = None, name: str | None = None) -> Project:
        """Add the masks of a picture, a folder or zip of pictures, or a matte video as objects, in one step.

        A single picture is for `frame` (the first of the span when None). Masks of all frames count as tracked; of some, as confirmed
        there, to be tracked from. `name` is what messages and objects call the source. InputError for what doesn't fit the clip.
        """
        project = self.project(project_id)
        path = Path(source)
        if not path.exists():
            raise InputError(f"there are no masks at '{source}': name a picture, a folder or zip of pictures, or a matte video")
        span = (project.clip.start, project.clip.stop)
        found = read_masks(path, project.clip.info, span, project.clip.start if frame is None else frame)
        whole = range(*span)

        def change(current: Project) -> Project:
            for one in found:
                title = one.name.replace(path.stem, name) if name else one.name
                current, track = document.with_object(current, title[:80])
                complete = set(whole) <= set(one.frames)
                track = dataclasses.replace(
                    track,
                    masks=self.pictures.store_masks(project_id, one.masks),
                    tracked=(min(one.frames), max(one.frames) + 1) if complete else None,
                    confirmed=() if complete else one.frames,
                )
                current = document.with_track(current, track)
            return current

        return self.workspace.change(project_id, "Import masks", change)

    @resumable
    def start_mask_export(self, project_id: str, form: str, object_ids: Sequence[int] | None = None) -> str:
        """Write the masks of some objects (all when None) over the clip's span to a file; returns the job's id.

        `form` is one of core.render.mattes.FORMS. The job's result has the `file`, relative to the project.
        """
        from core.render.mattes import FORMS

        if form not in FORMS:
            raise InputError(f"unknown form of masks '{form}': choose one of {', '.join(FORMS)}")
        project = self.project(project_id)
        tracks = [t for t in project.tracks if t.masks and (object_ids is None or t.object_id in object_ids)]
        if not tracks:
            raise InputError("select an object first: there are no masks to write yet")
        return self._submit(
            "masks", project_id, lambda context: self._export_masks(project_id, form, [t.object_id for t in tracks], context)
        )

    def _export_masks(self, project_id: str, form: Any, object_ids: list[int], context: JobContext) -> dict[str, Any]:
        from core.render.mattes import SUFFIXES, write_mattes

        project = self.project(project_id)
        tracks = [track for track in project.tracks if track.object_id in object_ids and track.masks]
        objects = [(track.name, self.pictures.masks(project, track.masks or "")) for track in tracks]
        name = f"masks-{form}-{secrets.token_hex(3)}{SUFFIXES[form]}"
        span = (project.clip.start, project.clip.stop)
        write_mattes(self.workspace.folder(project_id) / "exports" / name, form, self.pictures.reader(project), objects, span, context)
        return {"file": f"exports/{name}"}
