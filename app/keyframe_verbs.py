"""The verbs of the Adjust and Keyframe steps: the form of the region, and tries of an edit on one frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.job_work import Tries
from app.settings import Settings
from app.verb_base import VerbBase
from core.errors import InputError
from core.models.catalogue import entry
from core.models.vocabulary import read_vocabulary, Vocabulary
from core.project import project as document
from core.project.edits import check_seed, check_task, SamplingSettings, Task
from core.project.project import Project
from core.project.tracks import MaskAdjustment


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

    # Adjust

    def set_adjustment(self, project_id: str, adjustment: MaskAdjustment) -> Project:
        """Choose the region that may change: a form of the mask, how far it is widened and how soft its edge is, in source pixels."""
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
        """Choose the try that is carried through the clip."""
        return self.workspace.change(project_id, "Accept keyframe", lambda p: document.with_accepted(p, edit_id))
