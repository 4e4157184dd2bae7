"""The tracking job: which objects to track through which shots, from which prompts, and which masks
may be replaced.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, TYPE_CHECKING

from app.media.pictures import Pictures
from app.storage.masks import MaskStore
from app.storage.workspace import Workspace
from core.errors import InputError
from core.geometry import FrameRange
from core.progress import JobContext, ProgressEvent
from core.project import project as document
from core.project.project import Project
from core.project.prompts import MaskPrompt, Prompt
from core.project.tracks import Direction, MaskTrack

if TYPE_CHECKING:
    from core.masks import MaskSequence


@dataclass(frozen=True)
class TrackRequest:
    """What to track: every object that asks for it through the clip, or one object from a frame on
    where its mask is right, as far as the shot goes or through the frames `span` of it, half-open.

    Without `frame`, shots in which nothing changed are left alone, unless that is all of them.
    """

    direction: Direction = "both"
    object_id: int | None = None
    frame: int | None = None
    span: tuple[int, int] | None = None


@dataclass
class _ShotRun:
    """Frames of one shot, and the prompts (`seeds`) of the objects to track through them."""

    shot: FrameRange
    seeds: dict[int, list[Prompt]]
    anchor: int | None = None


@dataclass
class _TrackedMasks:
    """What a job has found of one object so far."""

    masks: MaskSequence
    reached: list[int] = field(default_factory=list)
    answered: set[int] = field(default_factory=set)  # pending frames that this job has tracked
    broken: set[int] = field(default_factory=set)  # frames to start from again, since a run was stopped
    waiting: list[FrameRange] = field(default_factory=list)  # shots without a prompt of the object


class TrackingJob:
    """Tracks objects.

    Runs on a job's thread; reports to the job's context and stops when it says so.
    """

    def __init__(self, workspace: Workspace, pictures: Pictures) -> None:
        self._workspace = workspace
        self._pictures = pictures

    def track(self, project_id: str, request: TrackRequest, context: JobContext) -> dict[str, Any]:
        """Track objects as the request says.

        When the job is stopped or fails, the frames that were reached are kept.

        Args:
            project_id: The project.
            request: What to track.
            context: Takes the progress, and stops the job.

        Returns:
            `frames`: how many frames were tracked; `waiting`: the first frames of shots that need a
            click; `missed`: the names of objects that were found on none of the frames.

        Raises:
            Cancelled: The context stopped the job.
        """
        project = self._workspace.project(project_id)
        cuts = self._pictures.masks.cuts.all(project, self._pictures.frames.source, context)
        tracks = [t for t in project.tracks if _has_prompts(t) and request.object_id in (None, t.object_id)]
        found = {t.object_id: _TrackedMasks(self._pictures.masks.over_clip(project, t.masks)) for t in tracks}
        runs = list(self._runs(project, tracks, shots(project, cuts), request, found))
        self._pictures.masks.show_live(project_id, {object_id: one.masks for object_id, one in found.items()})
        frames: set[int] = set()
        try:
            context.report("loading the segmenter", 0, 1)
            session = self._pictures.tracker(project)
            total = sum(len(run.shot.frames) for run in runs)
            done = 0
            for run in runs:
                for object_id, seeds in run.seeds.items():
                    found[object_id].broken.add(seeds[0].frame)
                kept = {object_id: _kept(project.track(object_id), run) for object_id in run.seeds}
                part = JobContext(partial(_report_part, context, done, total), context.token)
                direction = request.direction
                stream = session.track(run.seeds, *run.shot, part, direction=direction, anchor=run.anchor)
                with closing(stream) as masks_by_frame:  # type: ignore[type-var]
                    for frame, masks in masks_by_frame:
                        for object_id, mask in masks.items():
                            if frame not in kept[object_id]:
                                found[object_id].masks.set(frame, mask, masks.quality.get(object_id))
                            found[object_id].reached.append(frame)
                        frames.add(frame)
                for object_id, seeds in run.seeds.items():
                    found[object_id].broken.discard(seeds[0].frame)
                    found[object_id].answered |= {f for f in project.track(object_id).pending if run.shot.contains(f)}
                done += len(run.shot.frames)
            for one in found.values():
                one.reached += [frame for start, stop in one.waiting for frame in (start, stop - 1)]
        finally:
            try:
                if any(one.reached for one in found.values()):
                    self._workspace.change(project_id, "Track", partial(self._with_tracked, before=tracks, found=found))
            finally:
                self._pictures.masks.hide_live(project_id)
        missed = [track.name for track in tracks if _missed(found[track.object_id].masks, track.object_id, runs)]
        waiting = sorted({start for one in found.values() for start, _ in one.waiting})
        return {"frames": len(frames), "waiting": waiting, "missed": missed}

    def _runs(
        self,
        project: Project,
        tracks: list[MaskTrack],
        ranges: list[FrameRange],
        request: TrackRequest,
        found: dict[int, _TrackedMasks],
    ) -> Iterator[_ShotRun]:
        if request.frame is not None:
            frame, (track,) = request.frame, tracks
            shot = next(shot for shot in ranges if shot.contains(frame))
            if request.span is not None:
                shot = FrameRange(max(shot.start, request.span[0]), min(shot.stop, request.span[1]))
            if request.direction != "both":
                shot = FrameRange(frame, shot.stop) if request.direction == "forward" else FrameRange(shot.start, frame + 1)
            seeds = [p for p in self._seeds(project, track, shot) if p.frame != frame]
            yield _ShotRun(shot, {track.object_id: [self._as_prompt(project, track, frame), *seeds]}, frame)
            return
        fresh = all(track.covers(project.clip.start, project.clip.stop) for track in tracks)
        for shot in ranges:
            run = _ShotRun(shot, {})
            for track in tracks:
                if track.covers(*shot) and not fresh:
                    continue
                seeds = self._seeds(project, track, shot)
                if seeds:
                    run.seeds[track.object_id] = seeds
                elif any(shot.contains(frame) for frame in track.confirmed):  # a person said that it is not in this shot
                    _clear(found[track.object_id], shot, track)
                else:
                    found[track.object_id].waiting.append(shot)
            if run.seeds:
                yield run

    def _seeds(self, project: Project, track: MaskTrack, shot: FrameRange) -> list[Prompt]:
        """What a person said of the object in a shot: prompts, and masks that were confirmed or
        corrected, as they look now.
        """
        known = self._pictures.masks.readable(project, track.masks) if track.masks else None
        sure = [f for f in sorted(track.made_by_hand) if shot.contains(f) and known is not None and not known.is_empty(f)]
        seeds: list[Prompt] = [p for p in track.prompts if shot.contains(p.frame) and p.frame not in {*sure, *track.confirmed}]
        return [*seeds, *(self._as_prompt(project, track, frame) for frame in sure)]

    def _as_prompt(self, project: Project, track: MaskTrack, frame: int) -> MaskPrompt:
        assert track.masks is not None
        return self._pictures.masks.mask_prompt(project, track.object_id, frame, self._pictures.masks.readable(project, track.masks)[frame])

    def _with_tracked(self, project: Project, before: list[MaskTrack], found: dict[int, _TrackedMasks]) -> Project:
        """The project with what a run found.

        What a person did since it began (with the tracks `before`) counts more: an object that was
        cleared stays so, and a frame that was prompted or confirmed meanwhile keeps the mask it
        has.
        """
        for old in before:
            track = next((track for track in project.tracks if track.object_id == old.object_id), None)
            one = found[old.object_id]
            if track is None or not _has_prompts(track) or not one.reached:
                continue
            masks = one.masks
            touched = {prompt.frame for prompt in track.prompts if prompt not in old.prompts} | (set(track.confirmed) - set(old.confirmed))
            touched |= {prompt.frame for prompt in old.prompts if prompt not in track.prompts}
            if touched and track.masks is not None:
                shown = self._pictures.masks.readable(project, track.masks)
                for frame in touched:
                    masks.set(frame, shown[frame])
            asking = {start for start, _ in one.waiting}
            pending = (set(track.pending) - one.answered) | (set(track.pending) - set(old.pending)) | touched | one.broken | asking
            changed = dataclasses.replace(
                track,
                masks=self._pictures.masks.store(project.project_id, masks),
                tracked=_joined(track.tracked, (min(one.reached), max(one.reached) + 1)),
                pending=tuple(sorted(pending)),
            )
            project = document.with_track(project, changed)
        return project


def shots(project: Project, cuts: tuple[int, ...]) -> list[FrameRange]:
    """The part of the clip that is worked on, as one range for each shot."""
    start, stop = project.clip.start, project.clip.stop
    edges = [start, *(cut for cut in cuts if start < cut < stop), stop]
    return [FrameRange(*edge) for edge in pairwise(edges)]


def _missed(masks: MaskSequence, object_id: int, runs: list[_ShotRun]) -> bool:
    """Whether an object was tracked and found on no frame."""
    tracked = [run.shot.frames for run in runs if object_id in run.seeds]
    return bool(tracked) and all(masks.is_empty(frame) for frames in tracked for frame in frames)


def _has_prompts(track: MaskTrack) -> bool:
    """Whether a person has said where the object is, on any frame."""
    return bool(track.prompts or track.confirmed)


def _kept(track: MaskTrack, run: _ShotRun) -> set[int]:
    """Frames whose masks stay as they are."""
    return {*track.made_by_hand, *(() if run.anchor is None else (run.anchor,))}


def _clear(one: _TrackedMasks, shot: FrameRange, track: MaskTrack) -> None:
    import numpy as np

    width, height = one.masks.size
    nothing = np.zeros((height, width), np.bool_)
    for frame in shot.frames:
        one.masks.set(frame, nothing)
    one.reached += [shot.start, shot.stop - 1]
    one.answered |= {frame for frame in track.pending if shot.contains(frame)}


def _report_part(context: JobContext, before: int, total: int, event: ProgressEvent) -> None:
    context.report(event.stage, min(before + event.done, total), total, event.partial)


def _joined(before: tuple[int, int] | None, later: tuple[int, int]) -> tuple[int, int]:
    """The frames that two runs cover together where they touch, else the later one's."""
    if before is None or before[0] > later[1] or later[0] > before[1]:
        return later
    return min(before[0], later[0]), max(before[1], later[1])


def check_request(project: Project, request: TrackRequest, masks: MaskStore) -> None:
    """Look at a request before a job is made of it.

    Args:
        project: The project.
        request: What to track.
        masks: The masks of the project.

    Raises:
        InputError: There is nothing to track.
    """
    if request.frame is None:
        if request.span is not None:
            raise InputError("no frame is named to start from: say which one, or leave the span out")
        if not any(_has_prompts(track) for track in project.tracks):
            raise InputError("click or box an object first: there is nothing to track yet")
        return
    if request.object_id is None:
        raise InputError("no object is named: say which one to track from there")
    track = project.track(request.object_id)
    project.clip.check_frame(request.frame)
    if request.span is not None and not request.span[0] <= request.frame < request.span[1]:
        raise InputError(f"frame {request.frame} is not among the frames {request.span[0]} to {request.span[1] - 1}: start inside them")
    if track.masks is None or masks.readable(project, track.masks).is_empty(request.frame):
        raise InputError(f"{track.name} has no mask on frame {request.frame} to start from: click it there first")
