"""The verbs of the Select step that go through time: tracking, and what a person vouches for on its way."""

from __future__ import annotations

import dataclasses
from functools import partial

from app.editor.base import VerbBase, with_frame
from app.jobs.journal import resumable
from app.jobs.tracking import check_request, TrackRequest
from core.project.project import Project
from core.project.tracks import Direction, MaskTrack


class TrackVerbs(VerbBase):
    """Where the objects go."""

    @resumable
    def start_tracking(self, project_id: str, direction: Direction = "both", object_id: int | None = None, frame: int | None = None) -> str:
        """Follow every marked object through the clip, shot by shot; returns the job's id. Stopping keeps the frames that were reached.

        With `frame`, follow one object from its mask there, as far as the shot goes; the other frames stay as they are. A shot in which
        nobody has marked the object is not entered; the job's result lists the first frames of such shots as `waiting`.
        """
        request = TrackRequest(direction, object_id, frame)
        check_request(self.project(project_id), request, self.pictures)
        work = partial(self._track_work.track, project_id, request)
        if len(self.project(project_id).tracks) == 1:  # what is forecast is one object
            return self._submit("track", project_id, self._timed("track", self.settings.segmenter, work, lambda result: result["frames"]))
        return self._submit("track", project_id, work)

    def confirm(self, project_id: str, object_id: int, frame: int, sure: bool = True) -> Project:
        """Vouch for an object's mask on a frame (an empty one says that the object is not there), or take that back.

        Tracking never overwrites a confirmed frame, and takes it for what a person said.
        """

        def change(track: MaskTrack) -> MaskTrack:
            frames = with_frame(track.confirmed, frame) if sure else tuple(f for f in track.confirmed if f != frame)
            return dataclasses.replace(track, confirmed=frames)

        self._check_frame(project_id, frame)
        return self._change_track(project_id, object_id, "Confirm frame" if sure else "Take confirmation back", change)

    def mark_absent(self, project_id: str, object_id: int, frame: int) -> Project:
        """Say that the object is not to be seen on this frame: an empty mask, confirmed. Its other marks on the frame go."""

        def change(project: Project) -> Project:
            import numpy as np

            track = project.track(object_id)
            width, height = project.clip.info.size
            others = tuple(p for p in track.prompts if p.frame != frame)
            changed = dataclasses.replace(track, prompts=others, confirmed=with_frame(track.confirmed, frame))
            return self._with_answer(project, changed, frame, np.zeros((height, width), np.bool_))

        self._check_frame(project_id, frame)
        return self.workspace.change(project_id, "Not on this frame", change)

    def cuts(self, project_id: str) -> tuple[int, ...]:
        """First frames of the clip's shots but the first, as far as they have been looked for; tracking looks for them."""
        return self.pictures.cuts.known(self.project(project_id))
