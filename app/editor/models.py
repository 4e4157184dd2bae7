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

from app.contract.values import KnownWords, ModelFacts, ModelLicence, ModelState
from app.editor.model_advice import Advice, advice_for, this_machine, without_engine
from app.engine import Engine
from app.jobs.queue import JobQueue, resumable
from app.media.pictures import Pictures
from app.settings import Settings
from app.storage.workspace import Workspace
from core.errors import InputError, StudioError
from core.files import write_text
from core.models.catalogue import download_mb, entry, licences, MODELS, not_yet, size_words
from core.models.model import ModelEntry
from core.models.vocabulary import read_vocabulary, Vocabulary
from core.progress import JobContext

log = logging.getLogger(__name__)

_FILE = "chosen.json"
_USUAL, _USUAL_VIDEO = Settings.segmenter, Settings.model
_ELSEWHERE = ("absent", "begun", "not yet")
"""States of models that nothing can work with."""
NETWORK = "network"
"""The worker of downloads: nothing that computes waits for it."""


class ModelOperations:
    """The models that the editor works with.

    What is chosen here stays chosen, unless the settings name another.
    """

    def __init__(self, workspace: Workspace, engine: Engine, pictures: Pictures, queue: JobQueue) -> None:
        self._workspace = workspace
        self._engine = engine
        self._pictures = pictures
        self._queue = queue
        self._known: tuple[ModelFacts, Vocabulary | None] | None = None
        self._recall()

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
        used = {"segmenter": settings.segmenter, "video": settings.model, "image": settings.keyframe_model}
        advice = self._advice()
        shown = [model for model in MODELS.values() if model.kind != "part"]  # parts come with the models that need them
        listed = [self._state(one, one.name in used.values(), advice[one.name]) for one in shown]
        others = [(kind, name) for kind, name in used.items() if name and name not in MODELS]  # a checkpoint of the person's own
        return [*listed, *(ModelState(Path(name).name, kind, Path(name).name, "", "here", None, True) for kind, name in others)]

    def lead(self) -> str:
        """What to say above the list of video models: that none of full size fits, where so."""
        return without_engine(this_machine(self._engine.settings.device), self._advice())

    def _advice(self) -> dict[str, Advice]:
        return advice_for(this_machine(self._engine.settings.device))

    def _state(self, model: ModelEntry, used: bool, advice: Advice) -> ModelState:
        from core.models.fetch import begun_mb

        state = self._state_of(model.name)
        return ModelState(
            model.name,
            model.kind,
            model.title,
            model.licence,
            state,
            download_mb(model),
            used,
            self._engine.store.way_in(model),
            tuple(ModelLicence(one.name, one.limits, f"https://{one.address}") for one in licences(model)),
            begun_mb(model.name, self._engine.store) if state == "begun" else None,
            size_words(model),
            advice.brings,
            advice.fits,
            advice.first,
            self._chosen().get("video") == model.name and not used,
        )

    @resumable("start_fetch")
    def start_fetch(self, project_id: str, name: str, accepted: bool = False) -> str:
        """Fetch a model into the workspace; returns the job's id.

        An earlier download that ended early goes on.

        Args:
            project_id: The project that watches the job.
            name: A name of the catalogue.
            accepted: Whether a person has accepted the licences. Those that were accepted when the
                download began need not be accepted again.

        Returns:
            The job's id.

        Raises:
            InputError: The licence is not accepted, or there is nothing to fetch.
        """
        from core.models.fetch import is_accepted

        self._workspace.project(project_id)
        state = self._state_of(name)
        if state not in ("absent", "begun"):
            raise InputError(not_yet(MODELS[name]) if state == "not yet" else f"the model '{name}' is here already: use it")
        if not (accepted or is_accepted(name, self._engine.store)):
            raise InputError(f"accept the licence of '{name}' first: {'; '.join(map(str, licences(MODELS[name])))}")
        return self._queue.submit("fetch", project_id, partial(self._fetch, name), NETWORK)

    def start_verify(self, project_id: str, name: str) -> str:
        """Compare a fetched model with the hub's hashes; returns the job's id.

        What is damaged is taken away, and fetching again brings that alone.
        """
        self._workspace.project(project_id)
        return self._queue.submit("verify", project_id, partial(self._verify, name), NETWORK)

    def remove(self, name: str) -> list[ModelState]:
        """Delete a model that was fetched; it can be fetched again.

        If it is used, the one that ships takes its place.
        """
        from core.models.fetch import remove_model

        if name == self._engine.settings.segmenter:
            self.use_segmenter(_USUAL)
        if name == self._chosen().get("video"):
            self.use_video(_USUAL_VIDEO)
        remove_model(name, self._engine.store)
        self._engine.forget(name)
        return self.states()

    def use_segmenter(self, name: str) -> list[ModelState]:
        """Let this model answer clicks and track objects from now on.

        Masks that are there stay as they are.
        """
        entry(name, "segmenter")
        if self._state_of(name) in _ELSEWHERE:
            raise InputError(f"the model '{name}' is not here: fetch it first")
        self._choose("segmenter", name)
        self._use(name)
        return self.states()

    def use_video(self, name: str) -> list[ModelState]:
        """Work with this video model from the next start on: the page is made for one."""
        entry(name, "video")
        if self._state_of(name) in _ELSEWHERE:
            raise InputError(f"the model '{name}' is not here: fetch it first")
        self._choose("video", name)
        return self.states()

    def _choose(self, kind: str, name: str) -> None:
        write_text(self._engine.settings.workspace / _FILE, json.dumps(self._chosen() | {kind: name}))

    def _chosen(self) -> dict[str, str]:
        """What was chosen on the page, by kind."""
        try:
            kept = json.loads((self._engine.settings.workspace / _FILE).read_text(encoding="utf-8"))
            return {str(kind): str(name) for kind, name in kept.items()}
        except (OSError, ValueError, AttributeError):  # nothing was chosen, or it can't be read
            return {}

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

        fetch_model(name, self._engine.store, context, accepted=True)
        return {"model": name}

    def _verify(self, name: str, context: JobContext) -> dict[str, Any]:
        from core.models.fetch import verify_model

        return {"model": name, "files": verify_model(name, self._engine.store, context)}

    def _read_package(self) -> tuple[ModelFacts, Vocabulary | None]:
        if self._known is None:
            name = self._engine.settings.model
            package = self._engine.store.locate(name, "video")
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
        from core.models.fetch import begun_mb, is_fetched

        model = MODELS.get(name)
        if model is None:
            raise InputError(f"there is no model '{name}': choose one of {', '.join(MODELS)}")
        if model.ships:
            return "ships"
        if not model.runs:
            return "not yet"
        if is_fetched(name, self._engine.store):
            return "fetched"
        if self._engine.store.available(name, model.kind):
            return "here"
        return "absent" if begun_mb(name, self._engine.store) is None else "begun"

    def _use(self, name: str) -> None:
        self._engine.settings = replace(self._engine.settings, segmenter=name)
        self._pictures.forget_sessions()

    def _recall(self) -> None:
        settings, chosen = self._engine.settings, self._chosen()
        for kind, now, usual in (("segmenter", settings.segmenter, _USUAL), ("video", settings.model, _USUAL_VIDEO)):
            name = chosen.get(kind, usual)
            try:
                if name == usual or now != usual or self._state_of(name) in _ELSEWHERE:
                    continue
            except StudioError as error:
                log.warning("%s", error)
                continue
            if kind == "segmenter":
                self._use(name)
            else:
                self._engine.settings = replace(self._engine.settings, model=name)
