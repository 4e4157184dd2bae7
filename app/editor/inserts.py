"""Pictures of a person's own as what is added: brought in, and laid on a frame as a try."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from app.contract.requests import InsertRequest
from app.contract.values import InsertPicture
from app.jobs.inserts import InsertBuilder
from app.jobs.keyframes import lineage_of, standing_in
from app.media.pictures import encode_png
from app.storage.workspace import new_id, Workspace
from core.errors import InputError
from core.project.edits import KeyframeEdit, LONGEST_NAME, SamplingSettings
from core.project.project import Project
from core.project.tries import with_edits

UNNAMED = "a picture"


class InsertOperations:
    """Logos, hats and signs on a frame."""

    def __init__(self, workspace: Workspace, inserts: InsertBuilder) -> None:
        self._workspace = workspace
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
