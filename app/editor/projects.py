"""The projects of the workspace: opened from a video, listed, renamed, deleted."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.contract.values import Example, ProjectSummary
from app.jobs.openings import Openings
from app.jobs.runner import JobRunner
from app.media.frames import ClipFrames, encode_jpeg
from app.render.mask_files import looks_like_masks
from app.storage.leftovers import UPLOAD
from app.storage.workspace import new_id, now, Workspace
from core.assets import ASSETS
from core.errors import InputError, StorageError
from core.file_facts import FileMemory
from core.progress import JobContext, JobStatus
from core.project import project as document
from core.project.plain import printable
from core.project.project import Project
from core.project.titles import title_of
from core.project.video import Clip

THUMBNAIL = 240
"""Width of a project's small picture, in pixels."""

LONGEST_TITLE = 200
"""Letters of a project's name."""

QUICKLY_HASHED = 64_000_000
"""Bytes of a file whose content is hashed while it is opened; the hash of a larger one is computed
afterwards.
"""


class ProjectOperations:
    """What to work on."""

    def __init__(self, workspace: Workspace, frames: ClipFrames, runner: JobRunner) -> None:
        self._workspace = workspace
        self._frames = frames
        self._runner = runner
        self._openings = Openings(runner)
        self._clips: FileMemory[Clip] = FileMemory(8)
        self._examples: FileMemory[bytes] = FileMemory(8)

    def get(self, project_id: str) -> Project:
        """The document of a project as it stands."""
        return self._workspace.project(project_id)

    def file(self, project_id: str, relative: str) -> Path:
        """A file of the project by its path in the document; InputError when there is none."""
        return self._workspace.file(project_id, relative)

    def recent(self, known: Sequence[str] | None = None, most: int | None = None) -> list[ProjectSummary]:
        """The projects of the workspace, the last changed first; only those with the ids `known`,
        and `most` at most, when given.
        """
        return self._workspace.recent(known, most)

    def examples(self) -> list[Example]:
        """The clips in assets/clips, by name."""
        return [Example(p.stem, p.stem.replace("-", " ").capitalize(), p) for p in sorted((ASSETS / "clips").glob("*.mp4"))]

    def create(self, source: str | Path, name: str | None = None, *, draft: bool = False, context: JobContext | None = None) -> Project:
        """Open a video file or a folder of numbered images as a new project.

        Args:
            source: The file or folder.
            name: What the project is called; see `title_of` when None.
            draft: Whether it is saved with its first change only.
            context: Is told of frames where all have to be decoded first, and can cancel.

        Returns:
            The project.

        Raises:
            InputError: It is no usable video.
            Cancelled: The context said so.
        """
        try:
            path = Path(source).expanduser().resolve()
            path.is_file()
        except (OSError, ValueError, RuntimeError) as error:  # a zero byte, an unknown home, a name too long
            raise InputError(f"there is no video at {str(source)!r:.200} ({error}): check the path") from None
        clip = self._clip(path, context)
        title = printable((name or "").strip() or title_of(path.stem, path.parent))[:LONGEST_TITLE]
        project = self._workspace.add(Project(new_id(), title, clip, now(), proposed_for="modify"), draft=draft)
        with contextlib.suppress(InputError):  # then the list shows no picture
            self.thumbnail_jpeg(project.project_id)
        return project

    def start_opening(self, source: str | Path, name: str | None = None, beside: str | None = None, upload: Path | None = None) -> str:
        """Open a video as `create` does, as a job that can be watched and cancelled.

        Args:
            source: The file or folder.
            name: What the project is called, of an uploaded video its file's name; see `title_of`
                when None.
            beside: The project that the video may be masks for.
            upload: The folder of an uploaded video, which is deleted when it is not opened.

        Returns:
            The job's id. Its result names the `project`; `masks` says whether the video looks like
            masks for `beside`.
        """
        path = Path(source)

        def open_video(context: JobContext) -> dict[str, Any]:
            try:
                title = name if upload is None or name is None else title_of(name)
                project_id = self.create(source, title, context=context).project_id
            except InputError as error:
                if upload is None:
                    raise
                raise InputError(str(error).replace(str(path), f"{name}{path.suffix}")) from None  # where it lay is nothing to tell
            return {"project": project_id, "masks": beside is not None and self._is_masks_for(beside, path)}

        def undo() -> None:
            if upload is not None:
                shutil.rmtree(upload, ignore_errors=True)

        return self._openings.start(open_video, undo)

    def opening(self, job_id: str) -> JobStatus:
        """How an opening stands, as soon as there is something to show of it."""
        return self._openings.status(job_id)

    def stop_opening(self, job_id: str) -> None:
        """Give an opening up."""
        self._openings.cancel(job_id)

    def _is_masks_for(self, project_id: str, video: Path) -> bool:
        with contextlib.suppress(InputError):
            clip = self.get(project_id).clip
            return looks_like_masks(video, clip.info, (clip.start, clip.stop))
        return False

    def _clip(self, path: Path, context: JobContext | None) -> Clip:
        """The video at a path. A file that many open, such as an example, is looked at once."""
        from core.media import probe, sha256_of

        def look(path: Path) -> Clip:
            info = probe(path, context)
            sha256 = sha256_of(path) if path.is_dir() or path.stat().st_size <= QUICKLY_HASHED else ""
            return Clip(str(path), sha256, info, 0, info.frames)

        # a folder stays as it was when one of its pictures is written anew
        return self._clips.get(path, look) if path.is_file() else look(path)

    def is_draft(self, project_id: str) -> bool:
        """Whether a project is not saved yet, since nobody has changed it."""
        return self._workspace.is_draft(project_id)

    def rename(self, project_id: str, name: str) -> Project:
        """Call the project by another name."""
        return self._workspace.change_everywhere(project_id, lambda p: document.renamed(p, name))

    def delete(self, project_id: str) -> None:
        """Delete the project and everything that was made in it, readable or not.

        The video stays where it is, unless it was uploaded here and no other project has it.
        """
        upload: Path | None = None
        with contextlib.suppress(InputError):
            upload = self._upload_of(self.get(project_id))
        for job in self._runner.of_project(project_id):
            if not job.finished:
                self._runner.cancel(job.job_id)
        self._workspace.delete(project_id)
        if upload is not None and not self._workspace.names(upload.name, project_id):
            shutil.rmtree(upload, ignore_errors=True)

    def _upload_of(self, project: Project) -> Path | None:
        """The folder of the project's video among the uploads; None when it lies elsewhere,
        whatever the document says: the path is followed to its end first.
        """
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            folder = Path(project.clip.source).resolve(strict=True).parent
            if folder.parent == (self._workspace.root / "uploads").resolve() and UPLOAD.fullmatch(folder.name):
                return folder
        return None

    def document(self, project_id: str) -> str:
        """Where the document of a project lies on this machine, to be looked at or replaced."""
        return str(self._workspace.document(project_id))

    def thumbnail_jpeg(self, project_id: str) -> bytes:
        """The first frame that is worked on, as a small picture; it is kept beside the project."""
        project = self.get(project_id)
        name = f"thumbnail-{project.clip.start}.jpg"
        with contextlib.suppress(OSError, InputError):
            return self._workspace.file(project_id, name).read_bytes()
        picture = self._frames.source_jpeg(project, project.clip.start, THUMBNAIL)
        if not self._workspace.is_draft(project_id):
            with contextlib.suppress(StorageError):  # it is drawn again then
                self._workspace.write(project_id, name, picture, sync="none")
        return picture

    def example_jpeg(self, name: str) -> bytes:
        """The first frame of an example, as a small picture."""
        from core.media import open_clip

        for example in self.examples():
            if example.name == name:

                def draw(path: Path) -> bytes:
                    with open_clip(path) as reader:
                        return encode_jpeg(reader.preview(0, THUMBNAIL))

                return self._examples.get(example.path, draw)
        raise InputError(f"there is no example '{name}': open one of those that are listed, or a video of yours")
