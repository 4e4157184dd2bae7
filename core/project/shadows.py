"""What a removal takes away besides the region: shadows and reflections of the edited objects. They
are an object of their own, so that brush, overlay and list show and change them like any other.
"""

from __future__ import annotations

import dataclasses

from core.project.project import next_object_id, Project, with_stale_edits
from core.project.tracks import MaskTrack

SHADOW_COLOUR = (120, 84, 196)
"""Overlay colour of what objects affect."""


def shadow_of(project: Project, objects: tuple[int, ...] = ()) -> MaskTrack | None:
    """What these objects affect, or all that are edited, as far as it was looked for."""
    return next((track for track in project.tracks if track.affected is not None and track.cast_by == objects), None)


def with_affected(project: Project, region: str, masks: str | None, objects: tuple[int, ...] = ()) -> Project:
    """Say what edited objects affect, in place of what was found before. The region itself is as it
    was.

    Args:
        project: The project.
        region: The stored region that it was found for.
        masks: The stored mask sequence; None where there is nothing.
        objects: Those that are removed by a try of their own; none stands for all.

    Returns:
        The next project.
    """
    before = shadow_of(project, objects)
    others = tuple(track for track in project.tracks if track is not before)
    if masks is None:
        return dataclasses.replace(project, tracks=others)
    caster = f" of {project.track(objects[0]).name}" if len(objects) == 1 else ""
    track = before or MaskTrack(next_object_id(project), f"Shadow{caster}", SHADOW_COLOUR, cast_by=objects)
    frames = (project.clip.start, project.clip.stop)
    return dataclasses.replace(project, tracks=(*others, dataclasses.replace(track, masks=masks, affected=region, tracked=frames)))


def with_shadows(project: Project, shadows: bool) -> Project:
    """Let removals take away shadows and reflections too, or leave them."""
    return project if project.shadows == shadows else with_stale_edits(dataclasses.replace(project, shadows=shadows))
