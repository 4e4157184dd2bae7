"""The models in memory: loaded on a device when first needed, then kept.

Nothing heavy is imported before that.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TYPE_CHECKING, TypeVar

from app.settings import Settings
from core.errors import InputError
from core.file_facts import keep_facts_in
from core.models.catalogue import entry, ModelKind
from core.models.presets import check_has_draft, draft_files, draft_name, draft_of, split_draft
from core.models.store import is_denoiser_alone, ModelStore
from core.progress import JobContext
from core.project.edits import Preset, SamplingSettings, VIDEO_MODEL

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from core.keyframe_models.pipeline_model import PipelineModel
    from core.keyframe_models.sharing import SharedDevice
    from core.media import ClipReader
    from core.project.prompts import Prompt
    from core.project.tracks import Direction
    from core.propagation.request import EditRequest
    from core.propagation.result import EditedWindow
    from core.propagation.schedule import Segment
    from core.segment import Segmenter
    from core.segment.session import FrameMasks
    from core.segment.words import WordFinder
    from core.vivid.contract import VideoEngine
    from core.vivid.keyframe_request import KeyframeRequest

RunSegments = Callable[
    ["VideoEngine", "ClipReader", "EditRequest", "Sequence[Segment]", JobContext, Callable[[str], "EditedWindow | None"]],
    Iterator[tuple[str, "EditedWindow"]],
]
"""Makes the windows of an edit: `core.propagation.schedule.run_segments`, or workers."""

Working = TypeVar("Working", bound="VideoEngine | PipelineModel")
log = logging.getLogger(__name__)

GROUNDER = "grounding-dino"
"""The catalogue's name of what finds things by words."""


class Tracker(Protocol):
    """Tracks objects through a clip: a session of the segmenter, or a worker."""

    def track(
        self,
        prompts_by_object: Mapping[int, Sequence[Prompt]],
        start: int,
        stop: int,
        context: JobContext,
        direction: Direction = "both",
        anchor: int | None = None,
    ) -> Iterator[tuple[int, FrameMasks]]:
        """As `core.segment.SegmentSession.track`.

        Args:
            prompts_by_object: As there.
            start: The first frame.
            stop: The frame after the last one.
            context: Reports frames, and can cancel.
            direction: As there.
            anchor: As there.

        Yields:
            (frame, masks of the objects by their ids).
        """
        ...


class Workers(Protocol):
    """Other processes that models work in (`app.workers`)."""

    def video_model(self, engine: Engine, name: str, context: JobContext) -> VideoEngine:
        """A model that is loaded there.

        Args:
            engine: The models of this machine.
            name: Of the model.
            context: Is told if no worker is free, and can cancel.

        Returns:
            All that it says of itself; it can't paint here.

        Raises:
            StudioError: The workers have other weights, or can't load it.
        """
        ...

    def run_segments(self, engine: Engine) -> RunSegments:
        """What makes windows there."""
        ...

    def paint_tries(self, engine: Engine, reader: ClipReader, request: KeyframeRequest, context: JobContext) -> Iterator[np.ndarray]:
        """Paint tries of a keyframe there.

        Args:
            engine: The models of this machine.
            reader: The clip.
            request: What to paint, and by which model.
            context: Reports steps, and can cancel.

        Yields:
            uint8 (H, W, 3) of each seed.
        """
        ...

    def tracker(self, engine: Engine, segmenter: str, reader: ClipReader, folder: Path | None) -> Tracker:
        """What tracks objects there.

        Args:
            engine: The models of this machine.
            segmenter: The segmenter's name.
            reader: The clip.
            folder: Has the files of mask prompts.

        Returns:
            What sends each run to a worker.
        """
        ...


class Engine:
    """Holds the segmenter and the video model of a program; safe to use from several threads."""

    def __init__(self, settings: Settings, workers: Workers | None = None) -> None:
        """With `workers`, the video model is loaded there, and they make windows."""
        self.settings = settings
        self.workers = workers
        self.store = ModelStore(settings.models_root)
        keep_facts_in(settings.facts_root)
        self._lock = threading.RLock()
        self._device: str | None = None
        self._segmenters: dict[str, Segmenter] = {}
        self._videos: dict[str, VideoEngine] = {}
        self._painters: dict[str, PipelineModel] = {}
        self._grounder: WordFinder | None = None
        self._shared: SharedDevice | None = None

    @property
    def device(self) -> str:
        """The device that all models run on; `auto` becomes the best one there is."""
        with self._lock:
            if self._device is None:
                from core.models.device import choose_device

                self._device = choose_device(self.settings.device)
            return self._device

    def has(self, name: str) -> bool:
        """Whether the model of that name is in memory."""
        return name in self._segmenters or name in self._videos or name in self._painters

    def loaded_video_model(self, name: str) -> VideoEngine | None:
        """The video model of that name if it is in memory, without waiting for one that is read."""
        return self._videos.get(name)

    def forget(self, name: str) -> None:
        """Let go of a model that was removed, without waiting for another that is being loaded."""
        self._segmenters.pop(name, None)
        self._videos.pop(name, None)
        self._painters.pop(name, None)
        if self._shared is not None:
            self._shared.forget(name)
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

    def tracker(self, reader: ClipReader, folder: Path | None, segmenter: str | None = None) -> Tracker:
        """What tracks objects through a clip, in a run of its own.

        Args:
            reader: The clip.
            folder: Has the files of mask prompts.
            segmenter: The name of the segmenter, the settings' own when None.

        Returns:
            A session here, or a worker's.
        """
        if self.workers is not None:
            return self.workers.tracker(self, segmenter or self.settings.segmenter, reader, folder)
        return self.segmenter(segmenter).session(reader, folder)

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

    def named(self, settings: SamplingSettings, name: str | None = None, kind: ModelKind = "video") -> str:
        """What a model is called as such settings ask for it: itself, or its Draft.

        Args:
            settings: Their preset counts.
            name: The model, the settings' video model when None.
            kind: What it is for: video or image.

        Returns:
            The name for `video_model`, `painter` and `weights`.

        Raises:
            InputError: The video model has no Draft. (A keyframe model without one paints as ever.)
            ModelMissingError: What the Draft adds to the weights is not on this machine.
        """
        plain, drafted = split_draft(name or self.settings.model)
        if not (drafted if settings.preset is None else settings.preset == "draft"):
            return plain
        draft = draft_of(plain, kind, self.store)
        if draft is None and kind == "image":
            return plain
        draft_files(check_has_draft(plain, draft), self.store.locate(plain, kind), self.store)
        return draft_name(plain)

    def settled(self, settings: SamplingSettings) -> SamplingSettings:
        """Settings as they are kept with what they made: what the program was started with is said
        in them.
        """
        return replace(settings, painter=self.painter_of(settings), preset=self.preset_of(settings))

    def preset_of(self, settings: SamplingSettings) -> Preset | None:
        """Draft, or None for final, as such settings ask for it."""
        if settings.preset is None:
            return "draft" if split_draft(self.settings.model)[1] else None
        return "draft" if settings.preset == "draft" else None

    def painter_name(self, settings: SamplingSettings) -> str:
        """The name of the model that paints keyframes as such settings ask for it."""
        painter = self.painter_of(settings)
        return self.named(settings) if painter is None else self.named(settings, painter, "image")

    def usual_steps(self, name: str) -> int | None:
        """How many steps a model takes for a keyframe; None while it is not in memory."""
        if (painter := self._painters.get(name)) is not None:
            return painter.steps
        video = next((model for other, model in self._videos.items() if split_draft(other)[0] == name), None)
        return None if video is None else video.tasks["modify"].steps

    def of_size(self, name: str, context: JobContext | None = None) -> VideoEngine:
        """A video model to estimate with: itself, or one of its size in memory, to read none."""
        from core.vivid.distilled import as_draft

        plain, drafted = split_draft(name)
        found = next((model for other, model in self._videos.items() if split_draft(other)[0] == plain), None)
        if found is None or found.name == name:
            return self.video_model(name, context)
        found = replace(found, name=plain, draft=None)
        return as_draft(found, check_has_draft(plain, draft_of(plain, "video", self.store))) if drafted else found

    def video_model(self, name: str | None = None, context: JobContext | None = None) -> VideoEngine:
        """The video model of that name, the settings' own when None. Of a model and a Draft of
        other weights only one is in memory. Where workers have it, `context` is told if there is
        none yet, and can cancel.
        """
        name = name or self.settings.model
        if self.workers is not None:
            if name not in self._videos:  # not under the lock, which clicks need: workers may be long in coming
                self._videos[name] = self.workers.video_model(self, name, context or JobContext())
            return self._videos[name]
        with self._lock:
            if name not in self._videos:
                from core.engines.loading import load_video_engine

                plain, drafted = split_draft(name)
                draft = draft_of(plain, "video", self.store) if drafted else None
                if draft is not None and not draft.lora:
                    from core.vivid.distilled import as_draft

                    return self._videos.setdefault(name, as_draft(self.video_model(plain), draft))
                for other in [one for one in self._videos if split_draft(one)[0] == plain]:
                    self.forget(other)
                if (shared := self._shared_device()) is not None:
                    shared.clear()
                model = load_video_engine(name, self.device, self.store, self.settings.memory, self.settings.speed)
                if model.memory.free is not None:
                    log.info("%s on %s, %s; speed: %s", name, self.device, model.memory, model.levers)
                elif self.settings.memory in ("parts", "layers"):
                    log.info("--memory %s is for GPUs: on %s nothing is moved", self.settings.memory, self.device)
                self._videos[name] = model
            return self._videos[name]

    @property
    def run_segments(self) -> RunSegments | None:
        """What makes windows; None for this process."""
        return None if self.workers is None else self.workers.run_segments(self)

    def painter_of(self, settings: SamplingSettings) -> str | None:
        """The name of the keyframe model that such settings ask for; None for the video model.

        InputError for one that is not on this machine, or that only the person who starts the
        program may name.
        """
        asked = settings.painter or self.settings.keyframe_model or VIDEO_MODEL
        if asked == VIDEO_MODEL:
            return None
        if asked != self.settings.keyframe_model:
            entry(asked, "image")
            if not self.store.available(asked, "image"):
                raise InputError(f"the keyframe model '{asked}' is not on this machine: fetch it first (Models)")
        return asked

    def painter_for(self, settings: SamplingSettings) -> VideoEngine | PipelineModel:
        """What paints keyframes as such settings ask for it."""
        painter = self.painter_of(settings)
        return self.video_model(self.named(settings)) if painter is None else self.painter(self.named(settings, painter, "image"))

    def painter(self, name: str | None = None) -> VideoEngine | PipelineModel:
        """The keyframe model of that name, the settings' video model when None."""
        if name is None:
            return self.video_model()
        with self._lock:
            if name not in self._painters:
                from core.keyframe_models.loading import load_keyframe_model

                shared = self._shared_device()
                room = None if shared is None else lambda: shared.room
                self._painters[name] = load_keyframe_model(name, self.device, self.store, self.settings.memory, room, self.settings.speed)
            return self._painters[name]

    def at_work(self, model: Working) -> Working:
        """Let a model have the device: another that doesn't fit beside it leaves.

        For jobs, of which one works at a time.
        """
        with self._lock:
            if self.workers is None and (shared := self._shared_device()) is not None:
                pipeline = model.pipeline  # a Draft may run the weights of another name
                name = next((name for name, one in self._videos.items() if one.pipeline is pipeline), model.name)
                shared.enter(name, model)
        return model

    def _shared_device(self) -> SharedDevice | None:
        """The GPU that models share; None where weights don't move."""
        if self._shared is None and self.device.startswith("cuda"):
            import torch

            from core.keyframe_models.sharing import SharedDevice
            from core.vivid.offload import free_on

            device = torch.device(self.device)
            self._shared = SharedDevice(lambda: free_on(device))
        return self._shared

    def fingerprint(self, kind: ModelKind, name: str) -> str:
        """What the weights of a model are, with what its Draft adds to them. Its files are read,
        but nothing is loaded. ModelMissingError where there are none.
        """
        from core.models.fingerprint import fingerprint, with_draft

        plain, drafted = split_draft(name)
        path, base = self.store.locate(plain, kind), None
        if kind == "video" and is_denoiser_alone(path):
            from core.engines.single_file import base_of

            base = base_of(path, self.store)
        elif kind == "image" and is_denoiser_alone(path):
            from core.keyframe_models import single_file

            base = single_file.base_of(path, self.store) if single_file.is_alone(path) else None
        own = fingerprint(path, base)
        draft = draft_of(plain, kind, self.store) if drafted else None
        return own if draft is None else with_draft(own, draft, draft_files(draft, path, self.store))

    def weights(self, name: str | None = None) -> str:
        """The fingerprint of a video model's weights, the settings' own when `name` is None."""
        return self.fingerprint("video", name or self.settings.model)
