"""Prompts: which pixels of a frame belong to an object, by clicks, boxes, strokes and masks."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.editor.changes import with_frame, with_mask
from app.media.overlays import hatched_png
from app.media.pictures import Pictures
from app.storage.workspace import Workspace
from core.errors import InputError, StudioError
from core.project import project as document
from core.project.project import Project
from core.project.prompts import BoxPrompt, check_prompt, PointPrompt, Prompt
from core.project.tracks import MaskTrack

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)

_BESIDE = 0.1
"""Of a mask that clicks gave: so much beside its largest piece is most likely another thing. On
frames of three real clips, good masks had at most .03, those of two things .14 and more.
"""

MOST_POINTS = 20_000
"""Points of one stroke; the page sends some hundreds."""


class PromptOperations:
    """What a person says of an object on one frame. The mask of that frame follows at once.

    `session_lock` is held while the segmenter answers, and until its mask is in the document: a
    mask belongs to all prompts that were there before it.
    """

    def __init__(self, workspace: Workspace, pictures: Pictures, session_lock: threading.Lock) -> None:
        self._workspace = workspace
        self._pictures = pictures
        self._session_lock = session_lock
        self._preparing = threading.Semaphore(1)

    def look_at(self, project_id: str, frame: int) -> None:
        """Prepare a frame for clicks, in the background: the first click there is then as quick as
        the next.
        """
        project = self._workspace.project(project_id)
        if self._preparing.acquire(blocking=False):
            threading.Thread(target=self._prepare, args=(project, frame), name="look-ahead", daemon=True).start()

    def add_point(self, project_id: str, object_id: int, frame: int, x: float, y: float, positive: bool = True) -> Project:
        """Click a pixel that belongs to an object, or one that does not.

        Where the object has a mask already, the click corrects that mask.

        Args:
            project_id: The project.
            object_id: The object.
            frame: The frame that is clicked on.
            x: Source pixels from the left.
            y: Source pixels from the top.
            positive: False for a pixel that is no part of the object.

        Returns:
            The changed project.

        Raises:
            InputError: The click is outside the frame, or there is no such object or frame.
        """
        return self._add(project_id, PointPrompt(frame, object_id, x, y, positive), "Point")

    def add_box(self, project_id: str, object_id: int, frame: int, x0: float, y0: float, x1: float, y1: float) -> Project:
        """Draw a box around an object.

        Earlier boxes and masks of the frame are replaced, clicks stay.

        Args:
            project_id: The project.
            object_id: The object.
            frame: The frame that is drawn on.
            x0: Left side, source pixels.
            y0: Top, source pixels.
            x1: Right side, source pixels.
            y1: Bottom, source pixels.

        Returns:
            The changed project.

        Raises:
            InputError: The box is empty or outside the frame, or there is no such object or frame.
        """
        return self._add(project_id, BoxPrompt(frame, object_id, x0, y0, x1, y1), "Box")

    def paint(
        self, project_id: str, object_id: int, frame: int, stroke: Sequence[tuple[float, float]], radius: float, erase: bool = False
    ) -> Project:
        """Brush over the mask of a frame.

        The new mask is a prompt; an empty one says that the object is not on this frame.

        Args:
            project_id: The project.
            object_id: The object.
            frame: The frame that is painted on.
            stroke: The brush's way as (x, y) in source pixels.
            radius: Pixels on either side of it, 0.5 to 1000.
            erase: Whether to take away instead.

        Returns:
            The changed project.

        Raises:
            InputError: The stroke is empty or has too many points, or there is no such object or
                frame.
        """
        if len(stroke) > MOST_POINTS:
            raise InputError(f"a stroke has at most {MOST_POINTS} points, and this one has {len(stroke)}: paint it in parts")
        if not stroke or not 0.5 <= radius <= 1000:
            raise InputError("a stroke needs a point and a radius of 0.5 to 1000 pixels")

        def change(project: Project) -> Project:
            track = project.track(object_id)
            return self._with_drawn(project, track, frame, self._pictures.masks.painted(project, track, frame, stroke, radius, erase))

        with self._session_lock:
            self._workspace.project(project_id).clip.info.check_frame(frame)
            return self._workspace.change(project_id, "Eraser" if erase else "Brush", change)

    def set_mask(self, project_id: str, object_id: int, frame: int, source: Path) -> Project:
        """Take a picture as the object's mask on a frame.

        A picture that is black all over says that it is not there.

        Args:
            project_id: The project.
            object_id: The object.
            frame: The frame that the mask is for.
            source: A picture of the frame's size; what is not black belongs to the object.

        Returns:
            The changed project.

        Raises:
            InputError: The picture can't be used, or there is no such object or frame.
        """
        from core.masks import read_mask

        mask = read_mask(source, self._workspace.project(project_id).clip.info.size)
        with self._session_lock:
            self._workspace.project(project_id).clip.info.check_frame(frame)
            return self._workspace.change(project_id, "Mask", lambda p: self._with_drawn(p, p.track(object_id), frame, mask))

    def preview_point(self, project_id: str, object_id: int | None, frame: int, x: float, y: float, positive: bool = True) -> np.ndarray:
        """The mask that a frame would have with one more click; nothing is kept.

        Args:
            project_id: The project.
            object_id: The object, None for one that is still to be added.
            frame: The frame.
            x: Source pixels from the left.
            y: Source pixels from the top.
            positive: False for a pixel that is no part of the object.

        Returns:
            bool (H, W).

        Raises:
            InputError: The click is outside the frame, or there is no such object or frame.
        """
        project = self._workspace.project(project_id)
        point = PointPrompt(frame, object_id or 0, x, y, positive)
        check_prompt(point, *project.clip.info.size, project.clip.info.frames)
        track = project.track(object_id) if object_id is not None else None
        before = self._prompts(project, track, frame) if track is not None else ()
        with self._session_lock:
            return self._pictures.session(project).preview(frame, [*before, point], passing=True)

    def preview_png(
        self, project_id: str, object_id: int | None, frame: int, x: float, y: float, positive: bool = True, max_width: int | None = None
    ) -> bytes:
        """The overlay of the objects on a frame as it would be with one more click; nothing is
        kept.

        Args:
            project_id: The project.
            object_id: The object, None for one that is still to be added.
            frame: The frame.
            x: Source pixels from the left.
            y: Source pixels from the top.
            positive: False for a pixel that is no part of the object.
            max_width: Pixels that the picture may be wide; the frame's own width when None.

        Returns:
            A transparent PNG.

        Raises:
            InputError: As for `preview_point`.
        """
        mask = self.preview_point(project_id, object_id, frame, x, y, positive)
        project = self._workspace.project(project_id)
        shown = (document.next_object_id(project) if object_id is None else object_id, mask)
        return self._pictures.overlay_png(project, frame, "objects", max_width, shown)

    def is_doubtful(self, project_id: str, object_id: int, frame: int) -> bool:
        """Whether clicks alone may have taken more than the object: its mask is in pieces.

        Args:
            project_id: The project.
            object_id: The object.
            frame: The frame that was clicked.

        Returns:
            Whether a box would say it better.

        Raises:
            InputError: There is no such object or frame.
        """
        project = self._workspace.project(project_id)
        project.clip.info.check_frame(frame)
        track = project.track(object_id)
        prompts = [prompt for prompt in track.prompts if prompt.frame == frame]
        if track.masks is None or not prompts or not all(isinstance(prompt, PointPrompt) for prompt in prompts):
            return False
        facts = self._pictures.masks.readable(project, track.masks).facts(frame)
        return sum(facts.pieces[1:]) >= _BESIDE * facts.area > 0

    def doubt_png(self, project_id: str, object_id: int, frame: int, max_width: int | None = None) -> bytes | None:
        """Where the segmenter is unsure about what was clicked on a frame, hatched.

        Args:
            project_id: The project.
            object_id: The object.
            frame: The frame that was clicked.
            max_width: Pixels that the picture may be wide; the frame's own width when None.

        Returns:
            A transparent PNG; None where it is sure, or nothing was clicked.

        Raises:
            InputError: There is no such object or frame.
        """
        project = self._workspace.project(project_id)
        project.clip.info.check_frame(frame)
        prompts = [prompt for prompt in project.track(object_id).prompts if prompt.frame == frame]
        if not prompts or not all(isinstance(prompt, PointPrompt | BoxPrompt) for prompt in prompts):
            return None
        with self._session_lock:
            part = self._pictures.session(project).doubtful(frame, prompts)
        return hatched_png(part, max_width) if part.any() else None

    def clear(self, project_id: str, object_id: int, frame: int | None = None) -> Project:
        """Take the object's prompts back. Its masks go with the last of them.

        Args:
            project_id: The project.
            object_id: The object.
            frame: The frame whose prompts go; None for all frames.

        Returns:
            The changed project.

        Raises:
            InputError: There is no such object.
        """

        def change(project: Project) -> Project:
            track = project.track(object_id)
            if frame is None:
                cleared = dataclasses.replace(track, prompts=(), masks=None, tracked=None, confirmed=(), pending=())
                return document.with_track(project, cleared)
            kept = tuple(p for p in track.prompts if p.frame != frame)
            sure = tuple(f for f in track.confirmed if f != frame)
            masks = track.masks
            if track.tracked is None and masks is not None:
                masks = self._pictures.masks.store_changed(project, masks, {frame: None}) if kept or sure else None
            pending = with_frame(track.pending, frame) if track.tracked is not None else ()
            return document.with_track(project, dataclasses.replace(track, prompts=kept, confirmed=sure, masks=masks, pending=pending))

        return self._workspace.change(project_id, "Clear prompts", change)

    def _prepare(self, project: Project, frame: int) -> None:
        try:
            with self._session_lock:
                self._pictures.session(project).prefetch(frame)
        except StudioError as error:  # the first click will say so
            log.warning("%s", error)
        finally:
            self._preparing.release()

    def _with_drawn(self, project: Project, track: MaskTrack, frame: int, mask: np.ndarray) -> Project:
        """The project with a mask that a person drew: a prompt, or where it is empty, a
        confirmation that the object is not there.
        """
        masks, others = self._pictures.masks, tuple(p for p in track.prompts if p.frame != frame)
        if mask.any():
            prompt = masks.mask_prompt(project, track.object_id, frame, mask)
            return with_mask(masks, project, dataclasses.replace(track, prompts=(*others, prompt)), frame, mask)
        sure = with_frame(track.confirmed, frame)
        return with_mask(masks, project, dataclasses.replace(track, prompts=others, confirmed=sure), frame, mask)

    def _prompts(self, project: Project, track: MaskTrack, frame: int) -> tuple[Prompt, ...]:
        """The prompts that a click on this frame adds to: those that are there, else the mask that
        is.
        """
        prompts = tuple(p for p in track.prompts if p.frame == frame)
        if prompts or track.masks is None:
            return prompts
        masks = self._pictures.masks.readable(project, track.masks)
        return () if masks.is_empty(frame) else (self._pictures.masks.mask_prompt(project, track.object_id, frame, masks[frame]),)

    def _add(self, project_id: str, prompt: PointPrompt | BoxPrompt, label: str) -> Project:
        def change(current: Project) -> Project:
            track = current.track(prompt.object_id)
            others = tuple(p for p in track.prompts if p.frame != prompt.frame)
            changed = dataclasses.replace(track, prompts=(*others, *prompts))
            return with_mask(self._pictures.masks, current, changed, prompt.frame, mask)

        with self._session_lock:
            project = self._workspace.project(project_id)
            check_prompt(prompt, *project.clip.info.size, project.clip.info.frames)
            before = self._prompts(project, project.track(prompt.object_id), prompt.frame)
            if isinstance(prompt, BoxPrompt):  # a box replaces what was there
                before = tuple(p for p in before if isinstance(p, PointPrompt))
            prompts = (*before, prompt)
            mask = self._pictures.session(project).preview(prompt.frame, prompts)
            return self._workspace.change(project_id, label, change)
