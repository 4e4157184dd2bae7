"""Objects through time: tracking them, what a person confirms on the way, and their timelines."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

from app.editor.changes import change_track, with_frame, with_mask
from app.engine import Engine
from app.jobs.queue import JobQueue, resumable
from app.jobs.runner import Job
from app.jobs.timeline import ObjectTimelines
from app.jobs.tracking import check_request, TrackingJob, TrackRequest
from app.storage.masks import MaskStore
from app.storage.workspace import Workspace
from core.project.project import Project
from core.project.tracks import Direction, MaskTrack


class TrackingOperations:
    """Where the objects go."""

    def __init__(
        self,
        workspace: Workspace,
        engine: Engine,
        masks: MaskStore,
        queue: JobQueue,
        tracking: TrackingJob,
        timelines: ObjectTimelines,
    ) -> None:
        self._workspace = workspace
        self._engine = engine
        self._masks = masks
        self._queue = queue
        self._tracking = tracking
        self._timelines = timelines

    @resumable("start_tracking")
    def start(
        self,
        project_id: str,
        direction: Direction = "both",
        object_id: int | None = None,
        frame: int | None = None,
        span: tuple[int, int] | None = None,
    ) -> str:
        """Track every object that has prompts through the clip, shot by shot.

        Stopping keeps the frames that were reached.

        With `frame`, one object is tracked from its mask there, as far as the shot goes; other
        frames stay as they are. A shot without a prompt of the object is left out.

        Args:
            project_id: The project.
            direction: From the prompts `forward`, `backward` or `both` ways.
            object_id: One object only.
            frame: Where to start; needs `object_id`.
            span: Where to stop: the frames start:stop around `frame` that are tracked; the whole
                shot when None.

        Returns:
            The job's id; its result has `waiting`, the first frames of shots that need a prompt,
            and `missed`, the names of objects that were found on no frame.

        Raises:
            InputError: There is nothing to track.
        """
        request = TrackRequest(direction, object_id, frame, span)
        project = self._workspace.project(project_id)
        check_request(project, request, self._masks)
        job: Job = partial(self._tracking.track, project_id, request)
        if len(project.tracks) == 1:  # the estimate is for one object
            job = self._queue.timed("track", self._engine.settings.segmenter, job, lambda result: result["frames"])
        return self._queue.submit("track", project_id, job)

    def confirm(self, project_id: str, object_id: int, frame: int, sure: bool = True) -> Project:
        """Confirm an object's mask on a frame, or take that back.

        An empty mask says that the object is not there.

        Tracking never overwrites a confirmed frame, and starts from it as from a prompt.

        Args:
            project_id: The project.
            object_id: The object.
            frame: The frame.
            sure: False to take it back.

        Returns:
            The changed project.

        Raises:
            InputError: There is no such object or frame.
        """

        def change(track: MaskTrack) -> MaskTrack:
            frames = with_frame(track.confirmed, frame) if sure else tuple(f for f in track.confirmed if f != frame)
            return dataclasses.replace(track, confirmed=frames)

        self._workspace.project(project_id).clip.info.check_frame(frame)
        label = "Confirm frame" if sure else "Take confirmation back"
        return change_track(self._workspace, project_id, object_id, label, change)

    def mark_absent(self, project_id: str, object_id: int, frame: int) -> Project:
        """Say that an object is not on a frame: an empty mask, confirmed.

        Its prompts on the frame go.

        Args:
            project_id: The project.
            object_id: The object.
            frame: The frame.

        Returns:
            The changed project.

        Raises:
            InputError: There is no such object or frame.
        """

        def change(project: Project) -> Project:
            import numpy as np

            track = project.track(object_id)
            width, height = project.clip.info.size
            others = tuple(p for p in track.prompts if p.frame != frame)
            changed = dataclasses.replace(track, prompts=others, confirmed=with_frame(track.confirmed, frame))
            return with_mask(self._masks, project, changed, frame, np.zeros((height, width), np.bool_))

        self._workspace.project(project_id).clip.info.check_frame(frame)
        return self._workspace.change(project_id, "Not on this frame", change)

    def timeline(self, project_id: str) -> list[dict[str, Any]]:
        """Of each object: where it is present as [start, stop] runs, the frames with prompts, and
        the frames to check.
        """
        return self._timelines.timeline(self._workspace.project(project_id))
