"""Propagation: the accepted keyframes through the whole clip."""

from __future__ import annotations

from functools import partial

from app.editor.changes import check_masks
from app.jobs.clip_scan import ClipScanner
from app.jobs.propagation import PropagationJobs, PropagationRequest
from app.jobs.queue import JobQueue, resumable
from app.media.frames import ClipFrames
from app.storage.workspace import Workspace
from core.errors import InputError
from core.project import project as document
from core.project.edits import Carry, check_carry, check_seed, SamplingSettings
from core.project.mix import Mix


class PropagationOperations:
    """Runs of the video model."""

    def __init__(self, workspace: Workspace, frames: ClipFrames, queue: JobQueue, scanner: ClipScanner, jobs: PropagationJobs) -> None:
        self._workspace = workspace
        self._frames = frames
        self._queue = queue
        self._scanner = scanner
        self._jobs = jobs

    @resumable("start_propagation")
    def start(
        self,
        project_id: str,
        seed: int | None = None,
        settings: SamplingSettings | None = None,
        draft: bool = False,
        carry: Carry = "auto",
    ) -> str:
        """Propagate the accepted keyframes through the clip.

        Args:
            project_id: The project.
            seed: A whole number from 0; each keyframe's own when None.
            settings: Steps and guidance; the model's own where None.
            draft: Whether to take a quick look: few steps at half the size.
            carry: How keyframes are carried: as a change of the source, as a picture, or auto, by
                what each shows.

        Returns:
            The job's id; its result has the id of the `propagation`.

        Raises:
            InputError: No keyframe is accepted, or an object is not tracked through the clip.
        """
        project = self._workspace.project(project_id)
        groups = project.keyframes_by_object
        if not groups:
            raise InputError("there is no keyframe to propagate: accept a try in Keyframe first")
        for edit in project.accepted_keyframes:
            check_carry(carry, edit.task)
        if seed is not None:
            check_seed(seed)
        carried = {track.object_id for group in groups for track in document.for_objects(project, group[0].objects).edited_tracks}
        tracks = [track for track in project.edited_tracks if track.object_id in carried]
        untracked = [t.name for t in tracks if (t.prompts or t.confirmed) and not t.covers(*project.clip.frame_range)]
        if untracked:
            raise InputError(f"not all of the edit is tracked yet: in Select, track {', '.join(untracked)} through the clip first")
        if any(edit.insert is None for edit in project.accepted_keyframes):  # a picture of one's own needs no object
            check_masks(project)
        self._queue.cancel_trials(project_id)
        request = PropagationRequest(seed, settings or SamplingSettings(), draft, carry)
        job = self._scanner.with_hash(project_id, partial(self._jobs.start, project_id, request))
        return self._queue.submit("propagate", project_id, job)

    @resumable("resume_propagation")
    def resume(self, project_id: str, propagation_id: str) -> str:
        """Make what is missing of a propagation that was paused or interrupted; returns the job's
        id.
        """
        propagation = self._workspace.project(project_id).propagation(propagation_id)
        if propagation.result is not None:
            raise InputError("this propagation is finished, so there is nothing to resume: propagate again for another")
        if self._queue.unfinished(project_id, "propagate"):
            raise InputError("a propagation of this project is running or waiting already: wait for it, pause it or cancel it first")
        job = self._scanner.with_hash(project_id, partial(self._jobs.resume, project_id, propagation_id))
        return self._queue.submit("propagate", project_id, job)

    def start_mix(self, project_id: str, propagation_id: str, mix: Mix) -> str:
        """Lay a finished result over its clip in another way, as a result of its own.

        Args:
            project_id: The project.
            propagation_id: The result.
            mix: Its opacity, 0 to 1, and how its colours blend with those below.

        Returns:
            The job's id; its result has the id of the new `propagation`.

        Raises:
            InputError: There is no such result, or it is not finished.
        """
        if self._workspace.project(project_id).propagation(propagation_id).result is None:
            raise InputError("this propagation is not finished: resume it first")
        return self._queue.submit("mix", project_id, partial(self._jobs.mix, project_id, propagation_id, mix))

    def windows(self, project_id: str, propagation_id: str) -> list[tuple[int, int, bool]]:
        """The plan of a propagation: (start, stop, whether the window is made), in the order in
        which they are made.
        """
        project = self._workspace.project(project_id)
        parts = project.propagation(propagation_id).parts
        return [(window.start, window.stop, window.path.exists()) for part in parts for window in self._frames.plan(project, part)]
