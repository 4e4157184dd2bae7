"""The keyframe job: paints tries of an edit on one frame. Each is saved as soon as it is there."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TYPE_CHECKING

from app.engine import Engine
from app.jobs.region import RegionBuilder, same_masks
from app.media.pictures import encode_png, Pictures
from app.storage.workspace import new_id, Workspace
from core.errors import InputError
from core.geometry import FrameRange
from core.progress import JobContext
from core.project.edits import KeyframeEdit, SamplingSettings, Task, TryBasis
from core.project.project import Project
from core.project.tries import ground_of, with_accepted, with_edits

if TYPE_CHECKING:
    import numpy as np

    from core.background.canvas import Behind
    from core.vivid.keyframe_request import KeyframeRequest


@dataclass(frozen=True)
class TriesRequest:
    """A caption to try on one frame, once per seed."""

    frame: int
    task: Task
    caption: str
    seeds: tuple[int, ...]
    settings: SamplingSettings
    basis: TryBasis = field(default_factory=TryBasis)


class KeyframeJobs:
    """Paints keyframe tries.

    Runs on a job's thread; reports to the job's context and stops when it says so.
    """

    def __init__(self, workspace: Workspace, engine: Engine, pictures: Pictures, regions: RegionBuilder) -> None:
        self._workspace = workspace
        self._engine = engine
        self._pictures = pictures
        self._regions = regions

    def try_keyframe(self, project_id: str, tries: TriesRequest, context: JobContext) -> dict[str, Any]:
        """Paint the tries one after the other; each is in the project as soon as it is there.

        Args:
            project_id: The project.
            tries: What to paint.
            context: Takes the progress, and stops the job.

        Returns:
            `edits`: the ids of the tries, in the order of their seeds.

        Raises:
            InputError: The region is empty on that frame.
            Cancelled: The context stopped the job; finished tries stay.
        """
        from core.carrying.decision import decided
        from core.media import read_image
        from core.vivid.keyframe_request import KeyframeRequest

        project = self._workspace.project(project_id)
        keep, objects = tries.basis.keep, tries.basis.objects
        lineage = lineage_of(project, tries.basis.parent)
        start = read_image(self._workspace.file(project_id, lineage[0].image)) if lineage and keep else None
        context.report("loading the model", 0, 1)
        if self._engine.workers is None:
            if not self._engine.has(self._engine.painter_name(tries.settings)):
                self._pictures.forget_studio()
            self._engine.painter_for(tries.settings)
        settings = self._engine.settled(tries.settings)
        region = self._regions.build_for(tries.task, project_id, context, objects)
        mask = region.masks[tries.frame]
        if not mask.any():
            raise InputError(f"the region is empty on frame {tries.frame}: choose a frame that shows the object")
        started = time.monotonic()
        behind = self._pictures.behind_keyframe(project, region.file, tries.frame)
        ground = ground_of(project, objects, tries.frame)
        source = self._pictures.with_edits(project, tries.frame, ground)
        asked = KeyframeRequest(
            source,
            region.masks,
            tries.frame,
            region.feather.at(tries.frame),
            tries.task,
            tries.caption,
            tries.seeds,
            tries.settings,
            start,
            keep,
        )
        images = self._images(asked, project, behind, context)
        under = behind("delete") if tries.task == "delete" else None
        unseen = 0.0 if under is None else round(under[0].unseen(), 3)
        ids: list[str] = []
        for seed, image in zip(tries.seeds, images, strict=True):
            edit = KeyframeEdit(
                edit_id=new_id()[:12],
                frame=tries.frame,
                task=tries.task,
                caption=tries.caption,
                seed=seed,
                settings=settings,
                model=self._engine.painter_name(tries.settings),
                image=self._workspace.add_file(project_id, encode_png(image), ".png"),
                region=region.file,
                seconds=round(time.monotonic() - started, 2),
                keep=keep,
                grown=lineage[0].paintings if start is not None else (),
                unseen=unseen,
                carried=decided("auto", tries.task, source, image, mask),
                objects=objects,
                ground=tuple(under.edit_id for under in ground),
            )

            def add(current: Project, edit: KeyframeEdit = edit) -> Project:
                return with_edits(current, (standing_in(current, project, edit, lineage),))

            self._workspace.change(project_id, _label(edit), add)
            ids.append(edit.edit_id)
            started = time.monotonic()
        return {"edits": ids}

    def _images(self, asked: KeyframeRequest, project: Project, behind: Behind, context: JobContext) -> Iterator[np.ndarray]:
        """The pictures of the tries, painted here or by a worker."""
        if (workers := self._engine.workers) is not None:
            return workers.paint_tries(self._engine, self._pictures.frames.reader(project), asked, context)
        studio = self._pictures.keyframe_studio(self._engine.at_work(self._engine.painter_for(asked.settings)))
        prepared = studio.prepare(asked.source, asked.region[asked.frame], asked.feather, behind)
        return prepared.tries(asked.task, asked.caption, asked.seeds, asked.settings, context, asked.start, asked.keep)

    def choose_direct(self, project_id: str, asked: TriesRequest, context: JobContext) -> dict[str, Any]:
        """Accept an edit without a keyframe. It stands among the tries, and shows the source's own
        frame.

        Args:
            project_id: The project.
            asked: Task, caption, one seed and the objects.
            context: Takes the progress, and stops the job.

        Returns:
            `edits`: its id.

        Raises:
            InputError: The region is empty on every frame.
            Cancelled: The context stopped the job.
        """
        from core.propagation.direct import direct_start

        objects = asked.basis.objects
        region = self._regions.build_for(asked.task, project_id, context, objects)
        project = self._workspace.project(project_id)
        start = direct_start(region.masks, FrameRange(project.clip.start, project.clip.stop))
        edit = KeyframeEdit(
            edit_id=new_id()[:12],
            frame=start,
            task=asked.task,
            caption=asked.caption,
            seed=asked.seeds[0],
            settings=dataclasses.replace(asked.settings, painter=None),
            model=self._engine.settings.model,
            image=self._workspace.add_file(project_id, encode_png(self._pictures.frames.frame(project, start)), ".png"),
            region=region.file,
            carried="direct",
            objects=objects,
        )

        def add(current: Project) -> Project:
            return with_accepted(with_edits(current, (standing_in(current, project, edit, ()),)), edit.edit_id)

        self._workspace.change(project_id, "Edit without a keyframe", add)
        return {"edits": [edit.edit_id]}


def _label(edit: KeyframeEdit) -> str:
    """What undo calls a try."""
    return f"Try '{edit.caption}'" if edit.caption else "Try of a removal"


def lineage_of(project: Project, edit_id: str | None) -> tuple[KeyframeEdit, ...]:
    """The try, its parent, that one's parent and so on; InputError when there is no such try."""
    found: list[KeyframeEdit] = []
    while edit_id is not None:
        found.append(project.edit(edit_id))
        edit_id = found[-1].parent
    return tuple(found)


def standing_in(current: Project, project: Project, edit: KeyframeEdit, lineage: tuple[KeyframeEdit, ...]) -> KeyframeEdit:
    """Fit a finished try into a project that may have changed while it was painted.

    Args:
        current: The project as it is now.
        project: The project as it was when the job began.
        edit: The try.
        lineage: Its parent at that time, the parent's parent and so on.

    Returns:
        The try below the nearest of its lineage that still exists, and stale where the masks have
        changed.
    """
    there = {known.edit_id for known in current.edits}
    parent = next((ancestor.edit_id for ancestor in lineage if ancestor.edit_id in there), None)
    return dataclasses.replace(edit, parent=parent, stale=not same_masks(current, project, edit.objects))
