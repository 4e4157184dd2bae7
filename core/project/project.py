"""The document: one clip, the objects on it, the region, the keyframe tries and the propagations.
Immutable; a change makes a new one.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from core.errors import InputError
from core.geometry import FrameRange
from core.project.edits import KeyframeEdit, Layer, Propagation, Task
from core.project.prompts import check_prompt, Prompt
from core.project.tracks import MaskAdjustment, MaskTrack, USUAL_ADJUSTMENT
from core.project.video import Clip

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
    """Everything a person did to one clip. `region` is the stored mask sequence to edit: the union
    of the edited tracks, each adjusted in its own way or by `adjustment`. Where they have soft
    edges of several widths, `feathers` are those with the stored mask sequences of where the region
    has them.

    `accepted` is the try to propagate through the clip, `keyframes` are further ones on other
    frames, from which the edit starts anew. Where objects have tries of their own, `beside` are the
    accepted ones of the other objects, in the order in which they were accepted. `layers` are
    results that were accepted, the lowest first: the clip with them is what the next edit stands
    on. With `shadows` a removal also takes away what the objects affect. `proposed_for` is the task
    that `adjustment` was proposed for; None once a person chose a form or an amount.
    """

    project_id: str
    name: str
    clip: Clip
    created: str
    tracks: tuple[MaskTrack, ...] = ()
    adjustment: MaskAdjustment = USUAL_ADJUSTMENT
    region: str | None = None
    edits: tuple[KeyframeEdit, ...] = ()
    accepted: str | None = None
    propagations: tuple[Propagation, ...] = ()
    keyframes: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    feathers: tuple[tuple[int, str], ...] = ()
    shadows: bool = True
    proposed_for: Task | None = None
    beside: tuple[str, ...] = ()

    def track(self, object_id: int) -> MaskTrack:
        """The object's track; InputError when there is none."""
        for track in self.tracks:
            if track.object_id == object_id:
                return track
        raise InputError(f"there is no object {object_id} (any more): choose one that is listed")

    @property
    def edited_tracks(self) -> tuple[MaskTrack, ...]:
        """The objects that the region is made of."""
        return tuple(track for track in self.tracks if track.edited and track.affected is None)

    @property
    def affected_tracks(self) -> tuple[MaskTrack, ...]:
        """What a removal takes away besides the region: shadows and reflections."""
        if not self.shadows:
            return ()
        return tuple(track for track in self.tracks if track.edited and track.affected is not None)

    @property
    def front_tracks(self) -> tuple[MaskTrack, ...]:
        """The objects that stay in front of the edit."""
        return tuple(track for track in self.tracks if track.in_front and not track.edited and track.masks)

    def edit(self, edit_id: str) -> KeyframeEdit:
        """The keyframe try of that id; InputError when there is none."""
        for edit in self.edits:
            if edit.edit_id == edit_id:
                return edit
        raise InputError(f"there is no keyframe try {edit_id} (any more): choose one that is listed")

    @property
    def feather(self) -> int:
        """Over how many pixels the region's edge is soft; where its objects differ, the least."""
        own = (track.adjusted_by(self.adjustment).feather for track in self.edited_tracks if track.masks)
        return min(own, default=self.adjustment.feather)

    @property
    def accepted_edits(self) -> tuple[KeyframeEdit, ...]:
        """The accepted tries, one for all objects or one for each that has its own, in the order in
        which they were accepted.
        """
        ids = () if self.accepted is None else (*self.beside, self.accepted)
        return tuple(self.edit(edit_id) for edit_id in ids)

    def keyframes_with(self, first: KeyframeEdit) -> tuple[KeyframeEdit, ...]:
        """An accepted try and the further keyframes of its objects, in the order of the frames."""
        further = (self.edit(edit_id) for edit_id in self.keyframes)
        return tuple(sorted((first, *(edit for edit in further if edit.objects == first.objects)), key=lambda edit: edit.frame))

    @property
    def keyframes_by_object(self) -> tuple[tuple[KeyframeEdit, ...], ...]:
        """The keyframes to carry, for all objects or for each that has its own, the lowest first.
        What is for an object that is not edited now is left out.
        """
        edited = {track.object_id for track in self.edited_tracks}
        return tuple(self.keyframes_with(first) for first in self.accepted_edits if edited.issuperset(first.objects))

    @property
    def accepted_keyframes(self) -> tuple[KeyframeEdit, ...]:
        """All keyframes to carry, in the order of their frames."""
        return tuple(sorted((edit for group in self.keyframes_by_object for edit in group), key=lambda edit: edit.frame))

    def propagation(self, propagation_id: str) -> Propagation:
        """The propagation of that id; InputError when there is none."""
        for propagation in self.propagations:
            if propagation.propagation_id == propagation_id:
                return propagation
        raise InputError(f"there is no propagation {propagation_id} (any more): propagate again")

    @property
    def base(self) -> str:
        """Names the frames that edits stand on: the ids of the enabled layers, the lowest first.
        Empty: the source itself.
        """
        return "+".join(layer.propagation_id for layer in self.layers if layer.enabled)

    @property
    def latest_propagation(self) -> Propagation | None:
        """The result to look at: of those on the present base the newest that was made from the
        keyframes accepted now, else the newest.
        """
        layers = {layer.propagation_id for layer in self.layers}
        open_ones = [p for p in self.propagations if p.propagation_id not in layers and p.base == self.base]
        fitting = [p for p in open_ones if self.fits(p)]
        candidates = fitting or open_ones
        return candidates[-1] if candidates else None

    def fits(self, propagation: Propagation) -> bool:
        """Whether the propagation has the keyframes that are accepted now, behind the objects that
        are in front now, over the span and the base of now.
        """
        now = tuple(edit.edit_id for group in self.keyframes_by_object for edit in group)
        in_front = tuple(track.object_id for track in self.front_tracks)
        asked = now, self.base, (self.clip.start, self.clip.stop), in_front
        return asked == (propagation.edit_ids, propagation.base, propagation.span, propagation.in_front)


# Changes. Each takes a project and returns the next one; what depended on what changed is marked
# stale, never thrown away.


def trimmed(project: Project, start: int, stop: int) -> Project:
    """Work on a part of the clip only.

    Args:
        project: The project.
        start: The first frame.
        stop: The frame after the last one.

    Returns:
        The next project; what was made with the region is stale.

    Raises:
        InputError: The part is empty or reaches outside the video.
    """
    FrameRange(start, stop).check(project.clip.info.frames)
    return _without_region(dataclasses.replace(project, clip=dataclasses.replace(project.clip, start=start, stop=stop)))


def renamed(project: Project, name: str) -> Project:
    """Call the project by another name, of at most 200 letters."""
    if not name.strip():
        raise InputError("a project needs a name: write at least one letter")
    return dataclasses.replace(project, name=name.strip()[:200])


def identified(project: Project, sha256: str) -> Project:
    """Say what the content of the clip's file is, where that is not known yet."""
    return project if project.clip.sha256 else dataclasses.replace(project, clip=dataclasses.replace(project.clip, sha256=sha256))


def with_object(project: Project, name: str | None = None) -> tuple[Project, MaskTrack]:
    """Add an empty object and return it too."""
    object_id = next_object_id(project)
    track = MaskTrack(object_id, name or f"Object {object_id}", next_colour(project))
    return dataclasses.replace(project, tracks=(*project.tracks, track)), track


def next_object_id(project: Project) -> int:
    """The id that the next object gets."""
    return max((track.object_id for track in project.tracks), default=0) + 1


def next_colour(project: Project) -> tuple[int, int, int]:
    """The colour that the next object gets."""
    return COLOURS[(next_object_id(project) - 1) % len(COLOURS)]


def without_object(project: Project, object_id: int) -> Project:
    """Remove an object and its masks from the region."""
    gone = project.track(object_id)
    left = dataclasses.replace(project, tracks=tuple(t for t in project.tracks if t.object_id != object_id))
    # What a person threw away is not to be found again.
    return _without_region(left if gone.affected is None else dataclasses.replace(left, shadows=False))


def with_track(project: Project, track: MaskTrack) -> Project:
    """Replace the track of the same object id. Later work is stale when what it gives to the region
    is another than before.
    """
    before = project.track(track.object_id)
    for prompt in track.prompts:
        check_prompt(prompt, *project.clip.info.size, project.clip.info.frames)
    changed = dataclasses.replace(project, tracks=tuple(track if t.object_id == track.object_id else t for t in project.tracks))

    def given(one: MaskTrack) -> tuple[object, ...]:
        return one.masks, one.edited, one.adjustment, one.kept_exactly(project.adjustment)

    if given(track) == given(before):
        return changed
    if track.affected is None:
        return _without_region(changed, project)
    stale = (dataclasses.replace(e, stale=e.stale or e.objects == track.cast_by) for e in changed.edits)
    return _without_region(dataclasses.replace(changed, edits=tuple(stale)), changed)


def with_prompt(project: Project, prompt: Prompt) -> Project:
    """Add a prompt to its object. A new box on a frame replaces the box that was there."""
    track = project.track(prompt.object_id)
    kept = tuple(p for p in track.prompts if not (type(p) is type(prompt) and not _is_point(p) and p.frame == prompt.frame))
    return with_track(project, dataclasses.replace(track, prompts=(*kept, prompt)))


def with_adjustment(project: Project, adjustment: MaskAdjustment, object_id: int | None = None) -> Project:
    """Adjust the masks in another way.

    Args:
        project: The project.
        adjustment: The new way.
        object_id: The object that gets a way of its own; None for all objects that have none.

    Returns:
        The next project; what was made with the region is stale.

    Raises:
        InputError: There is no such object.
    """
    if object_id is not None:
        track = project.track(object_id)
        now = track.adjusted_by(project.adjustment)
        same = (adjustment.form, adjustment.pixels) == (now.form, now.pixels)
        proposed = track.proposed_for if same else None
        return with_track(project, dataclasses.replace(track, adjustment=adjustment, proposed_for=proposed))
    before = project.adjustment
    if adjustment == before:
        return project
    same = (adjustment.form, adjustment.pixels) == (before.form, before.pixels)
    changed = dataclasses.replace(project, adjustment=adjustment, proposed_for=project.proposed_for if same else None)
    return _without_region(changed, project)


def with_region(project: Project, region: str, feathers: tuple[tuple[int, str], ...] = ()) -> Project:
    """Remember what the tracks and the adjustments come to.

    Args:
        project: The project.
        region: The stored mask sequence of the region.
        feathers: Where its edges have several widths: each width in pixels, with the stored mask
            sequence of where it holds.

    Returns:
        The next project.
    """
    return dataclasses.replace(project, region=region, feathers=feathers)


def with_propagation(project: Project, propagation: Propagation) -> Project:
    """Add a propagation, or replace the one of the same id."""
    others = tuple(p for p in project.propagations if p.propagation_id != propagation.propagation_id)
    return dataclasses.replace(project, propagations=(*others, propagation))


def without_propagation(project: Project, propagation_id: str) -> Project:
    """Forget a propagation that is no layer."""
    return dataclasses.replace(project, propagations=tuple(p for p in project.propagations if p.propagation_id != propagation_id))


def with_layer(project: Project, propagation_id: str) -> Project:
    """Accept a result: the next edit stands on it, and begins with an empty selection. Undo brings
    the tracks and the tries back.

    InputError for one without a result, one that is a layer already, or one that was made on
    another base than the present stack.
    """
    propagation = project.propagation(propagation_id)
    if propagation.result is None:
        raise InputError("this propagation is not finished: resume it first")
    if any(layer.propagation_id == propagation_id for layer in project.layers):
        raise InputError("this result is in the stack already: propagate again for another")
    if propagation.base != project.base:
        raise InputError("this result was made on another stack of edits than the present one: propagate again, then accept")
    layers = (*project.layers, Layer(propagation_id))
    begun = dataclasses.replace(project, layers=layers, tracks=(), region=None, feathers=())
    return dataclasses.replace(begun, edits=(), accepted=None, keyframes=(), beside=())


def with_layers(project: Project, layers: tuple[Layer, ...]) -> Project:
    """Reorder the stack, switch layers on or off, or leave some out. What was tried on another base
    is marked stale.

    InputError for a layer that is no result, or one that is there twice.
    """
    ids = [layer.propagation_id for layer in layers]
    if len(set(ids)) != len(ids) or any(project.propagation(i).result is None for i in ids):
        raise InputError("a layer has to be a finished result, and can be in the stack only once: name each result once")
    changed = dataclasses.replace(project, layers=layers)
    if changed.base == project.base:
        return changed
    return dataclasses.replace(changed, edits=tuple(dataclasses.replace(e, stale=True) for e in changed.edits))


def for_objects(project: Project, objects: tuple[int, ...]) -> Project:
    """The project as if these objects alone were edited; itself for none, which stands for all.

    Raises:
        InputError: One of them is not edited.
    """
    if not objects:
        return project
    edited = {track.object_id: track for track in project.edited_tracks}
    for object_id in objects:
        if object_id not in edited:
            raise InputError(f"{project.track(object_id).name} is not edited: tick it in step 3, or choose another object")
    if set(objects) == set(edited):
        return project
    tracks = tuple(dataclasses.replace(t, edited=t.edited and (t.object_id in objects or t.cast_by == objects)) for t in project.tracks)
    return dataclasses.replace(project, tracks=tracks, region=None, feathers=())


def _is_point(prompt: Prompt) -> bool:
    return hasattr(prompt, "positive")


def region_parts(project: Project, objects: tuple[int, ...] = ()) -> tuple[object, ...]:
    """What the region is made of, or the part of it that some objects give; an object's name and
    its prompts are none of it.
    """
    tracks, usual = project.edited_tracks, project.adjustment
    some = (track for track in tracks if not objects or track.object_id in objects)
    return tuple((track.object_id, track.masks, track.adjusted_by(usual), track.kept_exactly(usual)) for track in some)


def _without_region(project: Project, before: Project | None = None) -> Project:
    """The project without its region, which is to be made anew. Tries whose own objects are as they
    were `before` stay as they are.
    """
    without = dataclasses.replace(project, region=None, feathers=())
    if before is None:
        return with_stale_edits(without)
    fresh = {e.edit_id for e in project.edits if region_parts(before, e.objects) == region_parts(project, e.objects)}
    known = with_stale_edits(without).edits
    edits = (old if old.edit_id in fresh else new for old, new in zip(project.edits, known, strict=True))
    return dataclasses.replace(with_stale_edits(without), edits=tuple(edits))


def with_stale_edits(project: Project) -> Project:
    """Mark all that was made with the region as it was."""
    return dataclasses.replace(
        project,
        edits=tuple(dataclasses.replace(e, stale=True) for e in project.edits),
        propagations=tuple(dataclasses.replace(p, stale=True) for p in project.propagations),
    )
