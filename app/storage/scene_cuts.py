"""The cuts of a project's clip: looked for once, kept beside the project, and known from
then on to every project of the same file.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.storage.workspace import Workspace
from core.errors import InputError
from core.file_facts import file_mark, FileMark
from core.progress import JobContext
from core.project.plain import parse_json
from core.project.project import Project

if TYPE_CHECKING:
    import numpy as np

    from core.media import ClipReader

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


class SceneCuts:
    """Safe to use from several threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._clips: dict[FileMark, _Known] = {}
        self._kept: dict[str, _Known] = {}
        self._looking = threading.Lock()
        self._keeping = threading.Lock()
        self._lock = threading.Lock()

    def known(self, project: Project) -> tuple[int, ...]:
        """First frames of the clip's shots but the first's, as far as they have been looked for."""
        return self._of(project).cuts

    def looked(self, project: Project) -> int:
        """How many frames of the clip have been looked through."""
        return sum(stop - start for start, stop in self._of(project).seen)

    def all(self, project: Project, source: Callable[[Project], ClipReader], context: JobContext) -> tuple[int, ...]:
        """The cuts in the part that is worked on, looked for where nobody has yet.

        Args:
            project: The project.
            source: Gives the clip's own frames.
            context: Reports frames, and can cancel.

        Returns:
            First frames of the shots but the first's.
        """
        span = project.clip.start, project.clip.stop
        for start in range(*span, CHUNK):
            context.report("looking for cuts", start - span[0], span[1] - span[0])
            self.look(project, source(project), start, min(start + CHUNK, span[1]))
        return self.known(project)

    def look(self, project: Project, reader: ClipReader, start: int, stop: int, pace: Pace | None = None) -> None:
        """Look for cuts in frames start:stop, unless somebody has.

        Args:
            project: The project.
            reader: The clip's own frames.
            start: The first frame.
            stop: The frame after the last one.
            pace: Hands the frames on when it is time, or raises Cancelled.
        """
        from core.media import find_scene_cuts

        if self._has_seen(project, start, stop):  # whoever looks for others may take its time
            self._keep(project)
            return
        with self._looking:
            if not self._has_seen(project, start, stop):
                known = self._of(project)
                # a cut is told by what lies on either side of it
                first, last = max(0, start - MARGIN), min(project.clip.info.frames, stop + MARGIN)
                frames = reader.previews(first, last, LOOKED_AT)
                found = find_scene_cuts(pace(frames) if pace else frames, first)
                cuts = sorted({*known.cuts, *(cut for cut in found if start <= cut < stop)})
                with self._lock:
                    self._clips[clip_file(project)[0], *known.mark] = _Known(known.mark, tuple(cuts), _joined([*known.seen, (start, stop)]))
        self._keep(project)

    def is_kept(self, project: Project) -> bool:
        """Whether what is known lies beside the project; nothing lies beside a draft."""
        return self._kept.get(project.project_id) == self._of(project) or self._workspace.is_draft(project.project_id)

    def _has_seen(self, project: Project, start: int, stop: int) -> bool:
        return any(a <= start and stop <= b for a, b in self._of(project).seen)

    def _keep(self, project: Project) -> None:
        with self._keeping:  # the last one to write has the latest
            if not self.is_kept(project):
                known = self._of(project)
                self._workspace.write(project.project_id, _FILE, json.dumps(asdict(known)).encode())
                self._kept[project.project_id] = known

    def _of(self, project: Project) -> _Known:
        with self._lock:
            file = clip_file(project)
            known = self._clips.get(file)
            if known is None:
                known = _Known(file[1:])
                # not there yet, or damaged: looked for again
                with contextlib.suppress(InputError, OSError, ValueError, KeyError, TypeError):
                    kept = parse_json(self._workspace.file(project.project_id, _FILE).read_text(encoding="utf-8"))
                    if tuple(kept["mark"]) == known.mark:
                        seen = [(int(start), int(stop)) for start, stop in kept["seen"]]
                        known = self._kept[project.project_id] = _Known(known.mark, tuple(int(cut) for cut in kept["cuts"]), _joined(seen))
                self._clips[file] = known
            return known


def clip_file(project: Project) -> FileMark:
    """The clip's file or folder as it is now; size and time are 0 when it is gone."""
    source = Path(project.clip.source)
    with contextlib.suppress(InputError):
        return file_mark(source)
    return source, 0, 0


def _joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same frames in as few spans as can be, in order."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return tuple(joined)
