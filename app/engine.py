"""The models in memory: loaded on a device when first needed, then kept.

Nothing heavy is imported before that.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from app.settings import Settings
from core.file_facts import keep_facts_in
from core.models.store import ModelStore

if TYPE_CHECKING:
    from core.segment import Segmenter
    from core.segment.words import WordFinder
    from core.vivid.contract import VideoEngine

log = logging.getLogger(__name__)

GROUNDER = "grounding-dino"
"""The catalogue's name of what finds things by words."""


class Engine:
    """Holds the segmenter and the video model of a program; safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = ModelStore(settings.models_root)
        keep_facts_in(settings.facts_root)
        self._lock = threading.RLock()
        self._device: str | None = None
        self._segmenters: dict[str, Segmenter] = {}
        self._videos: dict[str, VideoEngine] = {}
        self._grounder: WordFinder | None = None

    @property
    def device(self) -> str:
        """The device that all models run on; `auto` becomes the best one there is."""
        with self._lock:
            if self._device is None:
                from core.models.device import choose_device

                self._device = choose_device(self.settings.device)
            return self._device

    def has(self, name: str) -> bool:
        """Whether the segmenter or the video model of that name is in memory."""
        return name in self._segmenters or name in self._videos

    def forget(self, name: str) -> None:
        """Let go of a model that was removed, without waiting for another that is being loaded."""
        self._segmenters.pop(name, None)
        if name == GROUNDER:
            self._grounder = None

    def segmenter(self, name: str | None = None) -> Segmenter:
        """The segmenter of that name, the settings' own when None."""
        name = name or self.settings.segmenter
        with self._lock:
            if name not in self._segmenters:
                from core.segment import load_segmenter

                self._segmenters[name] = load_segmenter(name, self.device, self.store)
            return self._segmenters[name]

    @property
    def finder(self) -> str:
        """The name of what finds things by words: the segmenter where it can, else the grounder."""
        chosen = self.settings.segmenter
        return chosen if self.store.finds_words(chosen) else GROUNDER

    def word_finder(self) -> WordFinder:
        """The model that finds things by words.

        Raises ModelMissingError, which says what to fetch, when it can't be had.
        """
        if self.finder != GROUNDER and (own := self.segmenter().finder) is not None:
            return own
        with self._lock:
            if self._grounder is None:
                from core.segment.grounding import load_grounder

                self._grounder = load_grounder(GROUNDER, self.device, self.store)
            return self._grounder

    def video_model(self, name: str | None = None) -> VideoEngine:
        """The video model of that name, the settings' own when None."""
        name = name or self.settings.model
        with self._lock:
            if name not in self._videos:
                from core.vivid.model import load_vivid

                model = load_vivid(name, self.device, self.store, self.settings.memory, self.settings.speed)
                if model.memory.free is not None:
                    log.info("%s on %s, %s; speed: %s", name, self.device, model.memory, model.levers)
                elif self.settings.memory in ("parts", "layers"):
                    log.info("--memory %s is for GPUs: on %s nothing is moved", self.settings.memory, self.device)
                self._videos[name] = model
            return self._videos[name]

    def weights(self, name: str | None = None) -> str:
        """The fingerprint of a video model's weights, the settings' own when `name` is None.

        Its files are read, but nothing is loaded.
        """
        from core.models.fingerprint import fingerprint

        return fingerprint(self.store.locate(name or self.settings.model, "video"))
