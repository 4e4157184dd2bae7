"""The verbs of the Propagate step: the accepted keyframes carried through the clip, and the stack of what was accepted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

from app.editor.base import VerbBase
from app.jobs.estimates import Forecast
from app.jobs.journal import resumable
from app.jobs.propagation import half_size, PropagateWork, PropagationOrder
from app.render.export import export_formats, ExportFormat, format_of
from app.settings import Settings
from core.errors import InputError
from core.progress import JobContext, PAUSED
from core.project import project as document
from core.project.edits import check_seed, Layer, SamplingSettings
from core.project.project import Project


class PropagateVerbs(VerbBase):
    """The edited video."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._propagating = PropagateWork(self.workspace, self.engine, self.pictures, self._work, self.forecasts)

    # Keyframes

    def add_keyframe(self, project_id: str, edit_id: str) -> Project:
        """Let the edit start anew from this try's frame on: windows before it stay as they are."""
        return self.workspace.change(project_id, "Add keyframe", lambda p: document.with_keyframe(p, edit_id))

    def remove_keyframe(self, project_id: str, edit_id: str) -> Project:
        """Carry one keyframe less."""
        return self.workspace.change(project_id, "Remove keyframe", lambda p: document.without_keyframe(p, edit_id))

    # Running

    @resumable
    def start_propagation(
        self, project_id: str, seed: int | None = None, settings: SamplingSettings | None = None, draft: bool = False
    ) -> str:
        """Carry the accepted keyframes through the clip; returns the job's id. A draft is quick: few steps at half the size."""
        project = self.project(project_id)
        if project.accepted_edit is None:
            raise InputError("there is no keyframe to carry: accept a try in Keyframe first")
        if seed is not None:
            check_seed(seed)
        span = (project.clip.start, project.clip.stop)
        untracked = [t.name for t in project.edited_tracks if (t.prompts or t.confirmed) and not t.covers(*span)]
        if untracked:
            raise InputError(f"not all of the edit is tracked yet: in Select, track {', '.join(untracked)} through the clip first")
        self._need_masks(project)
        for job in self.runner.of_project(project_id):
            if job.kind == "measure" and not job.finished:  # the run itself tells more than the trial would
                self.runner.cancel(job.job_id)
        order = PropagationOrder(seed, settings or SamplingSettings(), draft)
        work = self._identified(project_id, partial(self._propagating.start, project_id, order))
        return self._submit("propagate", project_id, work)

    def _identified(self, project_id: str, work: Callable[[JobContext], dict[str, Any]]) -> Callable[[JobContext], dict[str, Any]]:
        """The work, once it is known what the clip's content is: results are named by it."""

        def identified(context: JobContext) -> dict[str, Any]:
            context.report("reading the clip", 0, 1)
            self.examiner.identified(project_id)
            return work(context)

        return identified

    @resumable
    def resume_propagation(self, project_id: str, propagation_id: str) -> str:
        """Make what is missing of a propagation that was paused or cut off; returns the job's id."""
        propagation = self.project(project_id).propagation(propagation_id)
        if propagation.result is not None:
            raise InputError("this propagation is finished, so there is nothing to resume: propagate again for another")
        if any(job.kind == "propagate" and not job.finished for job in self.runner.of_project(project_id)):
            raise InputError("a propagation of this project is running or waiting already: wait for it, pause it or cancel it first")
        work = self._identified(project_id, partial(self._propagating.resume, project_id, propagation_id))
        return self._submit("propagate", project_id, work)

    def pause(self, job_id: str) -> None:
        """Stop a propagation so that it can be resumed: finished windows stay, the one in the making begins again then."""
        self.runner.cancel(job_id, PAUSED)

    def windows(self, project_id: str, propagation_id: str) -> list[tuple[int, int, bool]]:
        """The plan of a propagation: (start, stop, whether the window is there), in the order in which they are made."""
        project = self.project(project_id)
        plan = self.pictures.plan(project, project.propagation(propagation_id))
        return [(window.start, window.stop, window.path.exists()) for window in plan]

    def forecast(
        self, project_id: str, settings: SamplingSettings | None = None, draft: bool = False, edit_id: str | None = None
    ) -> Forecast | None:
        """What propagating will take on this machine, as if the try `edit_id` were accepted where one is given.

        None while that is not known: `measure` finds it out.
        """
        from core.propagation.schedule import sampling_of

        project = self.project(project_id)
        carried = (project if edit_id is None else document.with_accepted(project, edit_id)).carried
        if not carried:
            raise InputError("there is no keyframe to carry: accept a try in Keyframe first")
        model = self.engine.video_model()
        model = half_size(model) if draft else model
        wanted = settings or SamplingSettings()
        sampling = sampling_of(model, carried[0].task, wanted)
        guided, weights = sampling.guidance > 1, self.engine.weights()
        timing = self.forecasts.timing(model, guided, weights)
        if timing is None and draft:  # what a quarter of the pixels of a window at full size would take
            whole = self.forecasts.timing(self.engine.video_model(), guided, weights)
            timing = None if whole is None else replace(whole, step=whole.step / 4, window=whole.window / 4, measured=False)
        if timing is None:
            return None
        runs = sampling.runs
        if draft and wanted.steps is None:
            from app.jobs.propagation import DRAFT_SHARE

            runs = max(1, round(sampling.strength * max(2, round(sampling.steps * DRAFT_SHARE))))
        reach = model.window_frames - 1
        starts = [carried[0].frame, *(edit.frame for edit in carried[1:]), project.clip.stop]
        stretches = [b - a for a, b in pairwise(starts)]
        stretches[-1] -= 1
        windows = sum(-(-length // reach) for length in (*stretches, carried[0].frame - project.clip.start))
        width, height = project.clip.info.size
        seconds = windows * (timing.window + runs * timing.step) + project.clip.frames * timing.render * width * height / 1e6
        return Forecast(round(seconds, 1), round(timing.memory_mb), windows, timing.measured)

    def measure(self, project_id: str, draft: bool = False, edit_id: str | None = None) -> str:
        """Run a short trial of the video model, so that `forecast` can answer; returns the job's id."""
        project = self.project(project_id)
        carried = (project if edit_id is None else document.with_accepted(project, edit_id)).carried
        task = carried[0].task if carried else "modify"

        def work(context: JobContext) -> dict[str, Any]:
            from core.propagation.schedule import sampling_of

            context.report("loading the model", 0, 1)
            model = self.engine.video_model()
            model = half_size(model) if draft else model
            guided = sampling_of(model, task, SamplingSettings()).guidance > 1
            self.forecasts.try_out(model, guided, self.engine.weights(), context)
            return {}

        return self._submit("measure", project_id, work)

    # Results

    def report(self, project_id: str, propagation_id: str) -> dict[str, Any]:
        """The measurements of a finished propagation."""
        for propagation in self.project(project_id).propagations:
            if propagation.propagation_id == propagation_id and propagation.report:
                try:
                    return json.loads(self.file_path(project_id, propagation.report).read_text(encoding="utf-8"))
                except (OSError, ValueError):
                    raise InputError(f"the report of the propagation {propagation_id} is damaged; propagate again for a new one") from None
        raise InputError(f"there is no finished propagation {propagation_id}: propagate, or resume the one that was stopped")

    def result_jpeg(self, project_id: str, propagation_id: str, frame: int, max_width: int | None = None) -> tuple[bytes, bool]:
        """A frame as the propagation leaves it so far, and whether that is final."""
        project = self.project(project_id)
        propagation = project.propagation(propagation_id)
        project.clip.info.check_frame(frame)
        return self.pictures.result_jpeg(project, propagation, frame, max_width)

    def below_jpeg(self, project_id: str, propagation_id: str, frame: int, max_width: int | None = None) -> bytes:
        """A frame as it was before the propagation: the source with the results that it stands on."""
        project = self.project(project_id)
        return self.pictures.below_jpeg(project, project.propagation(propagation_id).base, frame, max_width)

    def result_region_png(self, project_id: str, propagation_id: str, frame: int, max_width: int | None = None) -> bytes:
        """The region that a propagation edited, on one frame, as an overlay."""
        project = self.project(project_id)
        return self.pictures.result_region_png(project, project.propagation(propagation_id), frame, max_width)

    def timestamps(self, project_id: str) -> list[float]:
        """Seconds at which every frame of the clip is shown, from its first."""
        return [round(float(stamp), 6) for stamp in self.pictures.source(self.project(project_id)).timestamps]

    def entry_points(self, project_id: str) -> list[int]:
        """The frames that come at once, in order; any other is decoded from the one of these before it."""
        return list(self.pictures.source(self.project(project_id)).entry_points)

    def source_jpeg(self, project_id: str, frame: int, max_width: int | None = None) -> bytes:
        """A frame as the file has it, without any accepted result."""
        project = self.project(project_id)
        project.clip.info.check_frame(frame)
        return self.pictures.source_jpeg(project, frame, max_width)

    # Export

    def export_formats(self) -> tuple[ExportFormat, ...]:
        """What a result can be written as on this machine."""
        return export_formats()

    @resumable
    def start_export(self, project_id: str, codec: str = "h264", propagation_id: str | None = None) -> str:
        """Write a finished propagation with all below it, or (None) the accepted results, and a recipe beside; returns the job's id.

        The job's result names `file` and `recipe`, relative to the project.
        """
        project = self.project(project_id)
        format_of(codec)
        if propagation_id is None and not project.base:
            raise InputError("there is no accepted result to export yet: propagate, then accept the result")
        if propagation_id is not None and project.propagation(propagation_id).result is None:
            raise InputError("this propagation is not finished: resume it first")
        work = self._identified(project_id, partial(self._propagating.export, project_id, codec, propagation_id))
        return self._submit("export", project_id, work)

    def exports(self, project_id: str) -> list[tuple[str, int]]:
        """The files that were exported and their size in bytes, the newest first; recipes are among them."""
        return self._propagating.exports(project_id)

    # The stack

    def accept_result(self, project_id: str, propagation_id: str) -> Project:
        """Make the result what the next edit starts from, which begins with an empty selection. Can be undone."""
        return self.workspace.change(project_id, "Accept result", lambda p: document.with_layer(p, propagation_id))

    def set_layers(self, project_id: str, layers: tuple[Layer, ...]) -> Project:
        """Reorder the accepted results, switch them on or off, or leave some out."""
        return self.workspace.change(project_id, "Change the stack", lambda p: document.with_layers(p, layers))
