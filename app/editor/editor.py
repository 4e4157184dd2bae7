"""The editor's verbs: everything a screen, the command line or a script can ask for. Ids in, values of the document out.

Every change is on disk before its verb returns. Long verbs return a job id at once; what the job finds out is saved when it has it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from pathlib import Path
from typing import Any

from app.editor.keyframes import KeyframeVerbs
from app.editor.masks import MaskVerbs
from app.editor.models import ModelVerbs
from app.editor.objects import ObjectVerbs
from app.editor.projects import VideoVerbs
from app.editor.prompts import MarkVerbs
from app.editor.propagation import PropagateVerbs
from app.editor.region import AdjustVerbs
from app.editor.tracking import TrackVerbs
from app.jobs.journal import arguments_of, AskedJob
from app.jobs.keyframes import Tries
from core.errors import InputError, StudioError
from core.progress import JobStatus
from core.project.edits import SamplingSettings
from core.project.project import Project

log = logging.getLogger(__name__)


class Editor(VideoVerbs, ObjectVerbs, MarkVerbs, TrackVerbs, MaskVerbs, AdjustVerbs, KeyframeVerbs, PropagateVerbs, ModelVerbs):
    """One per program. Safe to call from several threads.

    Undo, pictures and jobs are here; the verbs of each step are in the classes it derives from.
    """

    # Changes

    def undo(self, project_id: str) -> Project:
        """Take the last change back; nothing happens when there is none."""
        return self.workspace.undo(project_id)

    def redo(self, project_id: str) -> Project:
        """Do again what was taken back last."""
        return self.workspace.redo(project_id)

    def history(self, project_id: str) -> tuple[str | None, str | None]:
        """What undo and redo would take back or do again; None where there is nothing."""
        history = self.workspace.history(project_id)
        return (history.past[-1].label if history.past else None, history.future[-1].label if history.future else None)

    # Pictures

    def frame_jpeg(self, project_id: str, frame: int, max_width: int | None = None) -> bytes:
        """A frame as the next edit finds it: with the accepted results on it."""
        return self.pictures.frame_jpeg(self.project(project_id), frame, max_width)

    def overlay_png(self, project_id: str, frame: int, kind: str = "objects", max_width: int | None = None) -> bytes:
        """The masks of a frame as a picture to lay over it: `objects` in their colours, or the `region` that will be edited."""
        return self.pictures.overlay_png(self.project(project_id), frame, kind, max_width)

    def is_changing(self, project_id: str) -> bool:
        """Whether a running job is still filling the masks that overlays show."""
        return self.pictures.is_live(project_id)

    def timeline(self, project_id: str) -> list[dict[str, Any]]:
        """Per object: where it is present as [start, stop] runs, and the frames that were prompted."""
        return self.lanes.timeline(self.project(project_id))

    def source_path(self, project_id: str) -> Path:
        return Path(self.project(project_id).clip.source)

    # Jobs

    def job(self, job_id: str) -> JobStatus:
        return self.runner.status(job_id)

    def jobs(self, project_id: str) -> list[JobStatus]:
        """The project's jobs, the newest first; at the end those that a program before this one left unfinished (`interrupted`)."""
        jobs = self.runner.of_project(project_id)
        known = {job.job_id for job in jobs}
        left = [asked for asked in reversed(self.journal.of_project(project_id)) if asked.job_id not in known]
        if any(propagation.result is None for propagation in self.project(project_id).propagations):
            for asked in (asked for asked in left if asked.kind == "propagate"):  # the document itself has what there is to resume
                self.journal.forget(project_id, asked.job_id)
            left = [asked for asked in left if asked.kind != "propagate"]
        for asked in [asked for asked in left if asked.kind == "keyframe"]:
            with contextlib.suppress(InputError):  # asked of another version: resuming it says so
                if not self._missing(project_id, asked):  # stopped between its last try and its end
                    self.journal.forget(project_id, asked.job_id)
                    left.remove(asked)
        return [*jobs, *(asked.status(project_id) for asked in left)]

    def resume_job(self, project_id: str, job_id: str) -> str:
        """Ask again for what a job was to do that is interrupted, but not for the tries of it that are there; returns the new job's id."""
        asked = self._interrupted(project_id, job_id)
        verb = getattr(type(self), asked.verb)
        arguments = arguments_of(verb, asked)
        if asked.kind == "keyframe":
            arguments["seeds"] = self._missing(project_id, asked)
        again = verb(self, project_id, **arguments)
        self.journal.forget(project_id, job_id)
        return again

    def dismiss_job(self, project_id: str, job_id: str) -> None:
        """Forget a job that is interrupted."""
        self._interrupted(project_id, job_id)
        self.journal.forget(project_id, job_id)

    def cancel(self, job_id: str) -> None:
        """Give a job up. It ends within a step; what was finished stays, except of a propagation, which is forgotten."""
        self.runner.cancel(job_id)

    def _missing(self, project_id: str, asked: AskedJob) -> tuple[int, ...]:
        arguments = arguments_of(KeyframeVerbs.start_tries, asked)
        return self._missing_seeds(project_id, Tries(**{**arguments, "settings": arguments.get("settings") or SamplingSettings()}))

    def _interrupted(self, project_id: str, job_id: str) -> AskedJob:
        if any(job.job_id == job_id and job.state == "interrupted" for job in self.jobs(project_id)):
            return next(asked for asked in self.journal.of_project(project_id) if asked.job_id == job_id)
        raise InputError(f"no job {job_id} of this project is interrupted: it may have been resumed already; ask for the work anew")

    def warm_up(self) -> None:
        """Load the models in the background, so that the first click and the first try are as quick as the next."""

        def load() -> None:
            try:
                self.engine.segmenter()
                self.engine.video_model()
            except StudioError as error:  # whoever needs the model is told then
                log.warning("%s", error)

        threading.Thread(target=load, name="warm-up", daemon=True).start()

    def close(self) -> None:
        """Stop jobs and let go of open files."""
        self.examiner.stop()
        self.runner.shut_down()
        self.pictures.close()
