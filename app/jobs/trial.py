"""Trials: a little of every step, so that there is an estimate before the step itself has been run
on this machine.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

from app.engine import Engine
from app.jobs.estimates import Estimates
from app.jobs.quick_look import half_size
from app.jobs.timing import COMMON
from app.media.pictures import Pictures
from app.storage.workspace import Workspace
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.project.prompts import BoxPrompt
from core.project.tries import with_accepted
from core.vivid.speed.steps import whole_steps


class TrialJobs:
    """Runs on a job's thread; reports to the job's context and stops when it says so.

    Nothing of it stays in the project.
    """

    def __init__(self, workspace: Workspace, engine: Engine, pictures: Pictures, estimates: Estimates) -> None:
        self._workspace = workspace
        self._engine = engine
        self._pictures = pictures
        self._estimates = estimates

    def try_propagation(self, project_id: str, draft: bool, edit_id: str | None, context: JobContext) -> dict[str, Any]:
        """Measure a window of the video model.

        Args:
            project_id: The project.
            draft: Whether to measure a quick look, at half the size.
            edit_id: The try whose task counts, as if it were accepted; the accepted one's when
                None.
            context: Takes the progress, and stops the job.

        Returns:
            Nothing that a person needs.
        """
        from core.propagation.propagate import sampling_of

        if self._engine.workers is not None:  # what runs on workers take, runs on workers tell
            return {}
        project = self._workspace.project(project_id)
        carried = (project if edit_id is None else with_accepted(project, edit_id)).accepted_keyframes
        context.report("loading the model", 0, 1)
        model = self._engine.at_work(self._engine.of_size(self._engine.settings.model))
        model = half_size(model) if draft else model
        guided = sampling_of(model, carried[0] if carried else None, SamplingSettings()).guidance > 1
        self._estimates.try_out(model, guided, self._engine.weights(), context)
        return {}

    def try_every_step(self, project_id: str, context: JobContext) -> dict[str, Any]:
        """Track a box, paint a try and make a window, each on a few frames of the clip."""
        import numpy as np

        from core.propagation.pace import pace_of
        from core.propagation.propagate import sampling_of

        if self._engine.workers is not None:
            return {}
        project, device, settings = self._workspace.project(project_id), self._engine.device, self._engine.settings
        start, stop = project.clip.start, min(project.clip.stop, project.clip.start + 7)
        width, height = project.clip.info.size
        context.report("loading the models", 0, 4)
        self._engine.segmenter()
        painter = self._engine.at_work(self._engine.painter_for(SamplingSettings()))
        context.report("measuring", 1, 4)
        box = BoxPrompt(start, 1, width * 0.35, height * 0.35, width * 0.65, height * 0.65)
        stamps = []
        with closing(self._pictures.tracker(project).track({1: [box]}, start, stop, context)) as frames:  # type: ignore[type-var]
            for _ in frames:
                stamps.append(time.monotonic())
        if len(stamps) > 1:
            self._estimates.learn_rate("track", settings.segmenter, (stamps[-1] - stamps[0]) / (len(stamps) - 1), device, False)
        context.report("measuring", 2, 4)
        mask = np.zeros((height, width), np.bool_)
        mask[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = True
        sampling_settings, started = SamplingSettings(), time.monotonic()
        prepared = self._pictures.keyframe_studio(painter).prepare(self._pictures.frames.frame(project, start), mask, 4)
        for _ in prepared.tries("delete", "", (0,), sampling_settings, context):
            self._estimates.learn_rate("keyframe", settings.keyframe_model or settings.model, time.monotonic() - started, device, False)
        context.report("measuring", 3, 4)
        model = self._engine.at_work(self._engine.of_size(self._engine.settings.model))
        sampling = sampling_of(model, None, sampling_settings)
        pixels = width * height / 1e6
        timing = self._estimates.try_out(model, sampling.guidance > 1, self._engine.weights(), context).at(COMMON)
        whole = whole_steps(sampling.runs, model.levers, sampling.guidance > 1)
        pace = pace_of(model.declared.rate, None, self._pictures.frames.reader(project).timestamps)
        ahead = model.window_frames - 1 if pace is None else pace.covers(model.window_frames)
        frame = timing.frame + whole * timing.step / ahead + timing.render * pixels
        self._estimates.learn_rate("propagate", settings.model, frame, device, False)
        return {}
