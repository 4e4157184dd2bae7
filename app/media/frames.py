"""The frames of a project, as arrays and as JPEG: as the file has them, with accepted results on
them, as a propagation leaves them.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Hashable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.render.edit import PlannedWindow
from app.storage.cache import ClosingCache
from app.storage.masks import MaskStore
from app.storage.workspace import Workspace
from core.errors import InputError
from core.file_facts import file_mark, FileMark
from core.progress import JobContext
from core.project.edits import Propagation
from core.project.project import Project

if TYPE_CHECKING:
    import numpy as np

    from core.media import ClipReader
    from core.propagation.stack import StackedReader

WINDOWS = "windows"
"""Where a project's finished windows lie, each named by what its pixels depend on."""


class ClipFrames:
    """Keeps a few clips open, and the latest pictures encoded. Safe to use from several threads."""

    def __init__(self, workspace: Workspace, masks: MaskStore) -> None:
        self._workspace = workspace
        self._masks = masks
        self._readers: ClosingCache[ClipReader] = ClosingCache(3)
        self._stacks: ClosingCache[StackedReader] = ClosingCache(3)
        self._plans: ClosingCache[tuple[PlannedWindow, ...]] = ClosingCache(8)
        self._encoded: ClosingCache[bytes] = ClosingCache(160)
        self._requested = -math.inf

    def idle_seconds(self) -> float:
        """Seconds since a person last asked for a picture, or clicked into one."""
        return time.monotonic() - self._requested

    def note_request(self) -> None:
        """A person asks for a picture now: work in the background gives way for a moment."""
        self._requested = time.monotonic()

    def source(self, project: Project) -> ClipReader:
        """The project's clip; InputError when the file is gone or was replaced by another."""
        from core.media import open_clip

        source, expected = project.clip.source, project.clip.info

        def opened() -> ClipReader:
            reader = open_clip(Path(source), project.clip.deinterlace)
            if (reader.info.size, reader.info.frames) != (expected.size, expected.frames):
                reader.close()
                raise InputError(f"the video '{source}' has been replaced by another since this project was made; put it back to go on")
            return reader

        return self._readers.get(_file(project), opened)

    def reader(self, project: Project, base: str | None = None) -> ClipReader:
        """The clip that edits stand on: the source with the accepted results of `base` on it.

        Without a `base` it is the project's own.
        """
        base = project.base if base is None else base
        if not base:
            return self.source(project)
        return self._stack(project, [project.propagation(propagation_id) for propagation_id in base.split("+")])

    def result(self, project: Project, propagation: Propagation) -> StackedReader:
        """The clip as the propagation leaves it, with those below it.

        Frames whose window is not made yet are as they were before.
        """
        return self._stack(project, [*self._below(project, propagation), propagation])

    def ground(self, project: Project, propagation: Propagation) -> ClipReader:
        """The clip that the uppermost part of a propagation stands on: with the results below and
        the other parts on it.
        """
        below = [*self._below(project, propagation), *propagation.under]
        return self._stack(project, below) if below else self.source(project)

    @staticmethod
    def _below(project: Project, propagation: Propagation) -> list[Propagation]:
        return [project.propagation(propagation_id) for propagation_id in propagation.base.split("+") if propagation_id]

    def plan(self, project: Project, propagation: Propagation) -> tuple[PlannedWindow, ...]:
        """The windows of a propagation's uppermost part, in the order in which they are made.

        A window is made when its file exists.
        """
        relative = propagation.plan
        if relative is None:
            return ()
        folder = self._workspace.folder(project.project_id) / WINDOWS

        def read() -> tuple[PlannedWindow, ...]:
            try:
                rows = json.loads(self._workspace.file(project.project_id, relative).read_text(encoding="utf-8"))
                return tuple(PlannedWindow(int(start), int(stop), str(key), folder / f"{key}.npz") for start, stop, key in rows)
            except (OSError, ValueError, TypeError) as error:
                raise InputError("the plan of this propagation is damaged; propagate again") from error

        return self._plans.get((project.project_id, relative), read)

    def _stack(self, project: Project, propagations: list[Propagation]) -> StackedReader:
        from core.geometry import FrameRange
        from core.media import read_image
        from core.propagation.stack import AppliedEdit, StackedReader

        edits, key = [], []
        for propagation, joined in ((part, number > 0) for whole in propagations for number, part in enumerate(whole.parts)):
            planned = [(window, window.path.exists()) for window in self.plan(project, propagation)]
            windows = tuple((window.start, window.stop, window.path) for window, made in planned if made)
            missing = tuple((window.start, window.stop) for window, made in planned if not made)
            images = {k.frame: self._workspace.file(project.project_id, k.image) for k in propagation.keyframes if k.carried != "direct"}
            keyframes = {frame: partial(read_image, path) for frame, path in images.items()}
            region = self._masks.load(project, propagation.region)
            front = None if propagation.front is None else self._masks.load(project, propagation.front)
            span, mix = FrameRange(*propagation.span), propagation.mix
            edits.append(AppliedEdit(span, region, windows, keyframes, missing, mix=mix, joined=joined, front=front))
            key.append((propagation.propagation_id, len(windows), mix))
        source = self.source(project)
        return self._stacks.get((project.project_id, _file(project), tuple(key)), lambda: StackedReader(source, edits))

    def frame(self, project: Project, frame: int) -> np.ndarray:
        """uint8 (H, W, 3)."""
        project.clip.info.check_frame(frame)
        return self.reader(project).frame(frame)

    def frame_jpeg(self, project: Project, frame: int, max_width: int | None, context: JobContext | None = None) -> bytes:
        """A frame with the project's accepted results on it.

        Args:
            project: The project.
            frame: The frame's number.
            max_width: Pixels that the picture may be wide; the frame's own width when None.
            context: Stops the decoding on the way to the frame.

        Returns:
            A JPEG.

        Raises:
            Cancelled: The context stopped it.
        """
        return self.below_jpeg(project, project.base, frame, max_width, context)

    def below_jpeg(self, project: Project, base: str, frame: int, max_width: int | None, context: JobContext | None = None) -> bytes:
        """A frame with accepted results on it.

        Args:
            project: The project.
            base: The results, as `Propagation.base` names them; empty for none.
            frame: The frame's number.
            max_width: Pixels that the picture may be wide; the frame's own width when None.
            context: Stops the decoding on the way to the frame.

        Returns:
            A JPEG.

        Raises:
            Cancelled: The context stopped it.
        """
        self.note_request()
        key = ("frame", _file(project), base, frame, max_width)
        return self._encoded.get(key, lambda: _jpeg(self.reader(project, base), frame, max_width, context))

    def source_jpeg(self, project: Project, frame: int, max_width: int | None) -> bytes:
        """A frame as the file has it, below all accepted results.

        Args:
            project: The project.
            frame: The frame's number.
            max_width: Pixels that the picture may be wide; the frame's own width when None.

        Returns:
            A JPEG.
        """
        return self.below_jpeg(project, "", frame, max_width)

    def result_jpeg(self, project: Project, propagation: Propagation, frame: int, max_width: int | None) -> tuple[bytes, bool]:
        """A frame as a propagation leaves it.

        Args:
            project: The project.
            propagation: The propagation.
            frame: The frame's number.
            max_width: Pixels that the picture may be wide; the frame's own width when None.

        Returns:
            A JPEG, and whether it is final: not while its window is still to be made.
        """
        reader = self.result(project, propagation)
        final = reader.shows(frame)
        if not final:
            return _jpeg(reader, frame, max_width), False
        key = ("result", propagation.propagation_id, propagation.mix, frame, max_width)
        return self._encoded.get(key, lambda: _jpeg(reader, frame, max_width)), True

    def close(self) -> None:
        """Let go of open files."""
        self._stacks.clear()
        self._readers.clear()


def identity(project: Project) -> tuple[Hashable, ...]:
    """What the frames that are worked on depend on.

    A file that is written again under the same name is another clip, and so is one with edits on
    it.
    """
    return *_file(project), project.base


def _file(project: Project) -> tuple[FileMark, bool]:
    source = project.clip.source
    try:
        return file_mark(Path(source)), project.clip.deinterlace
    except InputError:
        raise InputError(f"the video '{source}' is not there any more; put it back to go on with this project") from None


def _jpeg(reader: ClipReader, frame: int, max_width: int | None, context: JobContext | None = None) -> bytes:
    small = max_width is not None and max_width < reader.info.width
    if context is not None:
        reader.prefetch(frame, max_width if small else None, context)
    return encode_jpeg(reader.preview(frame, max_width) if small and max_width else reader.frame(frame))


def encode_jpeg(picture: np.ndarray, max_width: int | None = None) -> bytes:
    """uint8 (H, W, 3) RGB as JPEG, no wider than `max_width` pixels."""
    import cv2

    from core.media.color import shrunk

    small = picture if max_width is None else shrunk(picture, max_width)
    return cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
