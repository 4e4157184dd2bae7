"""What every group of the editor's verbs stands on: the workspace, the models, the jobs and the pictures of one program."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.engine import Engine
from app.jobs.clip_scan import Examiner
from app.jobs.estimates import Forecasts
from app.jobs.journal import JobJournal
from app.jobs.keyframes import JobWork
from app.jobs.runner import JobRunner
from app.jobs.timeline import Lanes
from app.jobs.tracking import TrackWork
from app.media.pictures import Pictures
from app.settings import Settings
from app.storage.workspace import Workspace
from core.errors import InputError
from core.progress import JobContext, JobStatus
from core.project import project as document
from core.project.project import Project
from core.project.tracks import MaskTrack

if TYPE_CHECKING:
    import numpy as np


class VerbBase:
    """The parts that verbs share. The groups of verbs derive from it, and `app.editor.editor.Editor` from the groups."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.runner = JobRunner(self._job_ended)
        self.workspace = Workspace(settings.workspace, self._is_busy)
        self.journal = JobJournal(self.workspace)
        self.engine = Engine(settings)
        self.pictures = Pictures(self.workspace, self.engine)
        self._work = JobWork(self.workspace, self.engine, self.pictures)
        self.lanes = Lanes(self.pictures)
        self.examiner = Examiner(self.workspace, self.pictures)
        self.forecasts = Forecasts(settings.workspace / "timings.json", settings.memory)
        self._track_work = TrackWork(self.workspace, self.pictures)

    def project(self, project_id: str) -> Project:
        return self.workspace.project(project_id)

    def file_path(self, project_id: str, relative: str) -> Path:
        return self.workspace.file(project_id, relative)

    def _submit(self, kind: str, project_id: str, work: Callable[[JobContext], dict[str, Any]]) -> str:
        return self.runner.submit(kind, project_id, work, device=self.settings.device)

    def _job_ended(self, status: JobStatus) -> None:
        self.journal.forget(status.project_id, status.job_id)

    def _is_busy(self, project_id: str) -> bool:
        return any(not job.finished for job in self.runner.of_project(project_id))

    def _timed(
        self, kind: str, name: str, work: Callable[[JobContext], dict[str, Any]], pieces: Callable[[dict[str, Any]], int]
    ) -> Callable[[JobContext], dict[str, Any]]:
        """The work, and from what it took the forecast of the next; unless it was the first, which had the model to load as well."""

        def timed(context: JobContext) -> dict[str, Any]:
            loaded, started = self.engine.has(name), time.monotonic()
            result = work(context)
            if loaded and pieces(result):
                self.forecasts.learn_rate(kind, name, (time.monotonic() - started) / pieces(result), self.engine.device)
            return result

        return timed

    def _need_masks(self, project: Project) -> None:
        if not any(track.masks for track in project.tracks):
            raise InputError("select an object first: there is no mask to edit yet")
        if not any(track.masks for track in project.edited_tracks):
            raise InputError("the edit is of no object: in Adjust, tick at least one that has masks")

    def _change_track(self, project_id: str, object_id: int, label: str, change: Callable[[MaskTrack], MaskTrack]) -> Project:
        return self.workspace.change(project_id, label, lambda p: document.with_track(p, change(p.track(object_id))))

    def _check_frame(self, project_id: str, frame: int) -> None:
        self.project(project_id).clip.info.check_frame(frame)

    def _with_answer(self, project: Project, track: MaskTrack, frame: int, mask: np.ndarray) -> Project:
        """The project with an object whose mask on a frame a person has just seen to."""
        stored = self.pictures.with_masks(project, track.masks, {frame: mask})
        pending = track.pending if track.tracked is None else with_frame(track.pending, frame)
        return document.with_track(project, dataclasses.replace(track, masks=stored, pending=pending))


def with_frame(frames: tuple[int, ...], frame: int) -> tuple[int, ...]:
    """The frames and one more, in order."""
    return tuple(sorted({*frames, frame}))
