"""Windows in which no model runs: every frame is drawn by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from core.progress import JobContext
from core.propagation.request import EditRequest
from core.propagation.result import EditedWindow, Frame, Frames
from core.propagation.windows import STAGE, Window


def drawn_windows(
    reader: Frames,
    request: EditRequest,
    windows: Sequence[Window],
    runs: int,
    context: JobContext,
    stored: Callable[[Window], EditedWindow | None] | None,
    draw: Callable[[int, Frame], tuple[Frame, float | None]],
) -> Iterator[EditedWindow]:
    """Draw the windows of a request that are not stored.

    Args:
        reader: The clip.
        request: What to edit.
        windows: The windows to make.
        runs: Steps that the progress of a window is counted in.
        context: Reports progress, and stops within a window.
        stored: Asked before a window is made.
        draw: Makes a frame of its number and its source, uint8 (H, W, 3); also says which share of
            it is not supported, None where that has no meaning.

    Yields:
        Windows as they finish.

    Raises:
        Cancelled: The job was stopped.
    """
    total = len(windows) * runs
    for number, window in enumerate(windows):
        finished = stored(window) if stored is not None else None
        if finished is None:
            shares: list[float] = []

            def pictures(window: Window = window, number: int = number, shares: list[float] = shares) -> Iterator[Frame]:
                first, last = min(window.edited), max(window.edited)
                sources = dict(zip(range(first, last + 1), reader.frames(first, last + 1), strict=True))
                for position, frame in enumerate(window.edited, 1):
                    context.check()
                    picture, unsupported = draw(frame, sources[frame])
                    if unsupported is not None:
                        shares.append(unsupported)
                    yield picture
                    context.report(STAGE, number * runs + runs * position // len(window.edited), total)

            finished = EditedWindow.of(window.edited, pictures(), request.region)
            if shares:
                finished = replace(finished, unsupported=tuple(shares))
        else:
            context.report(STAGE, (number + 1) * runs, total)
        yield finished
