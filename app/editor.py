"""The editor's verbs: everything a screen, the command line or a script can ask for. Ids in, values of the document out.

Every change is on disk before its verb returns. Long verbs return a job id at once; what the job finds out is saved when it has it.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.engine import Engine
from app.job_work import JobWork, Tries
from app.jobs import JobRunner
from app.pictures import Pictures
from app.settings import ASSETS, Settings
from app.workspace import new_id, now, ProjectSummary, Workspace
from core.errors import InputError, StudioError
from core.models.catalogue import entry
from core.models.vocabulary import read_vocabulary, Vocabulary
from core.progress import JobContext, JobStatus
from core.project import project as document
from core.project.edits import check_seed, check_task, SamplingSettings, Task
from core.project.project import Project
from core.project.prompts import BoxPrompt, check_prompt, PointPrompt, Prompt
from core.project.tracks import Direction, MaskAdjustment, MaskTrack
from core.project.video import Clip

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Example:
    """A clip that comes with the program."""

    name: str
    title: str
    path: Path


@dataclass(frozen=True)
class ModelFacts:
    """What the page tells about the video model; `vocabulary` is None for one that takes any caption."""

    name: str
    title: str
    ships: bool
    vocabulary: Vocabulary | None


class Editor:
    """One per program. Safe to call from several threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.workspace = Workspace(settings.workspace)
        self.engine = Engine(settings)
        self.runner = JobRunner()
        self.pictures = Pictures(self.workspace, self.engine)
        self._work = JobWork(self.workspace, self.engine, self.pictures)
        self._facts: ModelFacts | None = None
        self._preview_lock = threading.Lock()
        self._looking = threading.Semaphore(1)

    # Projects

    def recent_projects(self) -> list[ProjectSummary]:
        return self.workspace.recent()

    def examples(self) -> list[Example]:
        """The clips in assets/clips, by name."""
        return [Example(p.stem, p.stem.replace("-", " ").capitalize(), p) for p in sorted((ASSETS / "clips").glob("*.mp4"))]

    def create_project(self, source: str | Path, name: str | None = None) -> Project:
        """Open a video file or a folder of numbered images as a new project; InputError when it is no usable video."""
        from core.media import probe, sha256_of

        try:
            path = Path(source).expanduser().resolve()
        except (OSError, ValueError, RuntimeError) as error:  # a zero byte, the home folder of nobody
            raise InputError(f"there is no video at {str(source)!r:.200} ({error})") from None
        info = probe(path)
        clip = Clip(str(path), sha256_of(path), info, 0, info.frames)
        return self.workspace.add(Project(new_id(), name or path.stem, clip, now()))

    def project(self, project_id: str) -> Project:
        return self.workspace.project(project_id)

    def trim(self, project_id: str, start: int, stop: int) -> Project:
        return self.workspace.change(project_id, "Trim", lambda p: document.trimmed(p, start, stop))

    def undo(self, project_id: str) -> Project:
        return self.workspace.undo(project_id)

    def redo(self, project_id: str) -> Project:
        return self.workspace.redo(project_id)

    def history(self, project_id: str) -> tuple[str | None, str | None]:
        """What undo and redo would take back or do again; None where there is nothing."""
        history = self.workspace.history(project_id)
        return (history.past[-1].label if history.past else None, history.future[-1].label if history.future else None)

    # Pictures

    def frame_jpeg(self, project_id: str, frame: int, max_width: int | None = None) -> bytes:
        return self.pictures.frame_jpeg(self.project(project_id), frame, max_width)

    def overlay_png(self, project_id: str, frame: int, kind: str = "objects", max_width: int | None = None) -> bytes:
        return self.pictures.overlay_png(self.project(project_id), frame, kind, max_width)

    def is_changing(self, project_id: str) -> bool:
        """Whether a running job is still filling the masks that overlays show."""
        return self.pictures.is_live(project_id)

    def timeline(self, project_id: str) -> list[dict[str, Any]]:
        """Per object: where it is present as [start, stop] runs, and the frames that were prompted."""
        return self.pictures.timeline(self.project(project_id))

    def file_path(self, project_id: str, relative: str) -> Path:
        return self.workspace.file(project_id, relative)

    def source_path(self, project_id: str) -> Path:
        return Path(self.project(project_id).clip.source)

    # Select

    def look_at(self, project_id: str, frame: int) -> None:
        """Get a frame ready for clicks, in the background: the first click there is then as quick as the next."""
        project = self.project(project_id)
        if self._looking.acquire(blocking=False):
            threading.Thread(target=self._look_at, args=(project, frame), name="look-ahead", daemon=True).start()

    def add_object(self, project_id: str, name: str | None = None) -> tuple[Project, int]:
        added: list[MaskTrack] = []

        def change(project: Project) -> Project:
            project, track = document.with_object(project, name)
            added.append(track)
            return project

        return self.workspace.change(project_id, "Add object", change), added[0].object_id

    def remove_object(self, project_id: str, object_id: int) -> Project:
        return self.workspace.change(project_id, "Remove object", lambda p: document.without_object(p, object_id))

    def add_point(self, project_id: str, object_id: int, frame: int, x: float, y: float, positive: bool = True) -> Project:
        """Click: (x, y) in source pixels belongs to the object, or does not. The mask of that frame follows at once."""
        return self._prompt(project_id, PointPrompt(frame, object_id, x, y, positive), "Point")

    def add_box(self, project_id: str, object_id: int, frame: int, x0: float, y0: float, x1: float, y1: float) -> Project:
        """Box around the object, source pixels. The mask of that frame follows at once."""
        return self._prompt(project_id, BoxPrompt(frame, object_id, x0, y0, x1, y1), "Box")

    def clear_prompts(self, project_id: str, object_id: int, frame: int | None = None) -> Project:
        """Take the object's prompts back, on one frame or on all; its masks go with the last of them."""

        def change(project: Project) -> Project:
            track = project.track(object_id)
            kept = tuple(p for p in track.prompts if frame is not None and p.frame != frame)
            masks = track.masks
            if kept and masks is not None and frame is not None and track.tracked is None:
                masks = self.pictures.with_masks(project, masks, {frame: None})
            track = dataclasses.replace(track, prompts=kept, masks=masks if kept else None, tracked=None)
            return document.with_track(project, track)

        return self.workspace.change(project_id, "Clear prompts", change)

    def start_tracking(self, project_id: str, direction: Direction = "both") -> str:
        """Follow every prompted object through the clip; returns the job's id. Stopping keeps the frames that were reached."""
        project = self.project(project_id)
        if not any(track.prompts for track in project.tracks):
            raise InputError("click or box an object first: there is nothing to track yet")
        return self._submit("track", project_id, lambda context: self._work.track(project_id, direction, context))

    # Adjust

    def set_adjustment(self, project_id: str, adjustment: MaskAdjustment) -> Project:
        return self.workspace.change(project_id, "Adjust mask", lambda p: document.with_adjustment(p, adjustment), merge=True)

    # Keyframe

    def model_facts(self) -> ModelFacts:
        """What the settings' video model is and knows; reads its package, not its weights."""
        if self._facts is None:
            name = self.settings.model
            package = self.engine.store.locate(name, "video", download=False)
            known = Path(name).name == name and not Path(name).exists()
            title, ships = (entry(name, "video").title, entry(name, "video").ships) if known else (package.name, False)
            self._facts = ModelFacts(name, title, ships, read_vocabulary(package))
        return self._facts

    def caption_hint(self, caption: str) -> str | None:
        """A sentence when the model can't know what the caption asks for; None when it can."""
        vocabulary = self.model_facts().vocabulary
        return vocabulary.hint(caption) if vocabulary else None

    def start_tries(
        self,
        project_id: str,
        frame: int,
        task: Task,
        caption: str,
        seeds: tuple[int, ...],
        settings: SamplingSettings | None = None,
    ) -> str:
        """Try a caption on one frame, once per seed; returns the job's id. Tries are added to the project as they come."""
        check_task(task, caption)
        project = self.project(project_id)
        if not seeds:
            raise InputError("give at least one seed")
        for seed in seeds:
            check_seed(seed)
        if not project.clip.start <= frame < project.clip.stop:
            raise InputError(f"frame {frame} is outside the clip ({project.clip.start} to {project.clip.stop - 1})")
        self._need_masks(project)
        tries = Tries(frame, task, caption, seeds, settings or SamplingSettings())
        return self._submit("keyframe", project_id, lambda context: self._work.try_keyframe(project_id, tries, context))

    def accept(self, project_id: str, edit_id: str) -> Project:
        return self.workspace.change(project_id, "Accept keyframe", lambda p: document.with_accepted(p, edit_id))

    # Propagate

    def start_propagation(self, project_id: str, seed: int | None = None, settings: SamplingSettings | None = None) -> str:
        """Carry the accepted keyframe through the clip; returns the job's id."""
        project = self.project(project_id)
        if project.accepted_edit is None:
            raise InputError("accept a keyframe first")
        if seed is not None:
            check_seed(seed)
        untracked = [t.name for t in project.tracks if t.prompts and not t.covers(project.clip.start, project.clip.stop)]
        if untracked:
            raise InputError(f"track {', '.join(untracked)} through the clip first")
        self._need_masks(project)
        chosen = settings or SamplingSettings()
        return self._submit("propagate", project_id, lambda context: self._work.propagate(project_id, seed, chosen, context))

    def report(self, project_id: str, propagation_id: str) -> dict[str, Any]:
        """The measurements of a finished propagation."""
        for propagation in self.project(project_id).propagations:
            if propagation.propagation_id == propagation_id and propagation.report:
                try:
                    return json.loads(self.file_path(project_id, propagation.report).read_text(encoding="utf-8"))
                except (OSError, ValueError):
                    raise InputError(f"the report of the propagation {propagation_id} is damaged; propagate again for a new one") from None
        raise InputError(f"there is no finished propagation {propagation_id}")

    # Jobs

    def job(self, job_id: str) -> JobStatus:
        return self.runner.status(job_id)

    def jobs(self, project_id: str) -> list[JobStatus]:
        return self.runner.of_project(project_id)

    def cancel(self, job_id: str) -> None:
        self.runner.cancel(job_id)

    def warm_up(self) -> None:
        """Load the models in the background, so that the first click and the first try are as quick as the next."""

        def load() -> None:
            try:
                self.engine.segmenter()
                self.engine.video_model()
            except StudioError as error:  # whoever needs the model is told then
                log.warning("%s", error)

        threading.Thread(target=load, name="warm-up", daemon=True).start()

    def close(self) -> None:
        """Stop jobs and let go of open files."""
        self.runner.shut_down()
        self.pictures.close()

    # What the verbs are made of

    def _look_at(self, project: Project, frame: int) -> None:
        try:
            with self._preview_lock:
                self.pictures.session(project).look_at(frame)
        except StudioError as error:  # whoever clicks is told then
            log.warning("%s", error)
        finally:
            self._looking.release()

    def _submit(self, kind: str, project_id: str, work: Callable[[JobContext], dict[str, Any]]) -> str:
        return self.runner.submit(kind, project_id, work, device=self.settings.device)

    def _prompt(self, project_id: str, prompt: Prompt, label: str) -> Project:
        def change(current: Project) -> Project:
            current = document.with_prompt(current, prompt)
            track = current.track(prompt.object_id)
            stored = self.pictures.with_masks(current, track.masks, {prompt.frame: mask})
            return document.with_track(current, dataclasses.replace(track, masks=stored, tracked=None))

        with self._preview_lock:  # to the end: a mask belongs to all prompts that were there before it
            project = self.project(project_id)
            check_prompt(prompt, *project.clip.info.size, project.clip.info.frames)
            prompted = document.with_prompt(project, prompt).track(prompt.object_id)
            mask = self.pictures.session(project).preview(prompt.frame, [p for p in prompted.prompts if p.frame == prompt.frame])
            return self.workspace.change(project_id, label, change)

    def _need_masks(self, project: Project) -> None:
        if not any(track.masks for track in project.tracks):
            raise InputError("select an object first: there is no mask to edit yet")
