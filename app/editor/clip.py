"""The clip of a project: the part to work on, what the scan finds, frames, and times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.contract.values import ClipScan
from app.jobs.clip_scan import ClipScanner
from app.media.frames import ClipFrames
from app.storage.scene_cuts import SceneCuts
from app.storage.workspace import Workspace
from core.project import project as document
from core.project.project import Project


class ClipOperations:
    """The video that a project edits."""

    def __init__(self, workspace: Workspace, frames: ClipFrames, cuts: SceneCuts, scanner: ClipScanner) -> None:
        self._workspace = workspace
        self._frames = frames
        self._cuts = cuts
        self._scanner = scanner

    def trim(self, project_id: str, start: int, stop: int) -> Project:
        """Work on a part of the clip only.

        Args:
            project_id: The project.
            start: The first frame to work on.
            stop: The first frame after those.

        Returns:
            The changed project.

        Raises:
            InputError: The clip has no such part.
        """
        return self._workspace.change(project_id, "Trim", lambda p: document.trimmed(p, start, stop))

    def deinterlace(self, project_id: str, on: bool = True) -> Project:
        """Make whole frames of an interlaced clip, or keep its fields.

        Args:
            project_id: The project.
            on: False to keep the fields, as at first.

        Returns:
            The changed project; what was made of the frames is stale.

        Raises:
            InputError: The clip is not interlaced.
        """

        def change(project: Project) -> Project:
            clip = project.clip.deinterlaced(on)
            return project if clip == project.clip else document.with_stale_edits(replace(project, clip=clip))

        return self._workspace.change(project_id, "Deinterlace" if on else "Keep fields", change)

    def scan(self, project_id: str) -> ClipScan:
        """What the scan in the background has found by now; it is started where it has not been."""
        project = self._workspace.project(project_id)
        self._scanner.start(project)
        return self._scanner.found(project)

    def scene_cuts(self, project_id: str) -> tuple[int, ...]:
        """First frames of the clip's shots but the first, as far as they have been looked for;
        tracking looks for them.
        """
        return self._cuts.known(self._workspace.project(project_id))

    def timestamps(self, project_id: str) -> list[float]:
        """Seconds at which every frame of the clip is shown, from its first."""
        return [round(float(stamp), 6) for stamp in self._frames.source(self._workspace.project(project_id)).timestamps]

    def entry_points(self, project_id: str) -> list[int]:
        """The frames that can be decoded at once, in order; any other is decoded from the one of
        these before it.
        """
        return list(self._frames.source(self._workspace.project(project_id)).entry_points)

    def source_path(self, project_id: str) -> Path:
        """Where the video lies."""
        return Path(self._workspace.project(project_id).clip.source)

    def frame_jpeg(self, project_id: str, frame: int, max_width: int | None = None) -> bytes:
        """A frame as the next edit finds it, with the accepted results on it.

        Args:
            project_id: The project.
            frame: Its number.
            max_width: Pixels that the picture may be wide; the frame's own width when None.

        Returns:
            A JPEG.

        Raises:
            InputError: The clip has no such frame.
        """
        return self._frames.frame_jpeg(self._workspace.project(project_id), frame, max_width)

    def source_jpeg(self, project_id: str, frame: int, max_width: int | None = None) -> bytes:
        """A frame as the file has it, without any accepted result.

        Args:
            project_id: The project.
            frame: Its number.
            max_width: As for `frame_jpeg`.

        Returns:
            A JPEG.

        Raises:
            InputError: The clip has no such frame.
        """
        project = self._workspace.project(project_id)
        project.clip.info.check_frame(frame)
        return self._frames.source_jpeg(project, frame, max_width)
