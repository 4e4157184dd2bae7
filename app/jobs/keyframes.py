"""What the editor's jobs do once it is their turn. What they find out is saved as soon as they have it."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from app.engine import Engine
from app.media.pictures import encode_png, Pictures
from app.storage.masks import StoredRegion
from app.storage.workspace import new_id, Workspace
from core.errors import InputError
from core.progress import JobContext
from core.project import project as document
from core.project.edits import KeyframeEdit, SamplingSettings, Task
from core.project.project import Project


@dataclass(frozen=True)
class Tries:
    """A caption to try on one frame, once per seed. `parent` is the try to branch from, `keep` the share of its picture to start from."""

    frame: int
    task: Task
    caption: str
    seeds: tuple[int, ...]
    settings: SamplingSettings
    parent: str | None = None
    keep: float = 0.0


class JobWork:
    """Runs on a job's thread; reports to the job's context and stops when it says so."""

    def __init__(self, workspace: Workspace, engine: Engine, pictures: Pictures) -> None:
        self._workspace = workspace
        self._engine = engine
        self._pictures = pictures

    def try_keyframe(self, project_id: str, tries: Tries, context: JobContext) -> dict[str, Any]:
        """Paint the tries one after the other; each is in the project as soon as it is there."""
        from core.media import read_image

        project = self._workspace.project(project_id)
        lineage = lineage_of(project, tries.parent)
        start = read_image(self._workspace.file(project_id, lineage[0].image)) if lineage and tries.keep else None
        context.report("loading the model", 0, 1)
        model = self._engine.video_model()
        region = self.region(project, context)
        mask = region.masks[tries.frame]
        if not mask.any():
            raise InputError(f"the region is empty on frame {tries.frame}: choose a frame where the object is to be seen")
        started = time.monotonic()
        studio = self._pictures.keyframe_studio(model)
        behind = self._pictures.behind_keyframe(project, region.file, tries.frame)
        prepared = studio.prepare(self._pictures.frame(project, tries.frame), mask, region.feather.at(tries.frame), behind)
        ids: list[str] = []
        images = prepared.tries(tries.task, tries.caption, tries.seeds, tries.settings, context, start, tries.keep)
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
                region=region.file,
                seconds=round(time.monotonic() - started, 2),
                keep=tries.keep,
                grown=lineage[0].paintings if start is not None else (),
            )

            def add(current: Project, edit: KeyframeEdit = edit) -> Project:
                return document.with_edits(current, (standing_in(current, project, edit, lineage),))

            self._workspace.change(project_id, "Keyframe try", add)
            ids.append(edit.edit_id)
            started = time.monotonic()
        return {"edits": ids}

    def region(self, project: Project, context: JobContext | None = None) -> StoredRegion:
        """The stored region of the project, made from the tracks and the adjustments when it is not up to date."""
        if project.region is not None:
            return self._pictures.stored_region(project, project.region, project.feather, project.feathers)
        if any(track.adjusted_by(project.adjustment).smooth for track in project.edited_tracks):  # within a shot only
            self._pictures.cuts.all(project, self._pictures.source, context or JobContext())
        masks, feather = self._pictures.adjusted(project, context)
        stored = self._pictures.store_masks(project.project_id, masks)
        feathers = tuple((pixels, self._pictures.store_masks(project.project_id, where)) for pixels, where in feather.parts)

        def remember(current: Project) -> Project:
            return document.with_region(current, stored, feathers) if same_masks(current, project) else current

        self._workspace.amend(project.project_id, remember)
        return StoredRegion(stored, masks, feathers, feather)


def lineage_of(project: Project, edit_id: str | None) -> tuple[KeyframeEdit, ...]:
    """The try, its parent, that one's parent and so on; InputError when there is no such try."""
    found: list[KeyframeEdit] = []
    while edit_id is not None:
        found.append(project.edit(edit_id))
        edit_id = found[-1].parent
    return tuple(found)


def standing_in(current: Project, project: Project, edit: KeyframeEdit, lineage: tuple[KeyframeEdit, ...]) -> KeyframeEdit:
    """The try as it belongs into the project as it is now: below the nearest of its lineage that was not deleted meanwhile."""
    there = {known.edit_id for known in current.edits}
    parent = next((ancestor.edit_id for ancestor in lineage if ancestor.edit_id in there), None)
    return dataclasses.replace(edit, parent=parent, stale=not same_masks(current, project))


def same_masks(current: Project, project: Project) -> bool:
    """Whether the region is still made of what it was: a person may have gone on while a job ran."""
    return _region_parts(current) == _region_parts(project)


def _region_parts(project: Project) -> tuple[Any, ...]:
    """What the region is made of; an object's name or its marks are no part of it."""
    parts = [(track.object_id, track.masks, track.adjustment) for track in project.edited_tracks]
    return project.adjustment, project.clip, parts
