"""The verbs of the Select step: objects, clicks and boxes, tracking."""

from __future__ import annotations

import dataclasses
import logging
import threading

from app.settings import Settings
from app.verb_base import VerbBase
from core.errors import InputError, StudioError
from core.project import project as document
from core.project.project import Project
from core.project.prompts import BoxPrompt, check_prompt, PointPrompt, Prompt
from core.project.tracks import Direction, MaskTrack

log = logging.getLogger(__name__)


class SelectVerbs(VerbBase):
    """What to edit: whose pixels they are, frame by frame."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._preview_lock = threading.Lock()
        self._looking = threading.Semaphore(1)

    def look_at(self, project_id: str, frame: int) -> None:
        """Get a frame ready for clicks, in the background: the first click there is then as quick as the next."""
        project = self.project(project_id)
        if self._looking.acquire(blocking=False):
            threading.Thread(target=self._look_at, args=(project, frame), name="look-ahead", daemon=True).start()

    def add_object(self, project_id: str, name: str | None = None) -> tuple[Project, int]:
        added: list[MaskTrack] = []

        def change(project: Project) -> Project:
            project, track = document.with_object(project, name)
            added.append(track)
            return project

        return self.workspace.change(project_id, "Add object", change), added[0].object_id

    def remove_object(self, project_id: str, object_id: int) -> Project:
        return self.workspace.change(project_id, "Remove object", lambda p: document.without_object(p, object_id))

    def add_point(self, project_id: str, object_id: int, frame: int, x: float, y: float, positive: bool = True) -> Project:
        """Click: (x, y) in source pixels belongs to the object, or does not. The mask of that frame follows at once."""
        return self._prompt(project_id, PointPrompt(frame, object_id, x, y, positive), "Point")

    def add_box(self, project_id: str, object_id: int, frame: int, x0: float, y0: float, x1: float, y1: float) -> Project:
        """Box around the object, source pixels. The mask of that frame follows at once."""
        return self._prompt(project_id, BoxPrompt(frame, object_id, x0, y0, x1, y1), "Box")

    def clear_prompts(self, project_id: str, object_id: int, frame: int | None = None) -> Project:
        """Take the object's prompts back, on one frame or on all; its masks go with the last of them."""

        def change(project: Project) -> Project:
            track = project.track(object_id)
            kept = tuple(p for p in track.prompts if frame is not None and p.frame != frame)
            masks = track.masks
            if kept and masks is not None and frame is not None and track.tracked is None:
                masks = self.pictures.with_masks(project, masks, {frame: None})
            track = dataclasses.replace(track, prompts=kept, masks=masks if kept else None, tracked=None)
            return document.with_track(project, track)

        return self.workspace.change(project_id, "Clear prompts", change)

    def start_tracking(self, project_id: str, direction: Direction = "both") -> str:
        """Follow every prompted object through the clip; returns the job's id. Stopping keeps the frames that were reached."""
        project = self.project(project_id)
        if not any(track.prompts for track in project.tracks):
            raise InputError("click or box an object first: there is nothing to track yet")
        return self._submit("track", project_id, lambda context: self._work.track(project_id, direction, context))

    def _look_at(self, project: Project, frame: int) -> None:
        try:
            with self._preview_lock:
                self.pictures.session(project).look_at(frame)
        except StudioError as error:  # whoever clicks is told then
            log.warning("%s", error)
        finally:
            self._looking.release()

    def _prompt(self, project_id: str, prompt: Prompt, label: str) -> Project:
        def change(current: Project) -> Project:
            current = document.with_prompt(current, prompt)
            track = current.track(prompt.object_id)
            stored = self.pictures.with_masks(current, track.masks, {prompt.frame: mask})
            return document.with_track(current, dataclasses.replace(track, masks=stored, tracked=None))

        with self._preview_lock:  # to the end: a mask belongs to all prompts that were there before it
            project = self.project(project_id)
            check_prompt(prompt, *project.clip.info.size, project.clip.info.frames)
            prompted = document.with_prompt(project, prompt).track(prompt.object_id)
            mask = self.pictures.session(project).preview(prompt.frame, [p for p in prompted.prompts if p.frame == prompt.frame])
            return self.workspace.change(project_id, label, change)
