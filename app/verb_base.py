"""What every group of the editor's verbs stands on: the workspace, the models, the jobs and the pictures of one program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.engine import Engine
from app.job_work import JobWork
from app.jobs import JobRunner
from app.lanes import Lanes
from app.pictures import Pictures
from app.settings import Settings
from app.track_work import TrackWork
from app.workspace import Workspace
from core.errors import InputError
from core.progress import JobContext
from core.project.project import Project


class VerbBase:
    """The parts that verbs share. The groups of verbs derive from it, and `app.editor.Editor` from the groups."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.workspace = Workspace(settings.workspace)
        self.engine = Engine(settings)
        self.runner = JobRunner()
        self.pictures = Pictures(self.workspace, self.engine)
        self._work = JobWork(self.workspace, self.engine, self.pictures)
        self.lanes = Lanes(self.workspace, self.pictures)
        self._track_work = TrackWork(self.workspace, self.pictures, self.lanes)

    def project(self, project_id: str) -> Project:
        return self.workspace.project(project_id)

    def file_path(self, project_id: str, relative: str) -> Path:
        return self.workspace.file(project_id, relative)

    def _submit(self, kind: str, project_id: str, work: Callable[[JobContext], dict[str, Any]]) -> str:
        return self.runner.submit(kind, project_id, work, device=self.settings.device)

    def _need_masks(self, project: Project) -> None:
        if not any(track.masks for track in project.tracks):
            raise InputError("select an object first: there is no mask to edit yet")
