"""Pictures of a person's own as what is added: brought in, and laid on a frame as a try."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

from app.contract.requests import InsertRequest
from app.contract.values import InsertPicture
from app.jobs.inserts import InsertBuilder
from app.jobs.keyframes import lineage_of, standing_in
from app.jobs.queue import JobQueue
from app.media.pictures import encode_png
from app.storage.workspace import new_id, Workspace
from core.errors import InputError
from core.progress import JobContext
from core.project.edits import KeyframeEdit, LONGEST_NAME, SamplingSettings
from core.project.project import Project
from core.project.tries import with_edits

UNNAMED = "a picture"


class InsertOperations:
    """Logos, hats and signs on a frame."""

    def __init__(self, workspace: Workspace, queue: JobQueue, inserts: InsertBuilder) -> None:
        self._workspace = workspace
        self._queue = queue
        self._inserts = inserts

    def take(self, project_id: str, source: str | Path, name: str | None = None) -> InsertPicture:
        """Keep a picture with the project, to be laid on a frame.

        Args:
            project_id: The project.
            source: The picture's file; it is not needed any more.
            name: What messages call it; its file's name when None.

        Returns:
            Its file in the project, its size, and what a person should know of it.

        Raises:
            InputError: It is no picture, is too large, or shows nothing.
        """
        from core.media.images import image_size

        path = Path(source)
        self._workspace.project(project_id)
        file, notes = self._inserts.store(project_id, path, name or path.name)
        return InsertPicture(file, image_size(self._workspace.file(project_id, file)), notes)

    def start_shadow(self, project_id: str, frame: int) -> str:
        """Look how the shadows of the shot fall.

        Args:
            project_id: The project.
            frame: A frame that shows the edited objects.

        Returns:
            The job's id; its result has the `shadow` that a picture would cast, None where the
            objects cast none that is seen.

        Raises:
            InputError: There is no such frame.
        """
        self._workspace.project(project_id).clip.check_frame(frame)
        return self._queue.submit("shadow", project_id, partial(self._shadow, project_id, frame))

    def _shadow(self, project_id: str, frame: int, context: JobContext) -> dict[str, Any]:
        found = self._inserts.shot_shadow(self._workspace.project(project_id), frame, context)
        return {"shadow": None if found is None else dataclasses.asdict(found)}

    def lay(self, project_id: str, request: InsertRequest) -> tuple[Project, str]:
        """Lay a picture on a frame, as a try like any other.

        Args:
            project_id: The project.
            request: Which picture, and where.

        Returns:
            The changed project, and the id of the try.

        Raises:
            InputError: The picture is not here any more, lies beside the frame, or is to move with
                an object that is not there.
        """
        project = self._workspace.project(project_id)
        project.clip.check_frame(request.frame)
        lineage = lineage_of(project, request.parent)
        if not request.insert.picture:
            raise InputError("there is no picture to lay on the frame: bring one in first")
        pixels, region = self._inserts.laid(project, request.frame, request.insert)
        shown = " ".join(Path(request.name or UNNAMED).stem.split())[:LONGEST_NAME] or UNNAMED
        edit = KeyframeEdit(
            edit_id=new_id()[:12],
            frame=request.frame,
            task="add",
            caption=shown,
            seed=0,
            settings=SamplingSettings(),
            model="",
            image=self._workspace.add_file(project_id, encode_png(pixels), ".png"),
            region=region,
            name=shown,
            carried="picture",
            insert=request.insert,
        )

        def add(current: Project) -> Project:
            placed = dataclasses.replace(standing_in(current, project, edit, lineage), stale=False)
            return with_edits(current, (placed,))

        return self._workspace.change(project_id, f"Lay '{shown}' on the frame", add), edit.edit_id
