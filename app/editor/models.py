"""Models: which there are and what they know, fetching and removing them, and which segmenter is
used.
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from app.contract.values import KnownWords, ModelFacts, ModelState
from app.engine import Engine
from app.jobs.queue import JobQueue, resumable
from app.media.pictures import Pictures
from app.settings import Settings
from app.storage.workspace import Workspace
from core.errors import InputError, StudioError
from core.files import write_text
from core.models.catalogue import entry, MODELS
from core.models.vocabulary import read_vocabulary, Vocabulary
from core.progress import JobContext

log = logging.getLogger(__name__)

_FILE = "chosen.json"
_USUAL = Settings.segmenter
NETWORK = "network"
"""The worker of downloads: nothing that computes waits for it."""


class ModelOperations:
    """The models that the editor works with.

    A segmenter that is chosen here stays chosen, unless the settings name another.
    """

    def __init__(self, workspace: Workspace, engine: Engine, pictures: Pictures, queue: JobQueue) -> None:
        self._workspace = workspace
        self._engine = engine
        self._pictures = pictures
        self._queue = queue
        self._known: tuple[ModelFacts, Vocabulary | None] | None = None
        self._recall_segmenter()

    def facts(self) -> ModelFacts:
        """What the settings' video model is and knows; reads its package, not its weights."""
        return self._read_package()[0]

    def caption_hint(self, caption: str) -> str | None:
        """A sentence when the model can't know what the caption asks for; None when it can."""
        vocabulary = self._read_package()[1]
        return vocabulary.hint(caption) if vocabulary else None

    def states(self) -> list[ModelState]:
        """The models that the program knows, by what they are for."""
        settings = self._engine.settings
        used = {"segmenter": settings.segmenter, "video": settings.model}
        shown = [model for model in MODELS.values() if model.kind != "text"]  # which comes with the models that need it
        listed = [
            ModelState(
                one.name,
                one.kind,
                one.title,
                one.licence,
                self._state_of(one.name),
                one.download_mb,
                one.name in used.values(),
                self._engine.store.way_in(one),
            )
            for one in shown
        ]
        others = [(kind, name) for kind, name in used.items() if name not in MODELS]  # a checkpoint of the person's own
        return [*listed, *(ModelState(Path(name).name, kind, Path(name).name, "", "here", None, True) for kind, name in others)]

    @resumable("start_fetch")
    def start_fetch(self, project_id: str, name: str) -> str:
        """Fetch a model into the workspace; returns the job's id.

        An earlier download that broke off goes on.
        """
        self._workspace.project(project_id)
        if self._state_of(name) != "absent":
            raise InputError(f"the model '{name}' is here already: use it")
        return self._queue.submit("fetch", project_id, partial(self._fetch, name), NETWORK)

    def remove(self, name: str) -> list[ModelState]:
        """Delete a model that was fetched; it can be fetched again.

        If it is used, the one that ships takes its place.
        """
        from core.models.fetch import remove_model

        if name == self._engine.settings.segmenter:
            self.use_segmenter(_USUAL)
        remove_model(name, self._engine.store)
        self._engine.forget(name)
        return self.states()

    def use_segmenter(self, name: str) -> list[ModelState]:
        """Let this model answer clicks and track objects from now on.

        Masks that are there stay as they are.
        """
        entry(name, "segmenter")
        if self._state_of(name) == "absent":
            raise InputError(f"the model '{name}' is not here: fetch it first")
        write_text(self._engine.settings.workspace / _FILE, json.dumps({"segmenter": name}))
        self._use(name)
        return self.states()

    def warm_up(self) -> None:
        """Load the models in the background, so that the first click and the first try are as quick
        as the next.
        """
        threading.Thread(target=self._load, name="warm-up", daemon=True).start()

    def _load(self) -> None:
        try:
            self._engine.segmenter()
            self._engine.video_model()
        except StudioError as error:  # the operation that needs the model will say so
            log.warning("%s", error)

    def _fetch(self, name: str, context: JobContext) -> dict[str, Any]:
        from core.models.fetch import fetch_model

        fetch_model(name, self._engine.store, context)
        return {"model": name}

    def _read_package(self) -> tuple[ModelFacts, Vocabulary | None]:
        if self._known is None:
            name = self._engine.settings.model
            package = self._engine.store.locate(name, "video", download=False)
            known = Path(name).name == name and not Path(name).exists()
            title, ships = (entry(name, "video").title, entry(name, "video").ships) if known else (package.name, False)
            vocabulary = read_vocabulary(package)
            words = (
                None
                if vocabulary is None
                else KnownWords(
                    vocabulary.colours, vocabulary.kinds, vocabulary.materials, vocabulary.sizes, vocabulary.synonyms, vocabulary.hollow
                )
            )
            self._known = ModelFacts(name, title, ships, words), vocabulary
        return self._known

    def _state_of(self, name: str) -> str:
        from core.models.fetch import is_fetched

        model = MODELS.get(name)
        if model is None:
            raise InputError(f"there is no model '{name}': choose one of {', '.join(MODELS)}")
        if model.ships:
            return "ships"
        if is_fetched(name, self._engine.store):
            return "fetched"
        return "here" if self._engine.store.available(name, model.kind) else "absent"

    def _use(self, name: str) -> None:
        self._engine.settings = replace(self._engine.settings, segmenter=name)
        self._pictures.forget_sessions()

    def _recall_segmenter(self) -> None:
        settings = self._engine.settings
        try:
            name = json.loads((settings.workspace / _FILE).read_text(encoding="utf-8"))["segmenter"]
            if settings.segmenter == _USUAL and self._state_of(name) != "absent":
                self._use(name)
        except (OSError, ValueError, KeyError, TypeError):  # nothing was chosen, or it can't be read
            pass
        except StudioError as error:
            log.warning("%s", error)
