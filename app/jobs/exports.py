"""Export jobs: a result as a video with its recipe, or the masks of objects, as files in the
project's folder.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.contract.values import ExportedFile
from app.jobs.inserts import InsertBuilder, StoredInsert
from app.media.frames import ClipFrames
from app.render.export import file_stem, format_of, rehearse_clip, write_clip
from app.render.recipe import recipe_of
from app.render.result_parts import PARTS, ResultParts, write_part
from app.storage.masks import MaskStore
from app.storage.workspace import now, Workspace
from core.files import write_text
from core.geometry import FrameRange
from core.progress import JobContext
from core.project.codec import decode
from core.project.plain import parse_json

if TYPE_CHECKING:
    from core.media import ClipReader

EXPORTS = "exports"
"""The folder of a project where exported files lie."""
LIST = ".made.json"
"""What is known of them, in that folder."""
RECIPE = ".recipe.json"


class ExportJobs:
    """Runs on a job's thread; reports to the job's context and stops when it says so."""

    def __init__(self, workspace: Workspace, frames: ClipFrames, masks: MaskStore, inserts: InsertBuilder) -> None:
        self._workspace = workspace
        self._frames = frames
        self._masks = masks
        self._inserts = inserts

    def export_part(self, project_id: str, form: str, propagation_id: str, context: JobContext) -> dict[str, Any]:
        """Write a part of a propagation for a compositor, over the frames that it edited.

        Args:
            project_id: The project.
            form: One of `app.render.result_parts.PARTS`.
            propagation_id: The propagation.
            context: Takes the progress, and stops the job.

        Returns:
            `file`, relative to the project.
        """
        from core.background.affected import united

        project = self._workspace.project(project_id)
        top = project.propagation(propagation_id)
        reader = self._frames.result(project, top)
        keyframes = [keyframe for part in top.parts for keyframe in part.keyframes]
        stored = [StoredInsert(k.insert, k.path, k.front) for k in keyframes if k.insert is not None and k.path is not None]
        region, *others = (self._masks.load(project, part.region) for part in top.parts)
        parts = ResultParts(
            self._frames.reader(project, top.base),
            lambda index, _: reader.frame(index),
            united(region, *others),
            tuple(self._inserts.read(project, one) for one in stored),
            painted=len(stored) < len(keyframes),
            opacity=top.mix.opacity,
        )
        kind = PARTS[form]
        folder = self._workspace.folder(project_id) / EXPORTS
        stem = _free_stem(self._taken(project_id), f"{file_stem(f'{project.name}, {top.title}')}, {form.partition('-')[0]}")
        name = f"{stem}{kind.suffix}"
        folder.mkdir(parents=True, exist_ok=True)
        write_part(folder / name, form, parts, top.span, context)
        file = ExportedFile(name, 0, form, propagation_id, top.title, now(), top.span[1] - top.span[0], 0)
        self._note(project_id, {name: file})
        return {"file": f"{EXPORTS}/{name}"}

    def _note(self, project_id: str, files: dict[str, ExportedFile]) -> None:
        """Remember what exported files were made of."""
        folder = self._workspace.folder(project_id) / EXPORTS
        known = {**self._known(project_id), **files}
        write_text(folder / LIST, json.dumps([asdict(one) for one in known.values() if (folder / one.name).is_file()], indent=1))

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
        title = stack[-1].title if propagation_id is not None else ", ".join(one.title for one in stack)
        if whole:
            frames = FrameRange(0, project.clip.info.frames)
        folder = self._workspace.folder(project_id) / EXPORTS
        part = "" if whole else f", frames {frames.start} to {frames.stop - 1}"
        stem = _free_stem(self._taken(project_id), f"{file_stem(f'{project.name}, {title}')}{part}")
        rehearse_clip(reader, frames, Path(project.clip.source), codec, context)
        recipe = recipe_of(self._workspace, project, stack, frames, codec, whole)
        name = f"{stem}{kind.suffix}"
        copied = write_clip(reader, frames, Path(project.clip.source), codec, folder / name, context, copies=whole)
        write_text(folder / f"{stem}{RECIPE}", recipe.dumps())
        made_of = propagation_id or project.base
        file = ExportedFile(name, 0, codec, made_of, title, now(), frames.stop - frames.start, copied)
        self._note(project_id, {name: file, f"{stem}{RECIPE}": replace(file, name=f"{stem}{RECIPE}")})
        return {"file": f"{EXPORTS}/{name}", "recipe": f"{EXPORTS}/{stem}{RECIPE}", "copied": copied, "frames": file.frames}

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

    def listed(self, project_id: str) -> list[ExportedFile]:
        """What was exported, the newest first."""
        folder, known = self._workspace.folder(project_id) / EXPORTS, self._known(project_id)
        files = [path for path in folder.glob("[!.]*") if path.is_file()]
        ordered = sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)
        return [replace(known.get(path.name, ExportedFile(path.name, 0)), bytes=path.stat().st_size) for path in ordered]

    def _taken(self, project_id: str) -> set[str]:
        """The names that files have which nothing may replace: those in the list, or all where that
        is damaged. What is in no list was left by an export that was cut off.
        """
        folder, known = self._workspace.folder(project_id) / EXPORTS, self._known(project_id)
        files = {path.name for path in folder.glob("[!.]*")} if (folder / LIST).exists() else set()
        return {_stem_of(name) for name in files if name in known or not known}

    def _known(self, project_id: str) -> dict[str, ExportedFile]:
        """What is known of exported files, by their names; nothing where the list is damaged."""
        try:
            rows = parse_json((self._workspace.folder(project_id) / EXPORTS / LIST).read_text(encoding="utf-8"))
            return {file.name: file for file in (decode(ExportedFile, row) for row in rows)}
        except (OSError, ValueError, TypeError, KeyError):
            return {}


def _free_stem(taken: set[str], stem: str) -> str:
    """The name, with a number where files have it already."""
    numbered = (stem if number == 1 else f"{stem} {number}" for number in count(1))
    return next(name for name in numbered if name.casefold() not in taken)


def _stem_of(name: str) -> str:
    return name.removesuffix(RECIPE).removesuffix(Path(name).suffix).casefold()
