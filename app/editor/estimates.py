"""What the steps will take on this machine: time and memory, from earlier runs or from a short
trial.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.contract.values import Cost, Estimate, KiveCost, Painter, PresetChoice
from app.engine import Engine
from app.jobs.estimates import Estimates, Rate, Timing
from app.jobs.queue import JobQueue, TRIAL
from app.jobs.quick_look import draft_steps, half_size, settings_of
from app.jobs.trial import TrialJobs
from app.media.pictures import Pictures
from app.storage.workspace import Workspace
from core.errors import InputError
from core.geometry import FrameRange
from core.models.catalogue import MODELS, names
from core.models.model import ModelKind
from core.models.presets import draft_name, draft_of, split_draft
from core.project.edits import SamplingSettings, VIDEO_MODEL
from core.project.project import Project
from core.project.tries import with_accepted
from core.project.video import Clip
from core.propagation.pace import pace_of
from core.propagation.windows import segment_plans
from core.vivid.speed.steps import whole_steps

if TYPE_CHECKING:
    from core.vivid.contract import VideoEngine

CARRYING = 0.15
"""Seconds of a frame to which a keyframe's change is carried, before this was measured."""


class EstimateOperations:
    """Estimates before the work, and trials that make them possible."""

    def __init__(
        self, workspace: Workspace, engine: Engine, pictures: Pictures, queue: JobQueue, estimates: Estimates, trials: TrialJobs
    ) -> None:
        self._workspace = workspace
        self._engine = engine
        self._pictures = pictures
        self._queue = queue
        self._estimates = estimates
        self._trials = trials

    def costs(self, project_id: str) -> list[Cost]:
        """What tracking one object, a keyframe try and propagating will take on this machine."""
        frames, settings = self._workspace.project(project_id).clip.frames, self._engine.settings
        painter = settings.keyframe_model or settings.model
        kinds = (("track", settings.segmenter, frames), ("keyframe", painter, 1), ("propagate", settings.model, frames))
        return [_cost(kind, self._estimates.rate(kind, name), count) for kind, name, count in kinds]

    def painters(self) -> list[Painter]:
        """The models on this machine that can paint keyframes, the video model first, and what a
        try of each takes.
        """
        settings, store = self._engine.settings, self._engine.store
        own = settings.keyframe_model
        here = [name for name in names("image") if MODELS[name].runs and (name == own or store.available(name, "image"))]
        if own and own not in here:
            here.insert(0, own)

        def painter(name: str, title: str, model: str) -> Painter:
            kind: ModelKind = "video" if name == VIDEO_MODEL else "image"
            return Painter(name, title, name == (own or VIDEO_MODEL), self._seconds(model), self._presets(model, kind))

        titles = {name: MODELS[name].title if name in MODELS else Path(name).name for name in here}
        return [painter(VIDEO_MODEL, "the video model", settings.model), *(painter(name, titles[name], name) for name in here)]

    def _presets(self, model: str, kind: ModelKind) -> tuple[PresetChoice, ...]:
        """Final and Draft of a model; nothing where it has no Draft."""
        plain, drafted = split_draft(model)
        draft = draft_of(plain, kind, self._engine.store)
        if draft is None:
            return ()
        missing = draft.source is not None and not self._engine.store.available(draft.source, "lora")
        steps = self._engine.usual_steps(plain)
        return (
            PresetChoice("final", not drafted, steps, self._seconds(plain)),
            PresetChoice("draft", drafted, draft.steps, self._seconds(draft_name(plain)), draft.source if missing else None),
        )

    def _seconds(self, model: str) -> float | None:
        rate = self._estimates.rate("keyframe", model)
        return None if rate is None else rate.seconds

    def measure_machine(self, project_id: str) -> str:
        """Do a little of every step, so that `costs` can answer; returns the job's id.

        Nothing of it stays in the project.
        """
        return self._queue.submit(TRIAL, project_id, partial(self._trials.try_every_step, project_id))

    def propagation(
        self, project_id: str, settings: SamplingSettings | None = None, draft: bool = False, edit_id: str | None = None
    ) -> Estimate | None:
        """What propagating will take on this machine.

        Args:
            project_id: The project.
            settings: Steps, guidance and rate; the model's own where None.
            draft: Whether it is a draft: few steps at half the size.
            edit_id: A try, to estimate as if it were accepted; None for the accepted keyframes.

        Returns:
            The estimate; None while it is not known: `measure` finds it out.

        Raises:
            InputError: No keyframe is accepted.
        """
        project = self._workspace.project(project_id)
        project = project if edit_id is None else with_accepted(project, edit_id)
        if not project.accepted_keyframes:
            raise InputError("there is no keyframe to propagate: accept a try in Keyframe first")
        return self._forecast(project, settings or SamplingSettings(), draft)

    def kive(self, project_id: str, settings: SamplingSettings | None = None) -> KiveCost | None:
        """What tries and one propagation take beside as many edits without a keyframe, for what is
        accepted.

        Args:
            project_id: The project.
            settings: Steps and guidance; the model's own where None.

        Returns:
            The seconds; None while they are not known, or where no model carries the keyframe.
        """
        project = self._workspace.project(project_id)
        keyframes = project.accepted_keyframes
        painter = self._engine.settings.keyframe_model or self._engine.settings.model
        rate = self._estimates.rate("keyframe", painter)
        if rate is None or len(keyframes) != 1 or keyframes[0].insert is not None or keyframes[0].carried == "change":
            return None
        ways = [
            replace(project, edits=tuple(replace(edit, carried=how) if edit == keyframes[0] else edit for edit in project.edits))
            for how in ("picture", "direct")
        ]
        carried, direct = (self._forecast(way, settings or SamplingSettings(), draft=False) for way in ways)
        if carried is None or direct is None:
            return None
        measured = rate.measured and carried.measured and direct.measured
        return KiveCost(round(rate.seconds, 1), carried.seconds, direct.seconds, measured)

    def _forecast(self, project: Project, wanted: SamplingSettings, draft: bool) -> Estimate | None:
        from core.propagation.propagate import sampling_of

        keyframes = project.accepted_keyframes
        if all(edit.insert is not None for edit in keyframes):
            return self._carrying("insert", project.clip, len(keyframes))
        if all(edit.carried == "change" for edit in keyframes):
            return self._carrying("change", project.clip, len(keyframes))
        if self._engine.workers is not None and not self._engine.has(self._engine.named(wanted)):
            return None  # workers may be long in coming
        wanted = settings_of(wanted, keyframes[0])
        model = self._engine.of_size(self._engine.named(wanted))
        model = half_size(model) if draft else model
        sampling = sampling_of(model, keyframes[0], wanted)
        timing = self._timing(model, sampling.guidance > 1)
        if timing is None:
            return None
        runs = sampling.runs
        if draft and wanted.steps is None:
            runs = max(1, round(sampling.strength * draft_steps(sampling.steps)))
        span = FrameRange(project.clip.start, project.clip.stop)
        plans = [plan for group in project.keyframes_by_object for plan in segment_plans(group, span)]
        pace = pace_of(model.declared.rate, wanted.rate, self._pictures.frames.reader(project, project.base).timestamps)
        windows = sum(len(plan.windows(model.window_frames, lambda frame: False, pace)) for plan in plans)
        width, height = project.clip.info.size
        whole = whole_steps(runs, model.levers, sampling.guidance > 1)
        seconds = windows * (timing.window + whole * timing.step) + project.clip.frames * timing.render * width * height / 1e6
        shown = None if pace is None else float(pace.rate)
        return Estimate(round(seconds, 1), round(timing.memory_mb), windows, timing.measured, shown, model.declared.rate)

    def measure_propagation(self, project_id: str, draft: bool = False, edit_id: str | None = None) -> str:
        """Run a short trial of the video model, so that `forecast` can answer.

        Args:
            project_id: The project.
            draft: Whether to measure a draft.
            edit_id: A try whose task counts, as if it were accepted; None for the accepted
                keyframe.

        Returns:
            The job's id.
        """
        project = self._workspace.project(project_id)
        if edit_id is not None:
            project.edit(edit_id)
        return self._queue.submit(TRIAL, project_id, partial(self._trials.try_propagation, project_id, draft, edit_id))

    def _carrying(self, how: str, clip: Clip, keyframes: int) -> Estimate:
        """What keyframes take that are carried as changes, or are inserts: no model runs."""
        rate = self._estimates.rate("carry", how) or Rate(CARRYING * keyframes, 800, measured=False)
        return Estimate(round(rate.seconds * (clip.stop - clip.start), 1), round(rate.memory_mb), 0, rate.measured)

    def _timing(self, model: VideoEngine, guided: bool) -> Timing | None:
        """What is known of a model; else what follows from the same at its whole size, with
        or without guidance, or without what a Draft adds to the weights, which costs no time.
        """
        whole = self._engine.of_size(split_draft(model.name)[0])
        for name, one, twice in itertools.product((model.name, whole.name), (model, whole), (guided, not guided)):
            timing = self._estimates.timing(one, twice, self._engine.weights(name))
            if timing is None:
                continue
            smaller = one.working_size != model.working_size
            if name == model.name and not smaller and twice == guided:
                return timing
            # Steps of a quarter of the pixels; what goes with them is much the same.
            step = timing.step / (4 if smaller else 1) * (1 if twice == guided else 2 if guided else 0.5)
            return replace(timing, step=step, window=timing.window / (2 if smaller else 1), measured=False)
        return None


def _cost(step: str, rate: Rate | None, count: int) -> Cost:
    return Cost(step, None, None, False) if rate is None else Cost(step, rate.seconds * count, rate.memory_mb, rate.measured)
