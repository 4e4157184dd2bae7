"""Animated WebP as a clip, read with Pillow: FFmpeg has no decoder for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import InputError
from core.media.color import RgbFrame
from core.media.reader import ClipReader
from core.media.source import MOST_PIXELS
from core.media.timing import Timing, timing_of
from core.pictures import open_picture
from core.project.video import VideoInfo

_UNTIMED = 100
"""Milliseconds of a frame that says none, as in browsers."""


class AnimationReader(ClipReader):
    """An animated WebP. Frames are decoded in order; going back begins anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.files = (path,)
        self._lock = threading.Lock()
        self._image: Image.Image | None = None
        self._kept: dict[int, NDArray[np.uint8]] = {}
        try:
            self.info, timing = self._facts()
        except BaseException:
            self.close()
            raise
        self.timestamps = timing.stamps

    def frame(self, index: int) -> RgbFrame:
        return np.ascontiguousarray(self._rgba(self._check_index(index))[..., :3])

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[RgbFrame]:
        return map(self.frame, range(*self._check_span(start, stop)))

    def alphas(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
        return (self._rgba(index)[..., 3] for index in range(*self._check_span(start, stop)))

    def close(self) -> None:
        with self._lock:
            self._kept.clear()
            if self._image is not None:
                self._image.close()
                self._image = None

    def _facts(self) -> tuple[VideoInfo, Timing]:
        durations, alpha = [], False
        with self._lock:
            count = self._open().n_frames  # type: ignore[attr-defined]
        for index in range(count):
            alpha = self._rgba(index)[..., 3].min() < 255 or alpha
            with self._lock:
                durations.append(int(self._open().info.get("duration", 0)) or _UNTIMED)
        stamps = tuple(Fraction(stamp) for stamp in accumulate(durations[:-1], initial=0))
        timing = timing_of(stamps, count, Fraction(1, 1000), [], Fraction(durations[-1], 1000), None)
        width, height = self._open().size
        info = VideoInfo(
            width=width,
            height=height,
            rate=timing.rate,
            frames=count,
            variable_rate=timing.variable,
            codec="webp",
            pixel_format="rgba",
            last_frame=timing.last,
            alpha=alpha,
        )
        return info, timing

    def _open(self) -> Image.Image:
        if self._image is None:
            try:
                image = open_picture(self._path, formats=("WEBP",))
            except (OSError, ValueError, SyntaxError) as error:
                raise self._damaged(error) from error
            if image.width * image.height > MOST_PIXELS:
                image.close()
                raise InputError(f"{self._path} is too large: scale it down to at most {MOST_PIXELS // 10**6} million pixels a frame")
            self._image = image
        return self._image

    def _damaged(self, error: Exception) -> InputError:
        return InputError(f"{self._path} can't be decoded ({error}): save it again, or as a video")

    def _rgba(self, index: int) -> NDArray[np.uint8]:
        """A frame with alpha; the two that were asked for last are kept."""
        with self._lock:
            if index not in self._kept:
                try:
                    image = self._open()
                    image.seek(index)
                    picture = np.asarray(image.convert("RGBA"))
                except (OSError, ValueError, SyntaxError, EOFError) as error:
                    raise self._damaged(error) from error
                while len(self._kept) > 1:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[index] = picture
            return self._kept[index]
