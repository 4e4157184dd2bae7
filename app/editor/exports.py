"""Exports: results as files to take home, with their recipes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from app.contract.values import ExportedFile, ExportFormat
from app.jobs.clip_scan import ClipScanner
from app.jobs.exports import ExportJobs
from app.jobs.queue import JobQueue, resumable
from app.render.export import export_formats, export_notes, format_of
from app.render.result_parts import PARTS
from app.storage.workspace import Workspace
from core.errors import InputError

PART_NOTES = (
    "what the edit shows by itself, over the edited frames; laid over the clip it gives the result; it holds no sound",
    "the clip without what is edited, over the edited frames; it holds no sound",
)


class ExportOperations:
    """Videos of results."""

    def __init__(self, workspace: Workspace, queue: JobQueue, scanner: ClipScanner, jobs: ExportJobs) -> None:
        self._workspace = workspace
        self._queue = queue
        self._scanner = scanner
        self._jobs = jobs

    def formats(self) -> tuple[ExportFormat, ...]:
        """What a result can be written as on this machine, and its parts for a compositor."""
        return (*export_formats(), *PARTS.values())

    def notes(self, project_id: str, codec: str, whole: bool = True) -> tuple[str, ...]:
        """What becomes of sound, subtitles and the rest of the clip in a format.

        Args:
            project_id: The project.
            codec: One of `formats`.
            whole: Whether the whole clip is written, or only the frames that are worked on.

        Returns:
            Sentences without a capital and a full stop.

        Raises:
            InputError: There is no such format, or the clip is gone.
        """
        clip = self._workspace.project(project_id).clip
        if codec in PARTS:
            return (PART_NOTES[codec == "plate"],)
        return export_notes(Path(clip.source), (0, clip.info.frames) if whole else clip.frame_range, codec)

    @resumable("start_export")
    def start(self, project_id: str, codec: str = "h264", propagation_id: str | None = None, whole: bool = True) -> str:
        """Write a finished propagation with all below it, or the accepted results, and a recipe
        beside it.

        Args:
            project_id: The project.
            codec: One of `formats`.
            propagation_id: The propagation; the accepted results when None.
            whole: Whether to write the whole clip with the edit in it, or only the frames that are
                worked on.

        Returns:
            The job's id; its result names `file` and `recipe`, relative to the project.

        Raises:
            InputError: There is no such format, or nothing to export.
        """
        project = self._workspace.project(project_id)
        if codec in PARTS:
            return self._start_part(project_id, codec, propagation_id)
        format_of(codec)
        if propagation_id is None and not project.base:
            raise InputError("there is no accepted result to export yet: propagate, then accept the result")
        if propagation_id is not None and project.propagation(propagation_id).result is None:
            raise InputError("this propagation is not finished: resume it first")
        job = self._scanner.with_hash(project_id, partial(self._jobs.export, project_id, codec, propagation_id, whole))
        return self._queue.submit("export", project_id, job)

    def _start_part(self, project_id: str, form: str, propagation_id: str | None) -> str:
        project = self._workspace.project(project_id)
        wanted = propagation_id or next((layer.propagation_id for layer in reversed(project.layers) if layer.enabled), None)
        if wanted is None or project.propagation(wanted).result is None:
            raise InputError("there is no finished result to take a part of yet: propagate first")
        return self._queue.submit("export", project_id, partial(self._jobs.export_part, project_id, form, wanted))

    def files(self, project_id: str) -> list[tuple[str, int]]:
        """The files that were exported and their size in bytes, the newest first; recipes are among
        them.
        """
        return [(file.name, file.bytes) for file in self._jobs.listed(project_id)]

    def listed(self, project_id: str) -> list[ExportedFile]:
        """The same with what each was made of."""
        return self._jobs.listed(project_id)
