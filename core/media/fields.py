"""Interlaced video: a frame holds two fields, its even lines and its odd ones, of two moments.

Its colour is sampled for each field apart. FFmpeg's scaler heeds that in both directions, as long
as the flag of a frame says so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import av
import numpy as np
from av.filter import Graph
from av.video.reformatter import VideoReformatter

from core.media.filters import graph_for

MODES = {"top": "tff", "bottom": "bff"}
"""FFmpeg's names for the field that comes first."""

_SIDE = 16

NumberedFrame = tuple[int, av.VideoFrame]


def field_order_of(frame: av.VideoFrame) -> str:
    """Which field of an interlaced frame comes first: one of `MODES`.

    PyAV does not show it. A picture with white even lines is given the flags of the frame and taken
    apart: the even lines are the top field.
    """
    striped = VideoReformatter().reformat(frame, _SIDE, _SIDE, format="yuv420p")
    plane = striped.planes[0]
    lines = np.zeros((plane.height, plane.line_size), np.uint8)
    lines[::2] = 255
    plane.update(lines.tobytes())
    graph = graph_for(striped, (("separatefields", ""),))
    graph.vpush(striped)
    return "top" if max(bytes(graph.vpull().planes[0])[:_SIDE]) > 128 else "bottom"


def deinterlaced(frames: Iterable[NumberedFrame]) -> Iterator[NumberedFrame]:
    """Make a whole picture of the first field of each interlaced frame, by the motion around it
    (bwdif); others stay as they are.

    Args:
        frames: Frames with their indices, in order.

    Yields:
        As many frames, but for the first one: that is left out unless its index is 0, since it is
        made with the frame before it, and should not depend on where reading begins.
    """
    graph: Graph | None = None
    size = (0, 0)
    waiting: deque[int] = deque()
    first = True
    for index, frame in frames:
        if graph is None or size != (frame.width, frame.height):
            yield from _rest(graph, waiting)
            graph, size = graph_for(frame, (("bwdif", "mode=send_frame:parity=auto:deint=interlaced"),)), (frame.width, frame.height)
        waiting.append(index)
        graph.vpush(frame)
        for number, finished in _finished(graph, waiting):
            if not first or number == 0:
                yield number, finished
            first = False
    yield from _rest(graph, waiting)


def _rest(graph: Graph | None, waiting: deque[int]) -> Iterator[NumberedFrame]:
    if graph is not None:
        graph.vpush(None)
        yield from _finished(graph, waiting)


def _finished(graph: Graph, waiting: deque[int]) -> Iterator[NumberedFrame]:
    while waiting:
        try:
            frame = graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return
        yield waiting.popleft(), frame
