"""Export jobs: a result as a video with its recipe, or the masks of objects, as files in the
project's folder.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.media.frames import ClipFrames
from app.render.export import file_stem, format_of, rehearse_clip, write_clip
from app.render.recipe import recipe_of
from app.storage.masks import MaskStore
from app.storage.workspace import Workspace
from core.files import write_text
from core.geometry import FrameRange
from core.progress import JobContext

if TYPE_CHECKING:
    from core.media import ClipReader

EXPORTS = "exports"
"""The folder of a project where exported files lie."""


class ExportJobs:
    """Runs on a job's thread; reports to the job's context and stops when it says so."""

    def __init__(self, workspace: Workspace, frames: ClipFrames, masks: MaskStore) -> None:
        self._workspace = workspace
        self._frames = frames
        self._masks = masks

    def export(self, project_id: str, codec: str, propagation_id: str | None, whole: bool, context: JobContext) -> dict[str, Any]:
        """Write the video of a propagation, or of the stack, and its recipe beside it.

        Args:
            project_id: The project.
            codec: One of those that `app.render.export.export_formats` names.
            propagation_id: The propagation, with all that lies below it; the accepted results when
                None.
            whole: Write the whole clip, what no edit changed copied where that is possible;
                otherwise only the frames that are worked on.
            context: Takes the progress, and stops the job.

        Returns:
            `file` and `recipe`, relative to the project.
        """
        project = self._workspace.project(project_id)
        kind = format_of(codec)
        stack = [project.propagation(i) for i in project.base.split("+") if i]
        if propagation_id is not None:
            top = project.propagation(propagation_id)
            stack = [*(project.propagation(i) for i in top.base.split("+") if i), top]
            reader: ClipReader = self._frames.result(project, top)
            frames = FrameRange(*top.span)
        else:
            reader, frames = self._frames.reader(project), project.clip.frame_range
        if whole:
            frames = FrameRange(0, project.clip.info.frames)
        stem = f"{file_stem(project.name)} edited {codec}"
        folder = self._workspace.folder(project_id) / EXPORTS
        rehearse_clip(reader, frames, Path(project.clip.source), codec, context)
        recipe = recipe_of(self._workspace, project, stack, frames, codec, whole)
        write_clip(reader, frames, Path(project.clip.source), codec, folder / f"{stem}{kind.suffix}", context, copies=whole)
        write_text(folder / f"{stem}.recipe.json", recipe.dumps())
        return {"file": f"{EXPORTS}/{stem}{kind.suffix}", "recipe": f"{EXPORTS}/{stem}.recipe.json"}

    def export_masks(self, project_id: str, form: Any, object_ids: list[int], context: JobContext) -> dict[str, Any]:
        """Write the masks of objects over the part of the clip that is worked on.

        Args:
            project_id: The project.
            form: One of core.render.mattes.FORMS.
            object_ids: The objects; those without masks are left out.
            context: Takes the progress, and stops the job.

        Returns:
            `file`, relative to the project.
        """
        from core.render.mattes import rehearse_mattes, SUFFIXES, write_mattes

        project = self._workspace.project(project_id)
        tracks = [track for track in project.tracks if track.object_id in object_ids and track.masks]
        objects = [(track.name, self._masks.whole(project, track)) for track in tracks]
        name = f"masks-{form}-{secrets.token_hex(3)}{SUFFIXES[form]}"
        frames = project.clip.frame_range
        rehearse_mattes(form, self._frames.reader(project), frames)
        write_mattes(self._workspace.folder(project_id) / EXPORTS / name, form, self._frames.reader(project), objects, frames, context)
        return {"file": f"{EXPORTS}/{name}"}

    def files(self, project_id: str) -> list[tuple[str, int]]:
        """Name and size in bytes of what was exported, the newest first."""
        folder = self._workspace.folder(project_id) / EXPORTS
        files = [path for path in folder.glob("[!.]*") if path.is_file()]
        return [(path.name, path.stat().st_size) for path in sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)]
