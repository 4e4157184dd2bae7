"""The verbs of the Keyframe step: tries of an edit on one frame, painted here or elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.editor.base import VerbBase
from app.jobs.journal import resumable
from app.jobs.keyframes import lineage_of, standing_in, Tries
from app.media.keyframe_exchange import INCOMING, KeyframeFiles, PlacedPicture, SentPart
from app.media.pictures import encode_png
from app.settings import Settings
from app.storage.workspace import new_id
from core.errors import InputError
from core.models.catalogue import entry
from core.models.vocabulary import read_vocabulary, Vocabulary
from core.project import project as document
from core.project.edits import (
    check_keep,
    check_seed,
    check_task,
    KeyframeEdit,
    LONGEST_NAME,
    Placement,
    SamplingSettings,
    Task,
)
from core.project.project import Project


@dataclass(frozen=True)
class ModelFacts:
    """What the page tells about the video model; `vocabulary` is None for one that takes any caption."""

    name: str
    title: str
    ships: bool
    vocabulary: Vocabulary | None


class KeyframeVerbs(VerbBase):
    """What the edit looks like, tried on one frame."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._facts: ModelFacts | None = None
        self._keyframe_files = KeyframeFiles(self.workspace, self.pictures)

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

    @resumable
    def start_tries(
        self,
        project_id: str,
        frame: int,
        task: Task,
        caption: str,
        seeds: tuple[int, ...],
        settings: SamplingSettings | None = None,
        parent: str | None = None,
        keep: float = 0.0,
    ) -> str:
        """Try a caption on one frame, once per seed; returns the job's id. Tries are added to the project as they come.

        They branch from the try `parent`. `keep` is the share of its picture that they are started from, 0 for none of it; it has to be on
        the same frame then.
        """
        check_task(task, caption)
        check_keep(keep)
        project = self.project(project_id)
        if not seeds:
            raise InputError("there is no seed to try: give at least one whole number")
        for seed in seeds:
            check_seed(seed)
        project.clip.check_frame(frame)
        self._need_masks(project)
        if keep and (parent is None or project.edit(parent).frame != frame):
            raise InputError("only of a try on the same frame can a share of the picture be kept: go to its frame, or keep 0")
        lineage_of(project, parent)
        for job in self.runner.of_project(project_id):
            if job.kind == "measure" and not job.finished:  # nobody waits for a forecast while there is a try to make
                self.runner.cancel(job.job_id)
        tries = Tries(frame, task, caption, seeds, settings or SamplingSettings(), parent, keep)
        work = partial(self._work.try_keyframe, project_id, tries)
        timed = self._timed("keyframe", self.settings.model, work, lambda result: len(result["edits"]))
        return self._submit("keyframe", project_id, timed if tries.settings.steps is None else work)

    def _missing_seeds(self, project_id: str, tries: Tries) -> tuple[int, ...]:
        """What is left to do of these tries: the seeds of which the project has no try of its present masks."""

        def is_one(edit: KeyframeEdit) -> bool:
            asked = (tries.frame, tries.task, tries.caption, tries.settings, tries.keep)
            same = (edit.frame, edit.task, edit.caption, edit.settings, edit.keep) == asked
            return same and bool(edit.model) and not edit.stale and (not tries.keep or edit.parent == tries.parent)

        made = {edit.seed for edit in self.project(project_id).edits if is_one(edit)}
        return tuple(seed for seed in tries.seeds if seed not in made)

    def accept(self, project_id: str, edit_id: str) -> Project:
        """Choose the try that is carried through the clip."""
        return self.workspace.change(project_id, "Accept keyframe", lambda p: document.with_accepted(p, edit_id))

    def rename_try(self, project_id: str, edit_id: str, name: str) -> Project:
        """Call a try by a name of up to 80 characters; an empty one takes the name away."""
        return self.workspace.change(project_id, "Rename try", lambda p: document.with_renamed_edit(p, edit_id, name))

    def star_try(self, project_id: str, edit_id: str, starred: bool = True) -> Project:
        """Mark a try as a good one, or take the mark away."""
        return self.workspace.change(project_id, "Star try", lambda p: document.with_starred_edit(p, edit_id, starred))

    def delete_try(self, project_id: str, edit_id: str) -> Project:
        """Delete a try. What branched from it moves to its parent; if it was accepted, it is so no more; finished results stay."""
        return self.workspace.change(project_id, "Delete try", lambda p: document.without_edit(p, edit_id))

    def try_jpeg(self, project_id: str, edit_id: str, width: int = 240) -> bytes:
        """A small picture of what a try changed, as JPEG."""
        project = self.project(project_id)
        return self._keyframe_files.thumbnail(project, project.edit(edit_id), width)

    # Other programs

    def sent_keyframe(self, project_id: str, frame: int, what: SentPart = "zip", edit_id: str | None = None) -> tuple[str, bytes]:
        """A frame for another program, as a file's name and its bytes: the whole `frame` at the source's size, the `mask` (white: may
        change), a `cutout` (the frame, transparent there), or a `zip` of the three. With `edit_id` the frame is as that try has it."""
        project = self.project(project_id)
        return self._keyframe_files.sent(project, frame, what, None if edit_id is None else project.edit(edit_id))

    def incoming_folder(self, project_id: str) -> Path:
        """An emptied folder of the project for a picture that arrives; the page's uploads go there."""
        self.project(project_id)
        return self._keyframe_files.incoming(project_id)

    def incoming_picture(self, project_id: str, picture: str) -> Path:
        """Where a picture lies that has arrived in `incoming_folder`, by its name; InputError when it is not there any more."""
        try:
            return self.file_path(project_id, f"{INCOMING}/{Path(picture).name}")
        except InputError:
            raise InputError("the picture is not here any more: bring it in again") from None

    def place_picture(
        self, project_id: str, frame: int, source: str | Path, placement: Placement | None = None, name: str | None = None
    ) -> PlacedPicture:
        """What the picture at `source` would be as a try of a frame; nothing is changed. Errors as `bring_back`."""
        path = Path(source)
        project = self.project(project_id)
        return self._keyframe_files.placed(project, frame, path, name or path.name, placement or Placement())[1]

    def bring_back(
        self,
        project_id: str,
        frame: int,
        source: str | Path,
        caption: str,
        task: Task = "modify",
        placement: Placement | None = None,
        *,
        name: str | None = None,
        parent: str | None = None,
        seed: int = 0,
    ) -> tuple[Project, str]:
        """Make a picture that another program made of a frame a try like any other; returns its id too.

        `task` and `caption` say to a propagation what it shows, `seed` is what that starts from. `name` is the try's, else the file's.
        InputError for what is no picture, has another shape than the frame (see `Placement`), or shows no edit.
        """
        check_task(task, caption)
        check_seed(seed)
        self._need_masks(self.project(project_id))
        path = Path(source)
        shown = name or path.name
        project = self.project(project_id)
        lineage = lineage_of(project, parent)
        picture, _ = self._keyframe_files.placed(project, frame, path, shown, placement or Placement())
        region = self._work.region(project)
        edit = KeyframeEdit(
            edit_id=new_id()[:12],
            frame=frame,
            task=task,
            caption=caption,
            seed=seed,
            settings=SamplingSettings(),
            model="",
            image=self.workspace.add_file(project_id, encode_png(picture), ".png"),
            region=region.file,
            name=" ".join(Path(shown).stem.split())[:LONGEST_NAME],
        )

        def add(current: Project) -> Project:
            return document.with_edits(current, (standing_in(current, project, edit, lineage),))

        return self.workspace.change(project_id, "Bring in a picture", add), edit.edit_id
