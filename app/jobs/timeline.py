"""What is known of a project's objects through time: where each is, where a person prompted it,
which frames to check.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from typing import Any, TYPE_CHECKING

from app.storage.cache import ClosingCache
from app.storage.masks import MaskStore
from core.project.project import Project
from core.project.prompts import marks_object
from core.project.tracks import MaskTrack

if TYPE_CHECKING:
    from core.masks import Doubt, MaskSequence


class ObjectTimelines:
    """The timelines of a project's objects. Safe to use from several threads."""

    def __init__(self, masks: MaskStore) -> None:
        self._masks = masks
        self._flags: ClosingCache[list[list[Any]]] = ClosingCache(64)
        self._doubts: ClosingCache[Doubt] = ClosingCache(64)

    def timeline(self, project: Project) -> list[dict[str, Any]]:
        """Of each object, for the page.

        `present` and `confirmed` are [start, stop] runs of frames where the mask is not empty, and
        where a person confirmed it; `prompted` and `pending` are frames with prompts, and frames
        that ask for tracking; `suspect` are frames to check, each as [frame, flag, what the flag
        means]. `doubt` says in words what looks wrong with imported masks as a whole; empty when
        nothing does; `lost` are runs of frames whose masks were damaged on the disk.
        """
        return [self._of_object(project, track) for track in project.tracks]

    def _of_object(self, project: Project, track: MaskTrack) -> dict[str, Any]:
        masks = self._masks.object_masks(project, track)
        flags: list[list[Any]] = []
        if masks is not None and track.tracked is not None and not self._masks.is_live(project.project_id):
            frames, cuts = project.clip.frame_range.frames, self._masks.cuts.known(project)
            marked = tuple(sorted({prompt.frame for prompt in track.prompts if marks_object(prompt)}))
            key = (project.project_id, track.masks, track.confirmed, cuts, frames, marked)
            flags = self._flags.get(key, partial(frames_to_check, masks, frames, track.confirmed, cuts, marked))
        if masks is not None and masks.lost and not self._masks.is_live(project.project_id):
            flags = _with_lost(flags, masks.lost)
        return {
            "object_id": track.object_id,
            "name": track.name,
            "colour": track.colour,
            "hidden": track.hidden,
            "present": [list(run) for run in masks.selected()] if masks is not None else [],
            "prompted": sorted({prompt.frame for prompt in track.prompts}),
            "confirmed": [list(run) for run in runs(list(track.confirmed))],
            "pending": list(track.pending),
            "suspect": flags,
            "tracked": track.tracked,
            "lost": [list(span) for span in masks.lost] if masks is not None else [],
            "doubt": self._doubt(project, track, masks) if masks is not None else "",
        }

    def _doubt(self, project: Project, track: MaskTrack, masks: MaskSequence) -> str:
        """What a person should be asked about masks that came from elsewhere: see
        `core.masks.doubt`.
        """
        from core.masks import doubt_about, DOUBT_TEXTS

        if track.prompts or self._masks.is_live(project.project_id):
            return ""
        frames = project.clip.frame_range.frames
        doubt = self._doubts.get((project.project_id, track.masks, frames), partial(doubt_about, masks, frames))
        return DOUBT_TEXTS.get(doubt, "")


def _with_lost(flags: list[list[Any]], lost: list[tuple[int, int]]) -> list[list[Any]]:
    """The flags with one where masks begin to be lost, in place of what that looks like."""
    from core.masks import FLAG_TEXTS

    kept = [flag for flag in flags if not any(start <= flag[0] <= stop for start, stop in lost)]
    return sorted([*kept, *([start, "lost", FLAG_TEXTS["lost"]] for start, _ in lost)], key=lambda flag: flag[0])


def frames_to_check(
    masks: MaskSequence, frames: range, sure: tuple[int, ...], cuts: tuple[int, ...], marked: Collection[int] = ()
) -> list[list[Any]]:
    """Frames of an object whose masks look wrong.

    Args:
        masks: The object's masks.
        frames: The frames to look at.
        sure: Frames that a person confirmed; they are left out.
        cuts: First frames of shots.
        marked: Frames on which a prompt says that the object is there.

    Returns:
        [frame, flag, what the flag means] for each.
    """
    from core.masks import check_quality, FLAG_TEXTS

    return [[flag.frame, flag.reason, FLAG_TEXTS[flag.reason]] for flag in check_quality(masks, frames, sure, cuts, marked)]


def runs(frames: list[int]) -> Iterator[tuple[int, int]]:
    """Frames in order, as half-open runs."""
    start = previous = None
    for frame in frames:
        if previous is None or frame != previous + 1:
            if start is not None and previous is not None:
                yield start, previous + 1
            start = frame
        previous = frame
    if start is not None and previous is not None:
        yield start, previous + 1
