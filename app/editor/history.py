"""Undo and redo."""

from __future__ import annotations

from app.storage.workspace import Workspace
from core.project.project import Project


class HistoryOperations:
    """The steps of a project, back and forth."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def undo(self, project_id: str) -> Project:
        """Take the last change back; nothing happens when there is none."""
        return self._workspace.undo(project_id)

    def redo(self, project_id: str) -> Project:
        """Do again what was taken back last."""
        return self._workspace.redo(project_id)

    def labels(self, project_id: str) -> tuple[str | None, str | None]:
        """What undo would take back and what redo would do again; None where there is nothing."""
        history = self._workspace.history(project_id)
        return (history.past[-1].label if history.past else None, history.future[-1].label if history.future else None)
