"""Find objects on a frame by words."""

from __future__ import annotations

import dataclasses
import threading
from functools import partial
from typing import Any, TYPE_CHECKING

from app.editor.changes import with_mask
from app.engine import Engine, GROUNDER
from app.jobs.queue import JobQueue, resumable
from app.media.pictures import Pictures
from app.storage.workspace import Workspace
from core.errors import InputError
from core.models.catalogue import entry
from core.progress import JobContext
from core.project import project as document
from core.project.project import Project
from core.project.prompts import BoxPrompt, prompt_for

if TYPE_CHECKING:
    import numpy as np

LONGEST_TEXT = 200
"""Characters of a search that are read."""


class TextSearchOperations:
    """What is found becomes an object, with a box or with the outline that SAM 3 gives; an object
    that is there already stays itself.

    `session_lock` is that of the prompts.
    """

    def __init__(self, workspace: Workspace, engine: Engine, pictures: Pictures, queue: JobQueue, session_lock: threading.Lock) -> None:
        self._workspace = workspace
        self._engine = engine
        self._pictures = pictures
        self._queue = queue
        self._session_lock = session_lock

    def model(self) -> tuple[bool, str]:
        """Whether the model for it is on this disk, and its title, or what there is to fetch and
        how large.
        """
        if self._engine.finder != GROUNDER:
            return True, "SAM 3, the segmenter"
        model = entry(GROUNDER, "grounder")
        here = self._engine.store.available(GROUNDER, "grounder")
        return here, model.title if here else f"{model.download_mb} MB, once: {model.title} ({model.repository})"

    @resumable("find_text")
    def find(self, project_id: str, frame: int, text: str) -> str:
        """Look for what the words name. Each thing becomes an object, all in one step.

        The job fails with the message of ModelMissingError when the model is not here.

        Args:
            project_id: The project.
            frame: The frame to look at.
            text: A few English words.

        Returns:
            The job's id; its result has the `objects`.

        Raises:
            InputError: There are no words, or there is no such frame.
        """
        self._workspace.project(project_id).clip.info.check_frame(frame)
        if not text.strip():
            raise InputError("say in a few words what to look for, like: the dog")
        return self._queue.submit("find", project_id, partial(self._find, project_id, frame, text.strip()[:LONGEST_TEXT]))

    def _find(self, project_id: str, frame: int, text: str, context: JobContext) -> dict[str, Any]:
        context.report("loading the text model", 0, 1)
        finder = self._engine.word_finder()
        context.report("looking", 0, 1)
        project = self._workspace.project(project_id)
        boxes = finder.find(self._pictures.frames.frame(project, frame), text)
        if not boxes:
            raise InputError(f"nothing on frame {frame} looks like '{text}': try other words, or another frame")
        with self._session_lock:
            session = self._pictures.session(project)
            shapes = [BoxPrompt(frame, 0, box.x0, box.y0, box.x1, box.y1) for box in boxes]
            masks = [session.preview(frame, [shape]) if box.mask is None else box.mask for box, shape in zip(boxes, shapes, strict=True)]
            known = [self._known(project, frame, mask) for mask in masks]
            objects = [object_id for object_id in known if object_id is not None]

            def change(current: Project) -> Project:
                for number, (box, shape, mask) in enumerate(zip(boxes, shapes, masks, strict=True), 1):
                    if known[number - 1] is not None:
                        continue
                    current, track = document.with_object(current, text if len(shapes) == 1 else f"{text} {number}")
                    given = prompt_for(shape, track.object_id)
                    if box.mask is not None:  # an outline says more than the box around it
                        given = self._pictures.masks.mask_prompt(current, track.object_id, frame, mask)
                    track = dataclasses.replace(track, prompts=(given,))
                    current = with_mask(self._pictures.masks, current, track, frame, mask)
                    objects.append(track.object_id)
                return current

            if None in known:
                self._workspace.change(project_id, f"Find '{text}'", change)
        return {"objects": objects}

    def _known(self, project: Project, frame: int, mask: np.ndarray) -> int | None:
        """The object that a mask shows which was found on a frame, where there is one already: it
        keeps its id and its name.
        """
        for track in project.tracks:
            other = self._pictures.masks.object_mask(project, track, frame)
            if other is not None and 2 * int((mask & other).sum()) > int((mask | other).sum()):
                return track.object_id
        return None
