"""What is known of a project through time: its shots, and for every object where it is, where a person spoke, where to look again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any, TYPE_CHECKING

from app.pictures import Pictures
from app.recent import Recent
from app.workspace import Workspace, write_atomically
from core.progress import JobContext
from core.project.project import Project
from core.project.tracks import MaskTrack

if TYPE_CHECKING:
    import numpy as np

    from core.masks import MaskSequence

_FILE = "cuts.json"


class Lanes:
    """Safe to use from several threads."""

    def __init__(self, workspace: Workspace, pictures: Pictures) -> None:
        self._workspace = workspace
        self._pictures = pictures
        self._suspects: Recent[list[list[Any]]] = Recent(64)
        self._cuts: dict[str, tuple[int, ...]] = {}
        self._lock = threading.Lock()

    def cuts(self, project: Project, context: JobContext) -> tuple[int, ...]:
        """First frames of the clip's shots but the first; looked for once, with reports to `context`, and kept beside the project."""
        from core.media import find_cuts

        known = self._known(project)
        if known is not None:
            return known
        total = project.clip.info.frames

        def watched(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
            for index, frame in enumerate(frames):
                if index % 8 == 0:
                    context.report("looking for cuts", index, total)
                yield frame

        found = tuple(find_cuts(watched(self._pictures.source(project).frames(0, total))))
        path = self._workspace.folder(project.project_id) / _FILE
        write_atomically(path, json.dumps({"sha256": project.clip.sha256, "cuts": found}).encode())
        with self._lock:
            self._cuts[project.project_id] = found
        return found

    def known_cuts(self, project: Project) -> tuple[int, ...]:
        """The cuts as far as they have been looked for."""
        return self._known(project) or ()

    def timeline(self, project: Project) -> list[dict[str, Any]]:
        """Per object: name, colour, where its mask is not empty and where it is confirmed as [start, stop] runs, frames that were prompted,
        frames that ask for tracking, and frames to look at with what is suspect there."""
        return [self._lane(project, track) for track in project.tracks]

    def _lane(self, project: Project, track: MaskTrack) -> dict[str, Any]:
        masks = self._pictures.object_masks(project, track)
        present = [frame for frame in masks.frames if not masks.is_empty(frame)] if masks else []
        suspect: list[list[Any]] = []
        if masks is not None and track.tracked is not None and not self._pictures.is_live(project.project_id):
            span, cuts = range(project.clip.start, project.clip.stop), self.known_cuts(project)
            key = (project.project_id, track.masks, track.confirmed, cuts, span)
            suspect = self._suspects.get(key, partial(_suspects, masks, span, track.confirmed, cuts))
        return {
            "object_id": track.object_id,
            "name": track.name,
            "colour": track.colour,
            "hidden": track.hidden,
            "present": [list(run) for run in _runs(present)],
            "prompted": sorted({prompt.frame for prompt in track.prompts}),
            "confirmed": [list(run) for run in _runs(list(track.confirmed))],
            "pending": list(track.pending),
            "suspect": suspect,
            "tracked": track.tracked,
        }

    def _known(self, project: Project) -> tuple[int, ...] | None:
        with self._lock:
            if project.project_id not in self._cuts:
                try:
                    kept = json.loads((self._workspace.folder(project.project_id) / _FILE).read_text(encoding="utf-8"))
                    if kept["sha256"] == project.clip.sha256:
                        self._cuts[project.project_id] = tuple(int(cut) for cut in kept["cuts"])
                except (OSError, ValueError, KeyError, TypeError):  # not there yet, or damaged: looked for again
                    return None
            return self._cuts.get(project.project_id)


def _suspects(masks: MaskSequence, span: range, sure: tuple[int, ...], cuts: tuple[int, ...]) -> list[list[Any]]:
    """Frames to look at as [frame, symptom, what that is]."""
    from core.masks import examine, SYMPTOMS

    return [[suspect.frame, suspect.symptom, SYMPTOMS[suspect.symptom]] for suspect in examine(masks, span, sure, cuts)]


def _runs(frames: list[int]) -> Iterator[tuple[int, int]]:
    start = previous = None
    for frame in frames:
        if previous is None or frame != previous + 1:
            if start is not None and previous is not None:
                yield start, previous + 1
            start = frame
        previous = frame
    if start is not None and previous is not None:
        yield start, previous + 1
