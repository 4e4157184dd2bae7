"""The verbs about models: which there are, fetching and removing them, and which one follows objects."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.editor.base import VerbBase
from app.jobs.journal import resumable
from app.settings import Settings
from core.errors import InputError, StudioError
from core.files import write_text
from core.models.catalogue import entry, MODELS
from core.progress import JobContext

log = logging.getLogger(__name__)

_FILE = "chosen.json"
_USUAL = Settings.segmenter
NETWORK = "network"
"""The worker of what fetches: nothing that computes waits for it."""


@dataclass(frozen=True)
class ModelState:
    """A model as it stands here. `state` is `ships`, `fetched` (it can be removed), `here` (found elsewhere on this disk) or `absent`;
    `download_mb` is None where that is not known. `used` says that it is the one that works now."""

    name: str
    kind: str
    title: str
    licence: str
    state: str
    download_mb: int | None
    used: bool


class ModelVerbs(VerbBase):
    """What the work is done with. A segmenter that is chosen here stays chosen, unless the settings name another."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._recall_segmenter()

    def models(self) -> list[ModelState]:
        """The models that the program knows, by what they are for."""
        used = {"segmenter": self.settings.segmenter, "video": self.settings.model}
        shown = [model for model in MODELS.values() if model.kind != "text"]  # which comes with what needs it
        listed = [
            ModelState(one.name, one.kind, one.title, one.licence, self._state_of(one.name), one.download_mb, one.name in used.values())
            for one in shown
        ]
        own = [(kind, name) for kind, name in used.items() if name not in MODELS]  # a checkpoint of one's own
        return [*listed, *(ModelState(Path(name).name, kind, Path(name).name, "", "here", None, True) for kind, name in own)]

    @resumable
    def start_fetch(self, project_id: str, name: str) -> str:
        """Fetch a model into the workspace; returns the job's id. What was begun earlier goes on."""
        from core.models.fetch import fetch_model

        def fetch(context: JobContext) -> dict[str, Any]:
            fetch_model(name, self.engine.store, context)
            return {"model": name}

        self.project(project_id)
        if self._state_of(name) != "absent":
            raise InputError(f"the model '{name}' is here already: use it")
        return self.runner.submit("fetch", project_id, fetch, device=NETWORK)

    def remove_model(self, name: str) -> list[ModelState]:
        """Delete a model that was fetched; it can be fetched again. One that is used makes room for the one that ships first."""
        from core.models.fetch import remove_model

        if name == self.settings.segmenter:
            self.use_segmenter(_USUAL)
        remove_model(name, self.engine.store)
        self.engine.forget(name)
        return self.models()

    def use_segmenter(self, name: str) -> list[ModelState]:
        """Let this model answer clicks and follow objects from now on. Masks that are there stay as they are."""
        entry(name, "segmenter")
        if self._state_of(name) == "absent":
            raise InputError(f"the model '{name}' is not here: fetch it first")
        write_text(self.settings.workspace / _FILE, json.dumps({"segmenter": name}))
        self._use(name)
        return self.models()

    def _state_of(self, name: str) -> str:
        from core.models.fetch import is_fetched

        model = MODELS.get(name)
        if model is None:
            raise InputError(f"there is no model '{name}': choose one of {', '.join(MODELS)}")
        if model.ships:
            return "ships"
        if is_fetched(name, self.engine.store):
            return "fetched"
        return "here" if self.engine.store.available(name, model.kind) else "absent"

    def _use(self, name: str) -> None:
        self.settings = self.engine.settings = replace(self.settings, segmenter=name)
        self.pictures.forget_sessions()

    def _recall_segmenter(self) -> None:
        try:
            name = json.loads((self.settings.workspace / _FILE).read_text(encoding="utf-8"))["segmenter"]
            if self.settings.segmenter == _USUAL and self._state_of(name) != "absent":
                self._use(name)
        except (OSError, ValueError, KeyError, TypeError):  # nothing was chosen, or it can't be read
            pass
        except StudioError as error:
            log.warning("%s", error)
