"""What is known of a project through time: its shots, and for every object where it is, where a person spoke, where to look again."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
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

Pace = Callable[[Iterator["np.ndarray"]], Iterator["np.ndarray"]]

_FILE = "cuts.json"

CHUNK = 96
"""Frames that are looked through at a time, between which others have their turn."""
MARGIN = 5
LOOKED_AT = 160
"""Width in pixels at which cuts are looked for."""


@dataclass(frozen=True)
class _Known:
    """Cuts of a clip, and the spans of frames in which they have been looked for."""

    mark: tuple[int, int]
    cuts: tuple[int, ...] = ()
    seen: tuple[tuple[int, int], ...] = ()


class Lanes:
    """Safe to use from several threads."""

    def __init__(self, workspace: Workspace, pictures: Pictures) -> None:
        self._workspace = workspace
        self._pictures = pictures
        self._suspects: Recent[list[list[Any]]] = Recent(64)
        self._cuts: dict[str, _Known] = {}
        self._looking = threading.Lock()
        self._lock = threading.Lock()

    def cuts(self, project: Project, context: JobContext) -> tuple[int, ...]:
        """First frames of the shots that the project works on, but the first's; looked for where nobody has yet, and kept."""
        span = project.clip.start, project.clip.stop
        for start in range(*span, CHUNK):
            context.report("looking for cuts", start - span[0], span[1] - span[0])
            self.look(project, start, min(start + CHUNK, span[1]))
        return self.known_cuts(project)

    def look(self, project: Project, start: int, stop: int, pace: Pace | None = None) -> None:
        """Look for cuts in frames start:stop, unless somebody has. `pace` hands the frames on when it is time, or raises Cancelled."""
        from core.media import find_cuts

        if any(a <= start and stop <= b for a, b in self._known(project).seen):
            return
        with self._looking:
            known = self._known(project)
            if any(a <= start and stop <= b for a, b in known.seen):
                return
            # a cut is told by what lies on either side of it
            first, last = max(0, start - MARGIN), min(project.clip.info.frames, stop + MARGIN)
            frames = self._pictures.source(project).previews(first, last, LOOKED_AT)
            found = find_cuts(pace(frames) if pace else frames, first)
            cuts = sorted({*known.cuts, *(cut for cut in found if start <= cut < stop)})
            known = _Known(file_mark(project), tuple(cuts), _joined([*known.seen, (start, stop)]))
            write_atomically(self._workspace.folder(project.project_id) / _FILE, json.dumps(asdict(known)).encode())
            with self._lock:
                self._cuts[project.project_id] = known

    def looked(self, project: Project) -> int:
        """How many frames of the clip have been looked through for cuts."""
        return sum(stop - start for start, stop in self._known(project).seen)

    def known_cuts(self, project: Project) -> tuple[int, ...]:
        """The cuts as far as they have been looked for."""
        return self._known(project).cuts

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

    def _known(self, project: Project) -> _Known:
        with self._lock:
            known = self._cuts.get(project.project_id)
            if known is None:
                known = _Known(file_mark(project))
                with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # not there yet, or damaged: looked for again
                    kept = json.loads((self._workspace.folder(project.project_id) / _FILE).read_text(encoding="utf-8"))
                    if tuple(kept["mark"]) == known.mark:
                        seen = [(int(start), int(stop)) for start, stop in kept["seen"]]
                        known = _Known(known.mark, tuple(int(cut) for cut in kept["cuts"]), _joined(seen))
                self._cuts[project.project_id] = known
            return known


def file_mark(project: Project) -> tuple[int, int]:
    """Size and time of the clip's file: another one under its name has other cuts. (0, 0) when it is gone."""
    with contextlib.suppress(OSError, ValueError):
        stat = Path(project.clip.source).stat()
        return stat.st_size, stat.st_mtime_ns
    return 0, 0


def _joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same frames in as few spans as can be, in order."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return tuple(joined)


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
