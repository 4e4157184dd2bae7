"""The scan of a clip in the background, once it is open: the hash of its content, its brightness,
its scene cuts.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.contract.values import ClipScan
from app.jobs.runner import Job
from app.media.frames import ClipFrames
from app.storage.scene_cuts import CHUNK, clip_file, SceneCuts
from app.storage.workspace import Workspace
from core.errors import Cancelled, InputError, StudioError
from core.file_facts import FileMark
from core.progress import JobContext
from core.project import project as document
from core.project.project import Project

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)

SAMPLES = 12
"""Number of frames, spread over the clip, whose brightness is measured."""

QUIET = 1.0
"""Seconds without a request for a picture before the next frame is looked at."""


class ClipScanner:
    """One thread that gives way to everything else.

    What it finds out about a file holds for every project of it, and is kept; after a restart it
    goes on from there.
    """

    def __init__(self, workspace: Workspace, frames: ClipFrames, cuts: SceneCuts) -> None:
        self._workspace = workspace
        self._frames = frames
        self._cuts = cuts
        self._brightness: dict[FileMark, float] = {}
        self._notes: dict[FileMark, tuple[str, ...]] = {}
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._queued: set[str] = set()
        self._lock = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def start(self, project: Project) -> None:
        """Scan the project's clip when there is time, if that has not been done."""
        with self._lock:
            if project.project_id in self._queued or self._stopped.is_set():
                return
            looked = self._cuts.looked(project) == project.clip.info.frames and self._cuts.is_kept(project)
            if project.clip.sha256 and looked and clip_file(project) in self._brightness:
                return
            self._queued.add(project.project_id)
            self._waiting.put(project.project_id)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="clip-scan", daemon=True)
                self._thread.start()

    def found(self, project: Project) -> ClipScan:
        """What is known by now."""
        file = clip_file(project)
        return ClipScan(self._cuts.looked(project), self._brightness.get(file), self._notes.get(file, ()))

    def identified(self, project_id: str) -> Project:
        """The project with the hash of its clip, which is computed now if it is not known."""
        from core.media import sha256_of

        project = self._workspace.project(project_id)
        if project.clip.sha256:
            return project
        sha256 = sha256_of(project.clip.source)
        return self._workspace.change_everywhere(project_id, lambda p: document.identified(p, sha256))

    def with_hash(self, project_id: str, job: Job) -> Job:
        """A job that starts once the hash of the clip is known: results are named by it."""

        def identified(context: JobContext) -> dict[str, Any]:
            context.report("reading the clip", 0, 1)
            self.identified(project_id)
            return job(context)

        return identified

    def wait(self, timeout: float = 60) -> None:
        """Wait until all scans have ended, or `timeout` seconds are over."""
        with self._lock:
            self._lock.wait_for(lambda: not self._queued, timeout)

    def stop(self) -> None:
        """End within a moment; what is missing is scanned another time."""
        self._stopped.set()
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join(5)

    def _run(self) -> None:
        while (project_id := self._waiting.get()) is not None and not self._stopped.is_set():
            try:
                self._scan(self._workspace.project(project_id))
            except Cancelled:
                return
            except StudioError as error:  # opening the project shows the same error
                log.info("%s", error)
            except Exception:
                log.exception("a clip could not be scanned")
            finally:
                with self._lock:
                    self._queued.discard(project_id)
                    self._lock.notify_all()

    def _pace(self, frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Frames with a pause after each that is as long as the frame took.

        Half of the time is left to other work, and all of it to a person who moves through a clip.
        Raises Cancelled when the program ends.
        """
        started = time.monotonic()
        for frame in frames:
            yield frame
            pause = min(0.2, time.monotonic() - started)
            while pause > 0:
                if self._stopped.wait(pause):
                    raise Cancelled("stopped")
                pause = QUIET - self._frames.idle_seconds()
            started = time.monotonic()

    def _scan(self, project: Project) -> None:
        import numpy as np

        from core.media.stream_plan import stream_notes

        frames, file = project.clip.info.frames, clip_file(project)
        if file not in self._brightness:
            reader = self._frames.source(project)
            self._notes[file] = stream_notes(Path(project.clip.source))
            levels = []
            entries = reader.entry_points if len(reader.entry_points) > SAMPLES else range(frames)  # those come at once
            spread = (round(i * (frames - 1) / (SAMPLES - 1)) for i in range(SAMPLES))
            for index in sorted({entries[max(0, bisect_right(entries, index) - 1)] for index in spread}):
                if self._stopped.is_set():
                    return
                levels.append(float(np.mean(next(iter(reader.previews(index, index + 1, 64))))) / 255)
            self._brightness[file] = float(np.mean(levels))
        self.identified(project.project_id)
        for start in range(0, frames, CHUNK):
            if self._stopped.is_set():
                return
            with contextlib.suppress(InputError):
                self._workspace.project(project.project_id)  # still there
                self._cuts.look(project, self._frames.source(project), start, min(start + CHUNK, frames), self._pace)
                continue
            return
