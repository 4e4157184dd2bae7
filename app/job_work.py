"""What the editor's jobs do once it is their turn. What they find out is saved as soon as they have it."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, TYPE_CHECKING

from app.engine import Engine
from app.pictures import encode_png, Pictures
from app.workspace import new_id, Workspace
from core.errors import InputError
from core.progress import JobContext
from core.project import project as document
from core.project.edits import KeyframeEdit, SamplingSettings, Task
from core.project.project import Project
from core.project.tracks import Direction, MaskTrack

if TYPE_CHECKING:
    from core.masks import MaskSequence


@dataclass(frozen=True)
class Tries:
    """A caption to try on one frame, once per seed."""

    frame: int
    task: Task
    caption: str
    seeds: tuple[int, ...]
    settings: SamplingSettings


class JobWork:
    """Runs on a job's thread; reports to the job's context and stops when it says so."""

    def __init__(self, workspace: Workspace, engine: Engine, pictures: Pictures) -> None:
        self._workspace = workspace
        self._engine = engine
        self._pictures = pictures

    def track(self, project_id: str, direction: Direction, context: JobContext) -> dict[str, Any]:
        """Follow every prompted object through the clip's span. Stopped or failed, the frames that were reached are kept."""
        project = self._workspace.project(project_id)
        tracks = [track for track in project.tracks if track.prompts]
        found = {track.object_id: self._pictures.masks_over_clip(project, track.masks) for track in tracks}
        reached: list[int] = []
        self._pictures.show_live(project_id, found)
        try:
            context.report("loading the segmenter", 0, 1)
            session = self._pictures.tracking_session(project)
            prompts = {track.object_id: list(track.prompts) for track in tracks}
            for frame, masks in session.track(prompts, project.clip.start, project.clip.stop, context, direction=direction):
                for track in tracks:
                    if frame not in track.confirmed:
                        found[track.object_id].set(frame, masks[track.object_id])
                reached.append(frame)
        finally:
            try:
                if reached:
                    span = (min(reached), max(reached) + 1)
                    self._workspace.change(project_id, "Track", partial(self._with_tracked, before=tracks, found=found, span=span))
            finally:
                self._pictures.hide_live(project_id)
        return {"frames": len(reached)}

    def try_keyframe(self, project_id: str, tries: Tries, context: JobContext) -> dict[str, Any]:
        """Paint the tries one after the other; each is in the project as soon as it is there."""
        project = self._workspace.project(project_id)
        context.report("loading the model", 0, 1)
        model = self._engine.video_model()
        region_file, region = self.region(project)
        mask = region[tries.frame]
        if not mask.any():
            raise InputError(f"the region is empty on frame {tries.frame}: choose a frame where the object is to be seen")
        started = time.monotonic()
        studio = self._pictures.keyframe_studio(model)
        prepared = studio.prepare(self._pictures.frame(project, tries.frame), mask, project.adjustment.feather)
        ids: list[str] = []
        images = prepared.tries(tries.task, tries.caption, tries.seeds, tries.settings, context)
        for seed, image in zip(tries.seeds, images, strict=True):
            edit = KeyframeEdit(
                edit_id=new_id()[:12],
                frame=tries.frame,
                task=tries.task,
                caption=tries.caption,
                seed=seed,
                settings=tries.settings,
                model=model.name,
                image=self._workspace.add_file(project_id, encode_png(image), ".png"),
                region=region_file,
                seconds=round(time.monotonic() - started, 2),
            )

            def add(current: Project, edit: KeyframeEdit = edit) -> Project:
                return document.with_edits(current, (dataclasses.replace(edit, stale=not same_masks(current, project)),))

            self._workspace.change(project_id, "Keyframe try", add)
            ids.append(edit.edit_id)
            started = time.monotonic()
        return {"edits": ids}

    def _with_tracked(self, project: Project, before: list[MaskTrack], found: dict[int, MaskSequence], span: tuple[int, int]) -> Project:
        """The project with what a run found. What a person did since it began (from the tracks `before`) stands: an object that was
        cleared stays so, and a frame that was marked keeps the mask of its marks."""
        for old in before:
            track = next((track for track in project.tracks if track.object_id == old.object_id), None)
            if track is None or not track.prompts:
                continue
            masks = found[track.object_id]
            marked = {prompt.frame for prompt in track.prompts if prompt not in old.prompts}
            if marked and track.masks is not None:
                shown = self._pictures.masks(project, track.masks)
                for frame in marked:
                    masks.set(frame, shown[frame])
            stored = self._pictures.store_masks(project.project_id, masks)
            followed = _joined(track.tracked, span) if track.prompts == old.prompts else None
            project = document.with_track(project, dataclasses.replace(track, masks=stored, tracked=followed))
        return project

    def region(self, project: Project) -> tuple[str, MaskSequence]:
        """The stored region of the project, made from the tracks and the adjustment when it is not up to date."""
        if project.region is not None:
            return project.region, self._pictures.masks(project, project.region)
        sequence = self._pictures.adjusted(project)
        stored = self._pictures.store_masks(project.project_id, sequence)

        def remember(current: Project) -> Project:
            return document.with_region(current, stored) if same_masks(current, project) else current

        self._workspace.amend(project.project_id, remember)
        return stored, sequence


def same_masks(current: Project, project: Project) -> bool:
    """Whether the region is still made of what it was: a person may have gone on while a job ran."""
    return (current.adjustment, current.tracks, current.clip) == (project.adjustment, project.tracks, project.clip)


def _joined(before: tuple[int, int] | None, span: tuple[int, int]) -> tuple[int, int]:
    """The span that two runs cover together where they touch, else the later one's."""
    if before is None or before[0] > span[1] or span[0] > before[1]:
        return span
    return min(before[0], span[0]), max(before[1], span[1])
