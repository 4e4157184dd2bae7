"""A clip with accepted edits on it: what the next edit starts from. Frames are put together when
they are asked for.
"""

from __future__ import annotations

import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.geometry import FrameRange
from core.masks import MaskSequence
from core.media import ClipReader
from core.progress import JobContext
from core.project.mix import Mix, PLAIN
from core.propagation.result import composite_frames, EditedWindow, Frame
from core.render.mixing import behind, mixed

_WINDOWS_KEPT = 3


@dataclass(frozen=True)
class AppliedEdit:
    """A finished propagation, as it lies on disk. What lies outside its frames or its region is
    left exactly as it was.

    Attributes:
        frames: The frames of its result.
        region: What may have changed.
        windows: (start, stop, file): the frames start:stop count of the window in that file.
        keyframes: Gives the accepted picture, uint8 (H, W, 3), of each frame that has one.
        missing: (start, stop) of windows that are still to be made.
        mix: How it lies over what is below.
        joined: Whether it belongs to the same result as the edit below, and was made on that one as
            it is without its mix.
        front: What stays in front of it; None for nothing.
    """

    frames: FrameRange
    region: MaskSequence
    windows: tuple[tuple[int, int, Path], ...]
    keyframes: Mapping[int, Callable[[], Frame]]
    missing: tuple[tuple[int, int], ...] = ()
    mix: Mix = PLAIN
    joined: bool = False
    front: MaskSequence | None = None


def without_mix(edits: Sequence[AppliedEdit]) -> list[AppliedEdit]:
    """Edits with those of the topmost result as they were made: what its next part is made on."""
    own = max((number for number, edit in enumerate(edits) if not edit.joined), default=0)
    return [*edits[:own], *(replace(edit, mix=PLAIN) for edit in edits[own:])]


class StackedReader(ClipReader):
    """`base` with `edits` applied one over the other, the first lowest. Closing it leaves `base`
    open.

    Holds a few windows in memory, whatever the length of the clip.
    """

    def __init__(self, base: ClipReader, edits: Sequence[AppliedEdit]) -> None:
        self.base = base
        self.edits = tuple(edits)
        self.info = base.info
        self.files, self.deinterlaced = base.files, base.deinterlaced
        self.timestamps = base.timestamps
        self._opened: OrderedDict[Path, EditedWindow] = OrderedDict()
        self._lock = threading.Lock()

    def frame(self, index: int) -> Frame:
        return self._edited(index, self.base.frame(index))

    def preview(self, index: int, width: int) -> Frame:
        if self.changes(index):
            return super().preview(index, width)
        return self.base.preview(index, width)

    def prefetch(self, index: int, width: int | None, context: JobContext) -> None:
        """Decode a frame ahead of the one who asks for it.

        Args:
            index: the frame.
            width: of the preview that will be asked for, in pixels; None for the whole frame.
            context: can give the work up.
        """
        self.base.prefetch(index, None if self.changes(index) else width, context)

    @property
    def entry_points(self) -> tuple[int, ...]:
        return self.base.entry_points

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        start, stop = self._check_span(start, stop)
        for index, source in zip(range(start, stop), self.base.frames(start, stop), strict=True):
            yield self._edited(index, source)

    def alphas(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
        """As the base has them; an edit can be seen through nowhere in its region."""
        start, stop = self._check_span(start, stop)
        for index, alpha in zip(range(start, stop), self.base.alphas(start, stop), strict=True):
            edited = [edit.region[index] for edit in self.edits if edit.frames.contains(index)]
            yield np.where(np.logical_or.reduce(edited), np.uint8(255), alpha) if edited else alpha

    def shows(self, index: int) -> bool:
        """Whether every edit that has a region on this frame has its windows by now."""
        return all(
            not edit.frames.contains(index)
            or edit.region.is_empty(index)
            or index in edit.keyframes
            or (
                any(start <= index < stop for start, stop, _ in edit.windows)
                and not any(start <= index < stop for start, stop in edit.missing)
            )
            for edit in self.edits
        )

    def changes(self, index: int) -> bool:
        return any(edit.frames.contains(index) and not edit.region.is_empty(index) for edit in self.edits)

    def _edited(self, index: int, frame: Frame) -> Frame:
        shown = full = frame  # what is seen, and what the next edit was made on
        for edit in self.edits:
            if not edit.joined:
                full = shown
            if not edit.frames.contains(index) or edit.region.is_empty(index):
                continue
            edited = self._made(edit, index, full)
            if shown is full and edit.mix.is_plain:
                shown = full = edited
            else:
                shown, full = mixed(shown, full, edited, edit.region[index], edit.mix), edited
        return shown

    def _made(self, edit: AppliedEdit, index: int, frame: Frame) -> Frame:
        """A frame with one edit as it was made."""
        windows = [self._window(path) for start, stop, path in edit.windows if start <= index < stop and index not in edit.keyframes]
        at, picture = (index, edit.keyframes[index]()) if index in edit.keyframes else (None, np.empty((0, 0, 3), np.uint8))
        one = _OneFrame(frame, index)
        _, _, edited = next(composite_frames(one, edit.region, FrameRange(index, index + 1), windows, at, picture))
        if edited is frame or edit.front is None or index not in edit.front.frames or edit.front.is_empty(index):
            return edited
        return behind(frame, edited, edit.region[index], edit.front[index])

    def _window(self, path: Path) -> EditedWindow:
        with self._lock:
            if path not in self._opened:
                try:
                    self._opened[path] = EditedWindow.load(path)
                except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
                    raise InputError("a stored part of this result is gone or damaged: propagate again to make it anew") from error
                while len(self._opened) > _WINDOWS_KEPT:
                    self._opened.popitem(last=False)
            self._opened.move_to_end(path)
            return self._opened[path]


class _OneFrame:
    """A clip of which one frame is known."""

    def __init__(self, picture: Frame, index: int) -> None:
        self._picture, self._index = picture, index

    def __len__(self) -> int:
        return self._index + 1

    def frame(self, index: int) -> Frame:
        return self._picture

    def frames(self, start: int, stop: int) -> Iterator[Frame]:
        yield self._picture
