"""The verbs of the Video step: projects, what a clip is, which part of it to work on, and what that will cost."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.editor.base import VerbBase
from app.jobs.clip_scan import Examined
from app.jobs.estimates import Rate
from app.media.frames import encode_jpeg
from app.storage.workspace import new_id, now, ProjectSummary
from core.assets import ASSETS
from core.errors import InputError
from core.progress import JobContext
from core.project import project as document
from core.project.edits import SamplingSettings
from core.project.project import Project
from core.project.prompts import BoxPrompt
from core.project.video import Clip

THUMBNAIL = 240
"""Width of a project's small picture, in pixels."""

QUICKLY_HASHED = 64_000_000
"""Bytes of a file whose content is hashed while it is opened; of a larger one, afterwards."""


@dataclass(frozen=True)
class Example:
    """A clip that comes with the program."""

    name: str
    title: str
    path: Path


@dataclass(frozen=True)
class Cost:
    """What a step takes on this machine: seconds for the clip, or one try, with one object, and memory.

    `measured` is False where it comes from a short trial. Both are None while neither has been done.
    """

    step: str
    seconds: float | None
    memory_mb: float | None
    measured: bool


class VideoVerbs(VerbBase):
    """What to work on."""

    def recent_projects(self, known: Sequence[str] | None = None, most: int | None = None) -> list[ProjectSummary]:
        """The projects of the workspace, the last changed first; only those with the ids `known`, and `most` at most, when given."""
        return self.workspace.recent(known, most)

    def examples(self) -> list[Example]:
        """The clips in assets/clips, by name."""
        return [Example(p.stem, p.stem.replace("-", " ").capitalize(), p) for p in sorted((ASSETS / "clips").glob("*.mp4"))]

    def create_project(self, source: str | Path, name: str | None = None) -> Project:
        """Open a video file or a folder of numbered images as a new project; InputError when it is no usable video."""
        from core.media import probe, sha256_of

        try:
            path = Path(source).expanduser().resolve()
        except (OSError, ValueError, RuntimeError) as error:  # a zero byte, the home folder of nobody
            raise InputError(f"there is no video at {str(source)!r:.200} ({error}): see that the path is right") from None
        info = probe(path)
        sha256 = sha256_of(path) if path.is_dir() or path.stat().st_size <= QUICKLY_HASHED else ""
        project = self.workspace.add(Project(new_id(), name or path.stem, Clip(str(path), sha256, info, 0, info.frames), now()))
        with contextlib.suppress(InputError):  # then it shows none
            self.thumbnail_jpeg(project.project_id)
        return project

    def rename_project(self, project_id: str, name: str) -> Project:
        """Call the project by another name."""
        return self.workspace.settle(project_id, lambda p: document.renamed(p, name))

    def delete_project(self, project_id: str) -> None:
        """Remove the project and all that was made in it, for good. The video stays where it is, unless it was sent to this program."""
        project = self.project(project_id)
        for job in self.runner.of_project(project_id):
            if not job.finished:
                self.runner.cancel(job.job_id)
        self.workspace.delete(project_id)
        source, uploads = Path(project.clip.source), (self.workspace.root / "uploads").resolve()
        if source.parent.parent == uploads and not any(
            Path(self.project(other.project_id).clip.source) == source for other in self.workspace.recent()
        ):
            shutil.rmtree(source.parent, ignore_errors=True)

    def trim(self, project_id: str, start: int, stop: int) -> Project:
        """Work on the frames from `start` to before `stop` only."""
        return self.workspace.change(project_id, "Trim", lambda p: document.trimmed(p, start, stop))

    def thumbnail_jpeg(self, project_id: str) -> bytes:
        """The first frame that is worked on, small; kept beside the project."""
        project = self.project(project_id)
        path = self.workspace.folder(project_id) / f"thumbnail-{project.clip.start}.jpg"
        with contextlib.suppress(OSError):
            return path.read_bytes()
        picture = encode_jpeg(self.pictures.source(project).preview(project.clip.start, THUMBNAIL))
        with contextlib.suppress(OSError):
            path.write_bytes(picture)
        return picture

    def example_jpeg(self, name: str) -> bytes:
        """The first frame of an example, small."""
        from core.media import open_clip

        for example in self.examples():
            if example.name == name:
                with open_clip(example.path) as reader:
                    return encode_jpeg(reader.preview(0, THUMBNAIL))
        raise InputError(f"there is no example '{name}': open one of those that are listed, or a video of yours")

    def examined(self, project_id: str) -> Examined:
        """What has been found out about the clip in the background, which is begun if need be."""
        project = self.project(project_id)
        self.examiner.examine(project)
        return self.examiner.examined(project)

    def costs(self, project_id: str) -> list[Cost]:
        """What tracking one object, a keyframe try and propagating will take on this machine."""
        frames = self.project(project_id).clip.frames
        kinds = (
            ("track", self.settings.segmenter, frames),
            ("keyframe", self.settings.model, 1),
            ("propagate", self.settings.model, frames),
        )
        return [_cost(kind, self.forecasts.rate(kind, name), pieces) for kind, name, pieces in kinds]

    def measure_machine(self, project_id: str) -> str:
        """Do a little of every step, so that `costs` can answer; returns the job's id. Nothing of it stays in the project."""
        return self._submit("measure", project_id, lambda context: self._measure_all(project_id, context))

    def _measure_all(self, project_id: str, context: JobContext) -> dict[str, Any]:
        import numpy as np

        from core.propagation.schedule import sampling_of

        project, device = self.project(project_id), self.engine.device
        start, stop = project.clip.start, min(project.clip.stop, project.clip.start + 7)
        width, height = project.clip.info.size
        context.report("loading the models", 0, 4)
        self.engine.segmenter()
        model = self.engine.video_model()
        context.report("measuring", 1, 4)
        box = BoxPrompt(start, 1, width * 0.35, height * 0.35, width * 0.65, height * 0.65)
        stamps = []
        with closing(self.pictures.tracking_session(project).track({1: [box]}, start, stop, context)) as frames:  # type: ignore[type-var]
            for _ in frames:
                stamps.append(time.monotonic())
        if len(stamps) > 1:
            self.forecasts.learn_rate("track", self.settings.segmenter, (stamps[-1] - stamps[0]) / (len(stamps) - 1), device, False)
        context.report("measuring", 2, 4)
        mask = np.zeros((height, width), np.bool_)
        mask[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = True
        settings, started = SamplingSettings(), time.monotonic()
        prepared = self.pictures.keyframe_studio(model).prepare(self.pictures.frame(project, start), mask, 4)
        for _ in prepared.tries("delete", "", (0,), settings, context):
            self.forecasts.learn_rate("keyframe", self.settings.model, time.monotonic() - started, device, False)
        context.report("measuring", 3, 4)
        sampling = sampling_of(model, "modify", settings)
        timing = self.forecasts.try_out(model, sampling.guidance > 1, self.engine.weights(), context)
        frame = (timing.window + sampling.runs * timing.step) / (model.window_frames - 1) + timing.render * width * height / 1e6
        self.forecasts.learn_rate("propagate", self.settings.model, frame, device, False)
        return {}


def _cost(step: str, rate: Rate | None, pieces: int) -> Cost:
    return Cost(step, None, None, False) if rate is None else Cost(step, rate.seconds * pieces, rate.memory_mb, rate.measured)
