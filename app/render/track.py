"""Follow objects through the shots of a video from prompts, where there is no project: for the
command line and for recipes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from app.engine import Engine
from core.progress import JobContext, ProgressEvent
from core.project.prompts import Prompt

if TYPE_CHECKING:
    import numpy as np

    from core.masks import MaskSequence
    from core.media import ClipReader

Span = tuple[int, int]


def shots_of(reader: ClipReader, span: Span, context: JobContext) -> list[Span]:
    """The half-open span, cut where the picture changes to another shot.

    Args:
        reader: The clip.
        span: The frames start:stop.
        context: Reports frames, and can cancel.

    Returns:
        Ranges of frames that join without a gap.
    """
    from core.media import find_scene_cuts

    def watched(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        for index, frame in enumerate(frames):
            if index % 8 == 0:
                context.report("looking for cuts", index, span[1] - span[0])
            yield frame

    cuts = find_scene_cuts(watched(iter(reader.frames(*span))), span[0])
    return list(pairwise([span[0], *(cut for cut in cuts if span[0] < cut < span[1]), span[1]]))


def track_objects(
    engine: Engine,
    segmenter: str | None,
    reader: ClipReader,
    prompts: Mapping[int, Sequence[Prompt]],
    shots: Sequence[Span],
    context: JobContext,
    folder: Path | None = None,
) -> dict[int, MaskSequence]:
    """Track objects through shots that join without a gap.

    In a shot in which nothing is said of an object it stays unmarked.

    Args:
        engine: Has the segmenter.
        segmenter: Its name; the settings' own for None.
        reader: The clip.
        prompts: Of each object.
        shots: What `shots_of` gave.
        context: Reports frames, and can cancel.
        folder: Has the files of mask prompts.

    Returns:
        The masks of each object.
    """
    from core.masks import MaskSequence

    span = shots[0][0], shots[-1][1]
    found = {object_id: MaskSequence.empty(reader.info.size, *span) for object_id in prompts}
    context.report("loading the segmenter", 0, 1)
    session = engine.tracker(reader, folder, segmenter)
    for shot in shots:
        seeds = {object_id: [p for p in given if shot[0] <= p.frame < shot[1]] for object_id, given in prompts.items()}
        seeds = {object_id: given for object_id, given in seeds.items() if given}
        if not seeds:
            continue
        part = JobContext(partial(_report_part, context, shot[0] - span[0], span[1] - span[0]), context.token)
        for frame, masks in session.track(seeds, *shot, part):
            for object_id, mask in masks.items():
                found[object_id].set(frame, mask, masks.quality.get(object_id))
    return found


def _report_part(context: JobContext, before: int, total: int, event: ProgressEvent) -> None:
    context.report(event.stage, min(before + event.done, total), total, event.partial)
