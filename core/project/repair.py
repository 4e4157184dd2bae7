"""References of a document that lead nowhere, because somebody changed or damaged its file: they
are left out when it is read, so that the rest opens.
"""

from __future__ import annotations

from dataclasses import replace

from core.project.project import Project


def repaired(project: Project) -> Project:
    """The project without references that lead nowhere, and without second things of one id; the
    same one where there are none.
    """
    edits = {edit.edit_id: edit for edit in project.edits}
    propagations = {one.propagation_id: one for one in project.propagations}
    tracks = {track.object_id: track for track in project.tracks}
    layers = {layer.propagation_id: layer for layer in project.layers if layer.propagation_id in propagations}
    accepted = project.accepted if project.accepted in edits else None
    keyframes = tuple(dict.fromkeys(edit_id for edit_id in project.keyframes if edit_id in edits))
    beside = tuple(dict.fromkeys(edit_id for edit_id in project.beside if edit_id in edits and edit_id != accepted))
    if accepted is None and beside:
        accepted, beside = beside[-1], beside[:-1]
    if accepted is None and keyframes:
        accepted, keyframes = keyframes[0], keyframes[1:]
    sound = replace(
        project,
        edits=tuple(edits.values()),
        propagations=tuple(propagations.values()),
        tracks=tuple(tracks.values()),
        layers=tuple(layers.values()),
        accepted=accepted,
        keyframes=keyframes,
        beside=beside,
    )
    return project if sound == project else sound
