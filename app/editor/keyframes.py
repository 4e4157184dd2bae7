"""Keyframes: tries of an edit on one frame, and which of them are propagated."""

from __future__ import annotations

from functools import partial

from app.editor.changes import check_masks
from app.engine import Engine
from app.jobs.keyframes import KeyframeJobs, TriesRequest
from app.jobs.queue import JobQueue, resumable
from app.media.keyframe_exchange import KeyframeExchange
from app.storage.workspace import Workspace
from core.errors import InputError
from core.project import project as document
from core.project.edits import check_seed, check_task, KeyframeEdit, SamplingSettings, Task, TryBasis
from core.project.project import Project
from core.project.tries import with_accepted, with_keyframe, with_renamed_edit, with_starred_edit, without_edit, without_keyframe


class KeyframeOperations:
    """What the edit looks like, tried on one frame."""

    def __init__(self, workspace: Workspace, engine: Engine, queue: JobQueue, jobs: KeyframeJobs, pictures: KeyframeExchange) -> None:
        self._workspace = workspace
        self._engine = engine
        self._queue = queue
        self._jobs = jobs
        self._pictures = pictures

    @resumable("start_tries")
    def start_tries(
        self,
        project_id: str,
        frame: int,
        task: Task,
        caption: str,
        seeds: tuple[int, ...],
        settings: SamplingSettings | None = None,
        basis: TryBasis | None = None,
    ) -> str:
        """Try a caption on one frame, once for each seed.

        Tries are added to the project as they come. Those for some objects only stand on what is
        accepted for the others on that frame.

        Args:
            project_id: The project.
            frame: The frame.
            task: What to do in the region: add, modify or delete.
            caption: What the region shall show; empty to delete.
            seeds: Whole numbers from 0; each gives another picture.
            settings: Steps and guidance; the model's own where None.
            basis: The try to branch from, with the share of its picture to start from (above 0 it
                has to be on the same frame and for the same objects), and the objects that the
                tries are for.

        Returns:
            The job's id; its result has `edits`, the ids of the tries.

        Raises:
            InputError: Something is missing or out of range.
        """
        check_task(task, caption)
        basis = basis or TryBasis()
        project = self._workspace.project(project_id)
        if not seeds:
            raise InputError("there is no seed to try: give at least one whole number")
        for seed in seeds:
            check_seed(seed)
        project.clip.check_frame(frame)
        check_masks(document.for_objects(project, basis.objects))
        parent = None if basis.parent is None else project.edit(basis.parent)
        if basis.keep and (parent is None or parent.frame != frame):
            raise InputError("a share of the picture can be kept only of a try on the same frame: go to its frame, or keep 0")
        if basis.keep and parent is not None and parent.objects != basis.objects:
            raise InputError("a share of the picture can be kept only of a try for the same objects: choose them, or keep 0")
        wanted = settings or SamplingSettings()
        painter = self._engine.painter_name(wanted)
        self._queue.cancel_trials(project_id)
        tries = TriesRequest(frame, task, caption, seeds, wanted, basis)
        job = partial(self._jobs.try_keyframe, project_id, tries)
        timed = self._queue.timed("keyframe", painter, job, lambda result: len(result["edits"]))
        return self._queue.submit("keyframe", project_id, timed if tries.settings.steps is None else job)

    def start_direct(
        self,
        project_id: str,
        task: Task,
        caption: str,
        seed: int = 0,
        settings: SamplingSettings | None = None,
        objects: tuple[int, ...] = (),
    ) -> str:
        """Choose to edit the clip without a keyframe: propagation then paints it from the caption
        alone. It is accepted at once, in place of other keyframes of its objects.

        Args:
            project_id: The project.
            task: What to do in the region: add, modify or delete.
            caption: What the region shall show; empty to delete.
            seed: A whole number from 0.
            settings: Steps, guidance and fit; the model's own where None.
            objects: What is edited; none stands for all objects.

        Returns:
            The job's id; its result has `edits`, the id of what stands for it among the tries.

        Raises:
            InputError: Something is missing or out of range.
        """
        check_task(task, caption)
        check_seed(seed)
        basis = TryBasis(objects=objects)
        project = self._workspace.project(project_id)
        check_masks(document.for_objects(project, basis.objects))
        asked = TriesRequest(project.clip.start, task, caption, (seed,), settings or SamplingSettings(), basis)
        return self._queue.submit("keyframe", project_id, partial(self._jobs.choose_direct, project_id, asked))

    def missing_seeds(self, project_id: str, tries: TriesRequest) -> tuple[int, ...]:
        """The seeds of a request for which the project has no try of its present masks."""

        settings = self._engine.settled(tries.settings)

        def is_one(edit: KeyframeEdit) -> bool:
            basis = tries.basis
            wanted = (tries.frame, tries.task, tries.caption, settings, basis.keep, basis.objects)
            same = (edit.frame, edit.task, edit.caption, edit.settings, edit.keep, edit.objects) == wanted
            return same and bool(edit.model) and not edit.stale and (not basis.keep or edit.parent == basis.parent)

        made = {edit.seed for edit in self._workspace.project(project_id).edits if is_one(edit)}
        return tuple(seed for seed in tries.seeds if seed not in made)

    def accept(self, project_id: str, edit_id: str) -> Project:
        """Choose the try that is propagated through the clip, for the objects that it is for."""
        return self._workspace.change(project_id, "Accept keyframe", lambda p: with_accepted(p, edit_id))

    def rename_try(self, project_id: str, edit_id: str, name: str) -> Project:
        """Name a try.

        Args:
            project_id: The project.
            edit_id: The try.
            name: Up to 80 characters; an empty one takes the name away.

        Returns:
            The changed project.

        Raises:
            InputError: The name is too long, or there is no such try.
        """
        return self._workspace.change(project_id, "Rename try", lambda p: with_renamed_edit(p, edit_id, name))

    def star_try(self, project_id: str, edit_id: str, starred: bool = True) -> Project:
        """Mark a try as a good one, or take the mark away.

        Args:
            project_id: The project.
            edit_id: The try.
            starred: False to take the mark away.

        Returns:
            The changed project.

        Raises:
            InputError: There is no such try.
        """
        return self._workspace.change(project_id, "Star try", lambda p: with_starred_edit(p, edit_id, starred))

    def delete_try(self, project_id: str, edit_id: str) -> Project:
        """Delete a try.

        Its branches move to its parent; if it was accepted, it is so no more; finished results
        stay.
        """
        return self._workspace.change(project_id, "Delete try", lambda p: without_edit(p, edit_id))

    def try_jpeg(self, project_id: str, edit_id: str, width: int = 240) -> bytes:
        """A small picture of what a try changed.

        Args:
            project_id: The project.
            edit_id: The try.
            width: Pixels; the picture is two thirds of that high.

        Returns:
            A JPEG.

        Raises:
            InputError: There is no such try.
        """
        project = self._workspace.project(project_id)
        return self._pictures.thumbnail(project, project.edit(edit_id), width)

    def add(self, project_id: str, edit_id: str) -> Project:
        """Let the edit start again from this try's frame on; windows before it stay as they are."""
        return self._workspace.change(project_id, "Add keyframe", lambda p: with_keyframe(p, edit_id))

    def remove(self, project_id: str, edit_id: str) -> Project:
        """Propagate one keyframe less."""
        return self._workspace.change(project_id, "Remove keyframe", lambda p: without_keyframe(p, edit_id))
