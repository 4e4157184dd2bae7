"""What is known of a project's objects through time: where each is, where a person spoke, where to look again."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, TYPE_CHECKING

from app.media.pictures import Pictures
from app.storage.cache import Recent
from core.project.project import Project
from core.project.tracks import MaskTrack

if TYPE_CHECKING:
    from core.masks import MaskSequence


class Lanes:
    """Safe to use from several threads."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._suspects: Recent[list[list[Any]]] = Recent(64)

    def timeline(self, project: Project) -> list[dict[str, Any]]:
        """Per object: name, colour, where its mask is not empty and where it is confirmed as [start, stop] runs, frames that were prompted,
        frames that ask for tracking, and frames to look at with what is suspect there."""
        return [self._lane(project, track) for track in project.tracks]

    def _lane(self, project: Project, track: MaskTrack) -> dict[str, Any]:
        masks = self._pictures.object_masks(project, track)
        suspect: list[list[Any]] = []
        if masks is not None and track.tracked is not None and not self._pictures.is_live(project.project_id):
            span, cuts = range(project.clip.start, project.clip.stop), self._pictures.cuts.known(project)
            key = (project.project_id, track.masks, track.confirmed, cuts, span)
            suspect = self._suspects.get(key, partial(suspects, masks, span, track.confirmed, cuts))
        return {
            "object_id": track.object_id,
            "name": track.name,
            "colour": track.colour,
            "hidden": track.hidden,
            "present": [list(run) for run in masks.selected()] if masks is not None else [],
            "prompted": sorted({prompt.frame for prompt in track.prompts}),
            "confirmed": [list(run) for run in runs(list(track.confirmed))],
            "pending": list(track.pending),
            "suspect": suspect,
            "tracked": track.tracked,
        }


def suspects(masks: MaskSequence, span: range, sure: tuple[int, ...], cuts: tuple[int, ...]) -> list[list[Any]]:
    """Frames to look at as [frame, symptom, what that is]. `sure` are confirmed, `cuts` the first frames of shots."""
    from core.masks import check_quality, FLAG_TEXTS

    return [[flag.frame, flag.reason, FLAG_TEXTS[flag.reason]] for flag in check_quality(masks, span, sure, cuts)]


def runs(frames: list[int]) -> Iterator[tuple[int, int]]:
    """Frames in order as half-open runs."""
    start = previous = None
    for frame in frames:
        if previous is None or frame != previous + 1:
            if start is not None and previous is not None:
                yield start, previous + 1
            start = frame
        previous = frame
    if start is not None and previous is not None:
        yield start, previous + 1
