"""What the steps will take on this machine: time and memory, from earlier runs or from a short
trial.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from app.contract.values import Cost, Estimate, KiveCost, Painter, PresetChoice
from app.engine import Engine
from app.jobs.estimates import Estimates, Rate
from app.jobs.forecast import Forecaster
from app.jobs.queue import JobQueue, TRIAL
from app.jobs.trial import TrialJobs
from app.storage.workspace import Workspace
from core.errors import InputError
from core.models.catalogue import MODELS, names
from core.models.model import ModelKind
from core.models.presets import draft_name, draft_of, split_draft
from core.project.edits import Carry, SamplingSettings, VIDEO_MODEL
from core.project.tries import with_accepted


class EstimateOperations:
    """Estimates before the work, and trials that make them possible."""

    def __init__(
        self,
        workspace: Workspace,
        engine: Engine,
        queue: JobQueue,
        estimates: Estimates,
        forecaster: Forecaster,
        trials: TrialJobs,
    ) -> None:
        self._workspace = workspace
        self._engine = engine
        self._queue = queue
        self._estimates = estimates
        self._forecaster = forecaster
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
        self,
        project_id: str,
        settings: SamplingSettings | None = None,
        draft: bool = False,
        edit_id: str | None = None,
        carry: Carry = "auto",
    ) -> Estimate | None:
        """What propagating will take on this machine.

        Args:
            project_id: The project.
            settings: Steps, guidance and rate; the model's own where None.
            draft: Whether it is a quick look: few steps at half the size.
            edit_id: A try, to estimate as if it were accepted; None for the accepted keyframes.
            carry: How keyframes are carried; auto stands for how each says.

        Returns:
            The estimate; None while it is not known: `measure` finds it out.

        Raises:
            InputError: No keyframe is accepted.
        """
        project = self._workspace.project(project_id)
        project = project if edit_id is None else with_accepted(project, edit_id)
        if not project.accepted_keyframes:
            raise InputError("there is no keyframe to propagate: accept a try in Keyframe first")
        wanted = settings or SamplingSettings()
        found = self._forecaster.of_project(project, wanted, draft, carry)
        if found is None:
            return None
        shown = None if found.shown is None else float(found.shown)
        trained = self._engine.of_size(self._engine.named(wanted)).declared.rate if found.windows else None
        return Estimate(round(found.seconds, 1), round(found.memory_mb), found.windows, found.measured, shown, trained)

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
        carried, direct = (self._forecaster.of_project(way, settings or SamplingSettings()) for way in ways)
        if carried is None or direct is None:
            return None
        measured = rate.measured and carried.measured and direct.measured
        return KiveCost(round(rate.seconds, 1), round(carried.seconds, 1), round(direct.seconds, 1), measured)

    def measure_propagation(self, project_id: str, draft: bool = False, edit_id: str | None = None) -> str:
        """Run a short trial of the video model, so that `forecast` can answer.

        Args:
            project_id: The project.
            draft: Whether to measure a quick look.
            edit_id: A try whose task counts, as if it were accepted; None for the accepted
                keyframe.

        Returns:
            The job's id.
        """
        project = self._workspace.project(project_id)
        if edit_id is not None:
            project.edit(edit_id)
        return self._queue.submit(TRIAL, project_id, partial(self._trials.try_propagation, project_id, draft, edit_id))


def _cost(step: str, rate: Rate | None, count: int) -> Cost:
    return Cost(step, None, None, False) if rate is None else Cost(step, rate.seconds * count, rate.memory_mb, rate.measured)
