"""Filters of FFmpeg that frames are passed through."""

from __future__ import annotations

from fractions import Fraction

import av
from av.filter import Graph

Filter = tuple[str, str]
"""Name and arguments, as FFmpeg writes them."""


class FrameFilter:
    """A chain of filters that gives one frame for each. Not thread-safe."""

    def __init__(self, *filters: Filter) -> None:
        self._filters = filters
        self._kind: tuple[int, int, str] | None = None
        self._graph: Graph | None = None

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The filtered frame; the one given stays as it is."""
        kind = (frame.width, frame.height, frame.format.name)
        if self._graph is None or kind != self._kind:
            self._graph, self._kind = graph_for(frame, self._filters), kind
        self._graph.vpush(frame)
        return self._graph.vpull()


def graph_for(frame: av.VideoFrame, filters: tuple[Filter, ...]) -> Graph:
    """A graph that takes frames like this one.

    Its threads are FFmpeg's to choose; frames go in and out with `vpush` and `vpull`.
    """
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 1000))
    chain = [source, *(graph.add(name, arguments) for name, arguments in filters), graph.add("buffersink")]
    graph.link_nodes(*chain).configure()
    return graph
