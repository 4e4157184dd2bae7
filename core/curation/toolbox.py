"""The models of a build, each loaded when it is first needed."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import torch

from core.curation.fake import FAKE, FakeBoxes, FakeCaptions, FakeFlow, FakeMasks, FakeTags
from core.curation.models import Captioner, Flow, Grounder, Tagger, Tracker
from core.curation.settings import CurationSettings
from core.curation.vocabularies import background_words, entity_words
from core.data.world import World
from core.models.store import ModelStore


class Toolbox:
    """Models by the names that the settings give. One a process; on a GPU, one a GPU."""

    def __init__(self, settings: CurationSettings, models: Path | None) -> None:
        """`models` is the folder of fetched models."""
        self._settings, self._store = settings, ModelStore(models)
        torch.set_num_threads(settings.threads)

    @cached_property
    def device(self) -> str:
        """Where the models run."""
        from core.models.device import choose_device

        return choose_device(self._settings.device)

    @cached_property
    def world(self) -> World:
        """What procedural clips are drawn from."""
        settings = self._settings
        size = settings.procedural_side, settings.procedural_side
        return World(seed=settings.seed, pools=settings.world, size=size, window_frames=settings.procedural_frames)

    @cached_property
    def tagger(self) -> Tagger:
        """Says what is on a frame."""
        from core.curation.embedded import VocabularyTags

        if self._settings.tagger == FAKE:
            return FakeTags(entity_words(self._settings), background_words(self._settings))
        if self._settings.tagger != "embedded":
            from core.curation.ram import load_ram

            return load_ram(Path(self._settings.tagger).expanduser(), self.device)
        return VocabularyTags([*entity_words(self._settings), *background_words(self._settings)])

    @cached_property
    def grounder(self) -> Grounder:
        """Finds boxes by labels."""
        from core.curation.embedded import KnownOrMoving

        if self._settings.grounder == FAKE:
            return FakeBoxes()
        if self._settings.grounder == "embedded":
            return KnownOrMoving(self.flow)
        from core.curation.full_size import DinoBoxes
        from core.segment.grounding import load_grounder

        return DinoBoxes(load_grounder(self._settings.grounder, self.device, self._store))

    @cached_property
    def tracker(self) -> Tracker:
        """Makes masks."""
        from core.curation.embedded import KnownMasks, SegmenterTracker

        if self._settings.tracker == FAKE:
            return FakeMasks()
        if self._settings.tracker == "known":
            return KnownMasks()
        from core.segment import load_segmenter

        return SegmenterTracker(load_segmenter(self._settings.tracker, self.device, self._store))

    @cached_property
    def captioner(self) -> Captioner:
        """Describes entities."""
        if self._settings.captioner == FAKE:
            return FakeCaptions()
        if self._settings.captioner != "embedded":
            from core.curation.language import load_captioner

            return load_captioner(self._settings.captioner, self.device)
        from core.curation.embedded import ClassifierCaptions
        from core.evaluation.classifier import Classifier

        return ClassifierCaptions(Classifier.load())

    @cached_property
    def flow(self) -> Flow:
        """Optical flow."""
        from core.curation.embedded import DisFlow

        if self._settings.flow == FAKE:
            return FakeFlow()
        if self._settings.flow == "dis":
            return DisFlow()
        from core.curation.raft import load_raft

        return load_raft(Path(self._settings.flow).expanduser(), self.device)
