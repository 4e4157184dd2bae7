"""What the page reads of the editor to draw itself.

`app.editor.editor.Editor` has it; the page never imports that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from app.contract.values import ClipScan, Cost, ExportedFile
from core.progress import JobStatus
from core.project.project import Project
from core.project.tracks import MaskAdjustment


class ProjectReads(Protocol):
    """`editor.projects`"""

    def get(self, project_id: str) -> Project: ...
    def is_draft(self, project_id: str) -> bool: ...


class ClipReads(Protocol):
    """`editor.clip`"""

    def scan(self, project_id: str) -> ClipScan: ...
    def scene_cuts(self, project_id: str) -> tuple[int, ...]: ...


class EstimateReads(Protocol):
    """`editor.estimates`"""

    def costs(self, project_id: str) -> Sequence[Cost]: ...


class TrackingReads(Protocol):
    """`editor.tracking`"""

    def timeline(self, project_id: str) -> list[dict[str, Any]]: ...


class RegionReads(Protocol):
    """`editor.region`"""

    def proposals(self, project_id: str) -> dict[str, dict[str, MaskAdjustment]]: ...


class PropagationReads(Protocol):
    """`editor.propagation`"""

    def windows(self, project_id: str, propagation_id: str) -> Sequence[tuple[int, int, bool]]: ...


class ResultReads(Protocol):
    """`editor.results`"""

    def report(self, project_id: str, propagation_id: str) -> dict[str, Any]: ...


class ExportReads(Protocol):
    """`editor.exports`"""

    def listed(self, project_id: str) -> Sequence[ExportedFile]: ...


class JobReads(Protocol):
    """`editor.jobs`"""

    def of_project(self, project_id: str) -> Sequence[JobStatus]: ...


class HistoryReads(Protocol):
    """`editor.history`"""

    def labels(self, project_id: str) -> tuple[str | None, str | None]: ...


class EditorReads(Protocol):
    """The editor, as far as the page reads it.

    Everything else is asked for by name: see `app.contract.program`.
    """

    @property
    def projects(self) -> ProjectReads: ...
    @property
    def clip(self) -> ClipReads: ...
    @property
    def estimates(self) -> EstimateReads: ...
    @property
    def tracking(self) -> TrackingReads: ...
    @property
    def region(self) -> RegionReads: ...
    @property
    def propagation(self) -> PropagationReads: ...
    @property
    def results(self) -> ResultReads: ...
    @property
    def exports(self) -> ExportReads: ...
    @property
    def jobs(self) -> JobReads: ...
    @property
    def history(self) -> HistoryReads: ...
