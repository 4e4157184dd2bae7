"""The document: one clip, the objects on it, the region, the keyframe tries and the propagations. Immutable; a change makes a new one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from core.errors import InputError
from core.project.edits import KeyframeEdit, Propagation
from core.project.prompts import check_prompt, Prompt
from core.project.tracks import MaskAdjustment, MaskTrack
from core.project.video import check_span, Clip

SCHEMA_VERSION = 1

COLOURS: tuple[tuple[int, int, int], ...] = (
    (239, 83, 80),
    (66, 165, 245),
    (102, 187, 106),
    (255, 202, 40),
    (171, 71, 188),
    (38, 198, 218),
    (255, 112, 67),
    (141, 110, 99),
)
"""Overlay colours of objects, in the order objects are added."""


@dataclass(frozen=True)
class Project:
    """Everything a person did to one clip. `region` is the stored mask sequence to edit (adjusted union of the tracks)."""

    project_id: str
    name: str
    clip: Clip
    created: str
    tracks: tuple[MaskTrack, ...] = ()
    adjustment: MaskAdjustment = field(default_factory=lambda: MaskAdjustment("box+expand", 8))
    region: str | None = None
    edits: tuple[KeyframeEdit, ...] = ()
    accepted: str | None = None
    propagations: tuple[Propagation, ...] = ()

    def track(self, object_id: int) -> MaskTrack:
        """The object's track; InputError when there is none."""
        for track in self.tracks:
            if track.object_id == object_id:
                return track
        raise InputError(f"there is no object {object_id}")

    def edit(self, edit_id: str) -> KeyframeEdit:
        """The keyframe try of that id; InputError when there is none."""
        for edit in self.edits:
            if edit.edit_id == edit_id:
                return edit
        raise InputError(f"there is no keyframe try {edit_id}")

    @property
    def accepted_edit(self) -> KeyframeEdit | None:
        return self.edit(self.accepted) if self.accepted else None

    @property
    def latest_propagation(self) -> Propagation | None:
        return self.propagations[-1] if self.propagations else None


# Changes. Each takes a project and returns the next one; what depended on what changed is marked stale, never thrown away.


def trimmed(project: Project, start: int, stop: int) -> Project:
    """Work on frames start:stop only."""
    check_span(start, stop, project.clip.info.frames)
    return _without_region(dataclasses.replace(project, clip=dataclasses.replace(project.clip, start=start, stop=stop)))


def with_object(project: Project, name: str | None = None) -> tuple[Project, MaskTrack]:
    """Add an empty object and return it too."""
    object_id = max((t.object_id for t in project.tracks), default=0) + 1
    track = MaskTrack(object_id, name or f"Object {object_id}", COLOURS[(object_id - 1) % len(COLOURS)])
    return dataclasses.replace(project, tracks=(*project.tracks, track)), track


def without_object(project: Project, object_id: int) -> Project:
    """Remove an object and its masks from the region."""
    project.track(object_id)
    return _without_region(dataclasses.replace(project, tracks=tuple(t for t in project.tracks if t.object_id != object_id)))


def with_track(project: Project, track: MaskTrack) -> Project:
    """Replace the track of the same object id."""
    project.track(track.object_id)
    for prompt in track.prompts:
        check_prompt(prompt, *project.clip.info.size, project.clip.info.frames)
    return _without_region(
        dataclasses.replace(project, tracks=tuple(track if t.object_id == track.object_id else t for t in project.tracks))
    )


def with_prompt(project: Project, prompt: Prompt) -> Project:
    """Add a prompt to its object. A new box on a frame replaces the box that was there."""
    track = project.track(prompt.object_id)
    kept = tuple(p for p in track.prompts if not (type(p) is type(prompt) and not _is_point(p) and p.frame == prompt.frame))
    return with_track(project, dataclasses.replace(track, prompts=(*kept, prompt)))


def with_adjustment(project: Project, adjustment: MaskAdjustment) -> Project:
    """Widen the masks in another way."""
    return project if adjustment == project.adjustment else _without_region(dataclasses.replace(project, adjustment=adjustment))


def with_region(project: Project, region: str) -> Project:
    """Remember the stored mask sequence that the tracks and the adjustment come to."""
    return dataclasses.replace(project, region=region)


def with_edits(project: Project, edits: tuple[KeyframeEdit, ...]) -> Project:
    """Add keyframe tries."""
    return dataclasses.replace(project, edits=(*project.edits, *edits))


def with_accepted(project: Project, edit_id: str) -> Project:
    """Choose the try that is carried through the clip."""
    project.edit(edit_id)
    stale = tuple(p if p.edit_id == edit_id else dataclasses.replace(p, stale=True) for p in project.propagations)
    return dataclasses.replace(project, accepted=edit_id, propagations=stale)


def with_propagation(project: Project, propagation: Propagation) -> Project:
    """Add a propagation, or replace the one of the same id."""
    others = tuple(p for p in project.propagations if p.propagation_id != propagation.propagation_id)
    return dataclasses.replace(project, propagations=(*others, propagation))


def _is_point(prompt: Prompt) -> bool:
    return hasattr(prompt, "positive")


def _without_region(project: Project) -> Project:
    return _with_stale_edits(dataclasses.replace(project, region=None))


def _with_stale_edits(project: Project) -> Project:
    return dataclasses.replace(
        project,
        edits=tuple(dataclasses.replace(e, stale=True) for e in project.edits),
        propagations=tuple(dataclasses.replace(p, stale=True) for p in project.propagations),
    )
