"""The propagation job: takes the accepted keyframes through the clip window by window, and resumes
where it was stopped.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.engine import Engine
from app.jobs.estimates import Estimates
from app.jobs.forecast import Forecast, Forecaster
from app.jobs.inserts import InsertBuilder, StoredInsert
from app.jobs.quick_look import half_size, quick_steps, settings_of
from app.jobs.region import RegionBuilder, same_masks
from app.media.frames import WINDOWS
from app.media.pictures import Pictures
from app.render.edit import Below, EditPlan, MadeEdit, make_windows, plan, RenderRequest, Stopwatch, write_edited_video
from app.render.export import rehearse_clip
from app.render.recipe import asked_for
from app.storage.workspace import new_id, now, Workspace
from core.errors import Cancelled, InputError
from core.files import write_text
from core.geometry import FrameRange
from core.progress import JobContext, PAUSED
from core.project import project as document
from core.project.edits import Carried, Carry, EVERY_FRAME, KeyframeEdit, PropagatedKeyframe, Propagation, SamplingSettings
from core.project.mix import Mix
from core.project.plain import parse_json
from core.project.project import Project

if TYPE_CHECKING:
    from core.masks import MaskSequence
    from core.vivid.contract import VideoEngine


@dataclass(frozen=True)
class PropagationRequest:
    """What was asked for besides the keyframes. Without a `seed` each keyframe's own is used;
    `carry` says how they are carried.
    """

    seed: int | None
    settings: SamplingSettings
    draft: bool = False
    carry: Carry = "auto"


class PropagationJobs:
    """Propagates keyframes.

    Runs on a job's thread; reports to the job's context and stops when it says so.
    """

    def __init__(
        self,
        workspace: Workspace,
        engine: Engine,
        pictures: Pictures,
        regions: RegionBuilder,
        inserts: InsertBuilder,
        estimates: Estimates,
        forecaster: Forecaster,
    ) -> None:
        self._workspace = workspace
        self._engine = engine
        self._pictures = pictures
        self._regions = regions
        self._inserts = inserts
        self._estimates = estimates
        self._forecaster = forecaster

    def start(self, project_id: str, request: PropagationRequest, context: JobContext) -> dict[str, Any]:
        """Propagate the accepted keyframes through the clip.

        The propagation is in the project from the beginning, so that it can be resumed.

        Args:
            project_id: The project.
            request: What was asked for.
            context: Takes the progress, and stops the job.

        Returns:
            `propagation`: its id.

        Raises:
            InputError: No keyframe is accepted.
            Cancelled: The context stopped the job. Unless it was paused, the propagation is
                forgotten.
        """
        project = self._workspace.project(project_id)
        if not project.keyframes_by_object:
            raise InputError("there is no keyframe to propagate: accept a try in Keyframe first")
        self._rehearse(project, project.base, (project.clip.start, project.clip.stop), context)
        context.report("loading the model", 0, 1)
        _expect(context, [self._forecaster.of_project(project, request.settings, request.draft, request.carry)])
        model = self._engine.of_size(self._engine.named(request.settings), context)
        *under, top = (self._part(project, request, keyframes, model, context) for keyframes in project.keyframes_by_object)
        return self._propagate(project, dataclasses.replace(top, under=tuple(under)), context)

    def _part(
        self, project: Project, request: PropagationRequest, carried: tuple[KeyframeEdit, ...], model: VideoEngine, context: JobContext
    ) -> Propagation:
        """What is asked for of the keyframes of some objects, or of all."""
        alone = document.for_objects(project, carried[0].objects)
        from core.propagation.propagate import sampling_of

        asked = asked_for(alone, self._engine.settings.segmenter, self._engine.weights(model.name))
        task = "delete" if all(edit.task == "delete" for edit in carried) else "modify"
        inserts: tuple[StoredInsert | None, ...] = (None,) * len(carried)
        if any(edit.insert is not None for edit in carried):
            region, inserts = self._inserts.carried(project, carried, context)
        else:
            region = self._regions.build_for(task, project.project_id, context, carried[0].objects)
        first, span = carried[0], (project.clip.start, project.clip.stop)
        if first.direct:  # begins where the region does by now
            from core.propagation.direct import direct_start

            carried = (dataclasses.replace(first, frame=direct_start(region.masks, FrameRange(*span))),)
        seeds = [edit.seed if request.seed is None else request.seed for edit in carried]
        keyframes = tuple(
            PropagatedKeyframe(
                edit.edit_id,
                edit.frame,
                edit.image,
                edit.task,
                edit.caption,
                seed,
                self._carried(project, edit, region.masks, request.carry),
                edit.insert,
                None if stored is None else stored.path,
                None if stored is None else stored.front,
            )
            for edit, seed, stored in zip(carried, seeds, inserts, strict=True)
        )
        settings = settings_of(dataclasses.replace(request.settings, preset=self._engine.preset_of(request.settings)), first)
        if request.draft and settings.steps is None:
            settings = dataclasses.replace(settings, steps=quick_steps(sampling_of(model, first, settings).steps))
        return Propagation(
            propagation_id=new_id()[:12],
            edit_id=keyframes[0].edit_id,
            region=region.file,
            seed=keyframes[0].seed,
            settings=model.with_rate(settings),
            model=model.name,
            span=span,
            feather=region.feather.pixels,
            feathers=region.feathers,
            keyframes=keyframes,
            base=project.base,
            draft=request.draft,
            asked=self._workspace.add_file(project.project_id, asked, ".json"),
            objects=carried[0].objects,
            front=self._front(project),
            in_front=tuple(track.object_id for track in project.front_tracks),
            things=self._things(alone, keyframes),
        )

    def _things(self, alone: Project, keyframes: tuple[PropagatedKeyframe, ...]) -> str | None:
        """The stored masks of what is edited itself, where keyframes go along its motion."""
        if not any(keyframe.follows_thing for keyframe in keyframes):
            return None
        return self._pictures.masks.store(alone.project_id, self._pictures.masks.own_masks(alone))

    def _front(self, project: Project) -> str | None:
        """The stored masks of what stays in front of the edit, all objects as one."""
        from core.background.affected import united

        masks = self._pictures.masks
        whole = [masks.whole(project, track) for track in project.front_tracks]
        return masks.store(project.project_id, united(masks.over_clip(project, None), *whole)) if whole else None

    def resume(self, project_id: str, propagation_id: str, context: JobContext) -> dict[str, Any]:
        """Make the windows that are missing, and the result, as they were asked for at the start.

        Args:
            project_id: The project.
            propagation_id: The propagation that was stopped.
            context: Takes the progress, and stops the job.

        Returns:
            `propagation`: its id.

        Raises:
            Cancelled: As for `start`.
        """
        project = self._workspace.project(project_id)
        propagation = project.propagation(propagation_id)
        self._rehearse(project, propagation.base, propagation.span, context)
        context.report("loading the model", 0, 1)
        return self._propagate(project, propagation, context)

    def mix(self, project_id: str, propagation_id: str, mix: Mix, context: JobContext) -> dict[str, Any]:
        """Lay a finished result over its clip in another way, as a result of its own. No model
        runs.

        Args:
            project_id: The project.
            propagation_id: The result.
            mix: How it lies over what is below.
            context: Takes the progress, and stops the job.

        Returns:
            `propagation`: the id of the other result; of one that is there already, its own.

        Raises:
            InputError: The result is not finished.
            Cancelled: The context stopped the job.
        """
        from app.render.windows import render_windows

        project = self._workspace.project(project_id)
        made = project.propagation(propagation_id)
        if made.result is None or made.report is None:
            raise InputError("this propagation is not finished: resume it first")
        for other in project.propagations:
            if other.mix == mix and other.result and [part.plan for part in other.parts] == [part.plan for part in made.parts]:
                return {"propagation": other.propagation_id}
        new = new_id()[:12]
        under = tuple(dataclasses.replace(part, mix=mix) for part in made.under)
        wanted = dataclasses.replace(made, propagation_id=new, name="", mix=mix, under=under)
        folder = self._workspace.folder(project_id) / "results" / new
        *below, top = (
            MadeEdit(request=self._request(project, part, ""), windows=list(self._pictures.frames.plan(project, part)))
            for part in wanted.parts
        )
        base = self._pictures.frames.reader(project, wanted.base)
        if below:
            top = dataclasses.replace(top, below=Below(base, tuple(below)))
        stopwatch = Stopwatch()
        with stopwatch("render"):
            written = render_windows(top, base, folder, context)
        known = parse_json(self._workspace.file(project_id, made.report).read_text(encoding="utf-8"))
        report = {**known, **written.report(), "mix": dataclasses.asdict(mix), "seconds": stopwatch.seconds, "windows_made": 0}
        write_text(folder / "report.json", json.dumps(report, indent=1))
        files = f"results/{new}"
        finished = dataclasses.replace(wanted, result=f"{files}/output.mp4", report=f"{files}/report.json", made=now())
        self._workspace.change(project_id, "Opacity and blend", lambda p: document.with_propagation(p, finished))
        return {"propagation": new}

    def _rehearse(self, project: Project, base: str, span: tuple[int, int], context: JobContext) -> None:
        """Raise InputError for a result that could not be written, before anything slow."""
        rehearse_clip(self._pictures.frames.reader(project, base), span, Path(project.clip.source), "h264", context)

    def _propagate(self, project: Project, propagation: Propagation, context: JobContext) -> dict[str, Any]:
        project_id, propagation_id = project.project_id, propagation.propagation_id
        folder = self._workspace.folder(project_id)
        if not self._engine.has(propagation.model):
            self._pictures.forget_studio()
        model = self._engine.at_work(self._engine.video_model(propagation.model, context))
        if propagation.draft:
            model = half_size(model)
        propagation, plans = self._planned(project, propagation, model, folder / WINDOWS)
        self._enter(project, propagation)
        missing = {window.key for planned in plans for window in planned.windows if not window.path.exists()}
        settings = [part.settings for part in propagation.parts]
        clocks = [self._forecaster.clock(one, own, missing, context) for one, own in zip(plans, settings, strict=True)]
        expected = [self._forecaster.of_plan(one, own, missing) for one, own in zip(plans, settings, strict=True)]
        *below, top = plans
        clock, stopwatch, frames = clocks[-1], Stopwatch(), self._pictures.frames
        under = Below(frames.reader(project, propagation.base), tuple(below))
        try:
            for number, planned in enumerate(below):
                part = dataclasses.replace(propagation.under[number], under=propagation.under[:number])
                _expect(context, expected[number:])
                make_windows(planned, frames.ground(project, part), clocks[number])
            _expect(context, expected[-1:])
            report = write_edited_video(
                dataclasses.replace(top, below=under) if below else top,
                frames.ground(project, propagation),
                folder / "results" / propagation_id,
                clock,
                stopwatch=stopwatch,
            )
        except Cancelled as stop:
            self._estimates.learn_stopped(clock)
            if str(stop) != PAUSED:
                self._workspace.amend(project_id, lambda p: document.without_propagation(p, propagation_id))
            raise
        self._estimates.learn(clock, stopwatch.seconds, report)
        measured = clock.measured(stopwatch.seconds["propagate"])
        if measured is not None and clock.making.way == "picture" and not propagation.draft:
            seconds = stopwatch.seconds["propagate"] / clock.making.frames + stopwatch.seconds["render"] / max(1, report["frames"])
            self._estimates.learn_rate("propagate", model.name, seconds, str(model.device))
        results = f"results/{propagation_id}"
        finished = dataclasses.replace(propagation, result=f"{results}/output.mp4", report=f"{results}/report.json", made=now())
        self._enter(project, finished)
        self._forget_windows(project_id)
        return {"propagation": propagation_id}

    def _planned(self, project: Project, propagation: Propagation, model: VideoEngine, folder: Path) -> tuple[Propagation, list[EditPlan]]:
        """The propagation with its plans noted, and the plans of its parts, the lowest first. What
        a part stands on is named by the windows of those below it.
        """
        clip = f"{project.clip.content} {propagation.base}"
        plans: list[EditPlan] = []
        parts: list[Propagation] = []
        for part in propagation.parts:
            planned = plan(self._request(project, part, clip), model, folder, self._engine.run_segments)
            rows = json.dumps([[window.start, window.stop, window.key] for window in planned.windows])
            parts.append(dataclasses.replace(part, plan=self._workspace.add_file(project.project_id, rows.encode(), ".json"), under=()))
            plans.append(planned)
            clip = "+".join([clip, *(window.key for window in planned.windows), *filter(None, [part.front])])
        return dataclasses.replace(parts[-1], under=tuple(parts[:-1])), plans

    def _request(self, project: Project, propagation: Propagation, clip: str) -> RenderRequest:
        from core.media import read_image
        from core.propagation.request import EditRequest, Keyframe

        keyframes = tuple(
            Keyframe(
                k.frame,
                read_image(self._workspace.file(project.project_id, k.image)),
                k.task,
                k.caption,
                k.seed,
                k.carried,
                None if k.insert is None or k.path is None else self._inserts.read(project, StoredInsert(k.insert, k.path, k.front)),
            )
            for k in propagation.keyframes
        )
        stored = self._pictures.masks.stored_region(project, propagation.region, propagation.feather, propagation.feathers)
        settings = dataclasses.replace(propagation.settings, rate=propagation.settings.rate or EVERY_FRAME)
        times = self._pictures.frames.reader(project, propagation.base).timestamps
        things = None if propagation.things is None else self._pictures.masks.load(project, propagation.things)
        return RenderRequest(
            edit=EditRequest(FrameRange(*propagation.span), stored.masks, keyframes, settings, stored.feather, times=times, things=things),
            source=Path(project.clip.source),
            clip=clip,
            weights=self._engine.weights(propagation.model),
            mix=propagation.mix,
            front=None if propagation.front is None else self._pictures.masks.load(project, propagation.front),
        )

    def _carried(self, project: Project, edit: KeyframeEdit, masks: MaskSequence, carry: Carry) -> Carried:
        """How a keyframe is carried: as it was asked for, or as it was told when it was made."""
        from core.carrying.decision import decided
        from core.media import read_image

        if edit.insert is not None or edit.direct or (carry == "auto" and edit.carried is not None):
            return edit.carried or "picture"
        picture = read_image(self._workspace.file(project.project_id, edit.image))
        under = [other for other in project.edits if other.edit_id in edit.ground]
        return decided(carry, edit.task, self._pictures.with_edits(project, edit.frame, under), picture, masks[edit.frame])

    def _enter(self, project: Project, propagation: Propagation) -> None:
        """Put the propagation in the document as it stands: a step of its own the first time, or
        when its start was undone meanwhile.
        """
        known = {p.propagation_id for p in self._workspace.project(project.project_id).propagations}

        def change(current: Project) -> Project:
            old = next((p for p in current.propagations if p.propagation_id == propagation.propagation_id), None)
            stale = old.stale if old is not None else not same_masks(current, project)
            return document.with_propagation(current, dataclasses.replace(propagation, stale=stale))

        if propagation.propagation_id in known:
            self._workspace.amend(project.project_id, change)
        else:
            self._workspace.change(project.project_id, "Propagate", change)

    def _forget_windows(self, project_id: str) -> None:
        """Delete the windows that no propagation of the document or its undo steps refers to."""
        history = self._workspace.history(project_id)
        documents = [history.present, *(step.project for step in (*history.past, *history.future))]
        plans = {part.plan: part for d in documents for p in d.propagations for part in p.parts if part.plan is not None}
        needed: set[Path] = set()
        for propagation in plans.values():
            with contextlib.suppress(InputError):
                needed |= {window.path for window in self._pictures.frames.plan(history.present, propagation)}
        for path in (self._workspace.folder(project_id) / WINDOWS).glob("*.npz"):
            if path not in needed:
                with contextlib.suppress(OSError):
                    path.unlink()


def _expect(context: JobContext, parts: Sequence[Forecast | None]) -> None:
    """Say what parts will take, the one that is made now first, where that is known."""
    from app.render.windows import STAGE as RENDERING
    from core.propagation.windows import STAGE

    known = [part for part in parts if part is not None]
    if len(known) == len(parts):
        later = sum(part.making for part in known[1:])
        context.left.expect({STAGE: known[0].making, "later parts": later, RENDERING: known[-1].rendering})
