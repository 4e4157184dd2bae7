"""The verbs of the Select step that say whose pixels they are on a frame: clicks, boxes, strokes, masks and words."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.editor.base import VerbBase, with_frame
from app.engine import GROUNDER
from app.jobs.journal import resumable
from app.settings import Settings
from core.errors import InputError, StudioError
from core.models.catalogue import entry
from core.progress import JobContext
from core.project import project as document
from core.project.project import Project
from core.project.prompts import BoxPrompt, check_prompt, PointPrompt, Prompt, prompt_for
from core.project.tracks import MaskTrack

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)


class MarkVerbs(VerbBase):
    """What is said of an object on one frame."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._preview_lock = threading.Lock()
        self._looking = threading.Semaphore(1)

    def look_at(self, project_id: str, frame: int) -> None:
        """Get a frame ready for clicks, in the background: the first click there is then as quick as the next."""
        project = self.project(project_id)
        if self._looking.acquire(blocking=False):
            threading.Thread(target=self._look_at, args=(project, frame), name="look-ahead", daemon=True).start()

    def add_point(self, project_id: str, object_id: int, frame: int, x: float, y: float, positive: bool = True) -> Project:
        """Click: (x, y) in source pixels belongs to the object, or does not. The mask of that frame follows at once.

        Where the object has a mask already, the click corrects that mask.
        """
        return self._prompt(project_id, PointPrompt(frame, object_id, x, y, positive), "Point")

    def add_box(self, project_id: str, object_id: int, frame: int, x0: float, y0: float, x1: float, y1: float) -> Project:
        """Box around the object, source pixels. The mask of that frame follows at once."""
        return self._prompt(project_id, BoxPrompt(frame, object_id, x0, y0, x1, y1), "Box")

    def paint(
        self, project_id: str, object_id: int, frame: int, stroke: Sequence[tuple[float, float]], radius: float, erase: bool = False
    ) -> Project:
        """Brush over the frame's mask: a line through `stroke`, (x, y) in source pixels, `radius` pixels wide on either side.

        What comes of it is a mask prompt. Erasing the last pixel says that the object is not on this frame.
        """
        if not stroke or not 0.5 <= radius <= 1000:
            raise InputError("a stroke needs a point and a radius of 0.5 to 1000 pixels")

        def change(project: Project) -> Project:
            track = project.track(object_id)
            return self._with_drawn(project, track, frame, self.pictures.painted(project, track, frame, stroke, radius, erase))

        with self._preview_lock:
            self._check_frame(project_id, frame)
            return self.workspace.change(project_id, "Eraser" if erase else "Brush", change)

    def set_mask(self, project_id: str, object_id: int, frame: int, source: Path) -> Project:
        """Take a picture of the frame's size for the object's mask there: what is not black belongs to it. All black: it is not there."""
        from core.masks import read_mask

        mask = read_mask(source, self.project(project_id).clip.info.size)
        with self._preview_lock:
            self._check_frame(project_id, frame)
            return self.workspace.change(project_id, "Mask", lambda p: self._with_drawn(p, p.track(object_id), frame, mask))

    def preview_point(self, project_id: str, object_id: int | None, frame: int, x: float, y: float, positive: bool = True) -> np.ndarray:
        """What the frame's mask would become with this click, bool (H, W); nothing is kept."""
        project = self.project(project_id)
        point = PointPrompt(frame, object_id or 0, x, y, positive)
        check_prompt(point, *project.clip.info.size, project.clip.info.frames)
        track = project.track(object_id) if object_id is not None else None
        before = self._marks(project, track, frame) if track is not None else ()
        with self._preview_lock:
            return self.pictures.session(project).preview(frame, [*before, point], passing=True)

    def preview_png(
        self, project_id: str, object_id: int | None, frame: int, x: float, y: float, positive: bool = True, max_width: int | None = None
    ) -> bytes:
        """The objects' overlay of a frame as it would be with this click; nothing is kept."""
        mask = self.preview_point(project_id, object_id, frame, x, y, positive)
        project = self.project(project_id)
        shown = (document.next_object_id(project) if object_id is None else object_id, mask)
        return self.pictures.overlay_png(project, frame, "objects", max_width, shown)

    def clear_prompts(self, project_id: str, object_id: int, frame: int | None = None) -> Project:
        """Take the object's marks back, on one frame or on all; its masks go with the last of them."""

        def change(project: Project) -> Project:
            track = project.track(object_id)
            if frame is None:
                cleared = dataclasses.replace(track, prompts=(), masks=None, tracked=None, confirmed=(), pending=())
                return document.with_track(project, cleared)
            kept = tuple(p for p in track.prompts if p.frame != frame)
            sure = tuple(f for f in track.confirmed if f != frame)
            masks = track.masks
            if track.tracked is None and masks is not None:
                masks = self.pictures.with_masks(project, masks, {frame: None}) if kept or sure else None
            pending = with_frame(track.pending, frame) if track.tracked is not None else ()
            return document.with_track(project, dataclasses.replace(track, prompts=kept, confirmed=sure, masks=masks, pending=pending))

        return self.workspace.change(project_id, "Clear marks", change)

    # Words

    def text_model(self) -> tuple[bool, str]:
        """Whether what finds things by words is on this disk, and what it is or what there is to fetch, and how large."""
        model = entry(GROUNDER, "grounder")
        here = self.engine.store.available(GROUNDER, "grounder")
        return here, model.title if here else f"{model.download_mb} MB, once: {model.title} ({model.repository})"

    @resumable
    def find_text(self, project_id: str, frame: int, text: str) -> str:
        """Look for what `text` names on a frame; returns the job's id. Each thing becomes an object with a box, all in one step.

        Fetches the model when it is not here; the job fails with ModelMissingError's sentence when it is not to be had.
        """
        self._check_frame(project_id, frame)
        if not text.strip():
            raise InputError("say in a few words what to look for, like: the dog")
        return self._submit("find", project_id, lambda context: self._find(project_id, frame, text.strip()[:200], context))

    # What the verbs are made of

    def _look_at(self, project: Project, frame: int) -> None:
        try:
            with self._preview_lock:
                self.pictures.session(project).prefetch(frame)
        except StudioError as error:  # whoever clicks is told then
            log.warning("%s", error)
        finally:
            self._looking.release()

    def _find(self, project_id: str, frame: int, text: str, context: JobContext) -> dict[str, Any]:
        here = self.text_model()[0]
        context.report("loading the text model" if here else "fetching the text model", 0, 1)
        grounder = self.engine.grounder()
        context.report("looking", 0, 1)
        project = self.project(project_id)
        boxes = grounder.find(self.pictures.frame(project, frame), text)
        if not boxes:
            raise InputError(f"nothing on frame {frame} looks like '{text}': try other words, or another frame")
        added: list[int] = []
        with self._preview_lock:
            session = self.pictures.session(project)
            shapes = [BoxPrompt(frame, 0, box.x0, box.y0, box.x1, box.y1) for box in boxes]
            masks = [session.preview(frame, [shape]) for shape in shapes]

            def change(current: Project) -> Project:
                for number, (shape, mask) in enumerate(zip(shapes, masks, strict=True), 1):
                    current, track = document.with_object(current, text if len(shapes) == 1 else f"{text} {number}")
                    track = dataclasses.replace(track, prompts=(prompt_for(shape, track.object_id),))
                    current = self._with_answer(current, track, frame, mask)
                    added.append(track.object_id)
                return current

            self.workspace.change(project_id, f"Find '{text}'", change)
        return {"objects": added}

    def _with_drawn(self, project: Project, track: MaskTrack, frame: int, mask: np.ndarray) -> Project:
        """The project with a mask that a person drew: a prompt, or where it is empty the word that the object is not there."""
        others = tuple(p for p in track.prompts if p.frame != frame)
        if mask.any():
            prompt = self.pictures.mask_prompt(project, track.object_id, frame, mask)
            return self._with_answer(project, dataclasses.replace(track, prompts=(*others, prompt)), frame, mask)
        sure = with_frame(track.confirmed, frame)
        return self._with_answer(project, dataclasses.replace(track, prompts=others, confirmed=sure), frame, mask)

    def _marks(self, project: Project, track: MaskTrack, frame: int) -> tuple[Prompt, ...]:
        """The prompts that a click on this frame adds to: those that are there, else the mask that is."""
        marks = tuple(p for p in track.prompts if p.frame == frame)
        if marks or track.masks is None:
            return marks
        masks = self.pictures.masks(project, track.masks)
        return () if masks.is_empty(frame) else (self.pictures.mask_prompt(project, track.object_id, frame, masks[frame]),)

    def _prompt(self, project_id: str, prompt: PointPrompt | BoxPrompt, label: str) -> Project:
        def change(current: Project) -> Project:
            track = current.track(prompt.object_id)
            others = tuple(p for p in track.prompts if p.frame != prompt.frame)
            return self._with_answer(current, dataclasses.replace(track, prompts=(*others, *marks)), prompt.frame, mask)

        with self._preview_lock:  # to the end: a mask belongs to all prompts that were there before it
            project = self.project(project_id)
            check_prompt(prompt, *project.clip.info.size, project.clip.info.frames)
            before = self._marks(project, project.track(prompt.object_id), prompt.frame)
            if isinstance(prompt, BoxPrompt):  # says anew what the object is
                before = tuple(p for p in before if isinstance(p, PointPrompt))
            marks = (*before, prompt)
            mask = self.pictures.session(project).preview(prompt.frame, marks)
            return self.workspace.change(project_id, label, change)
