"""What a worker can be asked for. Each is sent whole, and comes back item by item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TYPE_CHECKING

import numpy as np

from app.workers.clips import ClipStore, SentClip, SentFile
from core.errors import InputError

if TYPE_CHECKING:
    from app.engine import Engine
    from core.models.catalogue import ModelKind
    from core.progress import JobContext
    from core.project.prompts import Prompt
    from core.project.tracks import Direction
    from core.propagation.request import EditRequest
    from core.propagation.result import EditedWindow
    from core.propagation.schedule import Segment
    from core.segment.session import FrameMasks
    from core.vivid.contract import VideoEngine
    from core.vivid.described import DescribedEngine
    from core.vivid.keyframe_request import KeyframeRequest


class Work(Protocol):
    """Something to do. It has to be picklable."""

    @property
    def files(self) -> Sequence[SentFile]:
        """What the worker needs on its disk before."""
        ...

    def run(self, engine: Engine, clips: ClipStore, context: JobContext) -> Iterator[Any]:
        """Do it, on the worker.

        Args:
            engine: The worker's models.
            clips: The worker's files.
            context: Progress and cancelling.

        Yields:
            Its results, as they are made.
        """
        ...


@dataclass(frozen=True)
class SentModel:
    """A model by its name, and what its weights are on the machine that asks."""

    kind: ModelKind
    name: str
    weights: str

    @classmethod
    def of(cls, engine: Engine, kind: ModelKind, name: str) -> SentModel:
        """A model as this machine has it.

        Args:
            engine: The models of this machine.
            kind: What the model is for.
            name: Its name.

        Returns:
            What a worker compares with its own.

        Raises:
            ModelMissingError: It is not on this machine.
        """
        return cls(kind, name, engine.fingerprint(kind, name))

    def check(self, engine: Engine) -> None:
        """InputError unless this machine has the same weights."""
        if engine.fingerprint(self.kind, self.name) != self.weights:
            raise InputError(f"the weights of the model '{self.name}' differ from those on the machine that asks: fetch them again here")


@dataclass(frozen=True)
class DescribeWork:
    """Load a video model, and say what it is like."""

    model: SentModel
    files: tuple[SentFile, ...] = ()

    def run(self, engine: Engine, clips: ClipStore, context: JobContext) -> Iterator[DescribedEngine]:
        """As `Work.run`.

        Args:
            engine: The worker's models.
            clips: The worker's files.
            context: Progress and cancelling.

        Yields:
            The description.
        """
        from core.vivid.described import DescribedEngine

        self.model.check(engine)
        yield DescribedEngine.of(engine.video_model(self.model.name))


@dataclass(frozen=True)
class WindowsWork:
    """Make the windows of one segment that are not made yet.

    Attributes:
        clip: The clip.
        weights: The video model.
        model: What it is like, as the one who asks knows it.
        request: The edit.
        segment: The segment.
        made: The windows that are made already by their names, each None where no other goes on
            from it.
    """

    clip: SentClip
    weights: SentModel
    model: DescribedEngine
    request: EditRequest
    segment: Segment
    made: dict[str, EditedWindow | None]

    @property
    def files(self) -> Sequence[SentFile]:
        return self.clip.all_files

    def run(self, engine: Engine, clips: ClipStore, context: JobContext) -> Iterator[tuple[str, EditedWindow]]:
        """As `Work.run`.

        Args:
            engine: The worker's models.
            clips: The worker's files.
            context: Progress and cancelling.

        Yields:
            (name, window) of each that is made.
        """
        from core.propagation.schedule import run_segments

        model = engine.at_work(self._model(engine))
        windows = dict(zip(self.segment.keys, self.segment.windows, strict=True))

        def stored(key: str) -> EditedWindow | None:
            if key not in self.made:
                return None
            return self.made[key] or _left_out(windows[key].edited)

        with clips.open(self.clip) as reader:
            yield from run_segments(model, reader, self.request, [self.segment], context, stored)

    def _model(self, engine: Engine) -> VideoEngine:
        from core.vivid.described import DescribedEngine

        self.weights.check(engine)
        model = engine.video_model(self.weights.name)
        if model.working_size != self.model.working_size:  # a quick look
            model = replace(model, working_size=self.model.working_size)
        if DescribedEngine.of(model) != self.model:
            raise InputError(
                f"workers would run the model '{self.model.name}' in different ways ({model.levers}; {self.model.levers}): "
                "choose one for all with --speed and --memory"
            )
        return model


def _left_out(frames: tuple[int, ...]) -> EditedWindow:
    """Stands for a window whose pixels nothing needs here."""
    from core.propagation.result import EditedWindow

    return EditedWindow(frames, ((0, 0),) * len(frames), (np.zeros((0, 0, 3), np.uint8),) * len(frames))


@dataclass(frozen=True)
class KeyframeWork:
    """Paint tries of a keyframe, with a keyframe model or a video model."""

    clip: SentClip
    painter: SentModel
    request: KeyframeRequest

    @property
    def files(self) -> Sequence[SentFile]:
        return self.clip.all_files

    def run(self, engine: Engine, clips: ClipStore, context: JobContext) -> Iterator[np.ndarray]:
        """As `Work.run`.

        Args:
            engine: The worker's models.
            clips: The worker's files.
            context: Progress and cancelling.

        Yields:
            uint8 (H, W, 3) of each seed.
        """
        from core.background.canvas import behind_keyframe
        from core.keyframe_models.studio import studio_for

        asked = self.request
        self.painter.check(engine)
        named = self.painter.name
        model = engine.at_work(engine.painter(named) if self.painter.kind == "image" else engine.video_model(named))
        with clips.open(self.clip) as reader:
            behind = behind_keyframe(reader, asked.region, asked.frame)
            prepared = studio_for(model).prepare(asked.source, asked.region[asked.frame], asked.feather, behind)
            yield from prepared.tries(asked.task, asked.caption, asked.seeds, asked.settings, context, asked.start, asked.keep)


@dataclass(frozen=True)
class TrackWork:
    """Track objects; see `SegmentSession.track`.

    Attributes:
        clip: The clip.
        segmenter: The segmenter.
        prompts: Of each object by its id.
        span: The frames start:stop to track it on.
        direction: Which way.
        anchor: The frame to start from, if that is settled.
        masks: The files of mask prompts, by the names that these know.
    """

    clip: SentClip
    segmenter: SentModel
    prompts: Mapping[int, Sequence[Prompt]]
    span: tuple[int, int]
    direction: Direction
    anchor: int | None
    masks: tuple[SentFile, ...]

    @property
    def files(self) -> Sequence[SentFile]:
        return [*self.clip.all_files, *self.masks]

    def run(self, engine: Engine, clips: ClipStore, context: JobContext) -> Iterator[tuple[int, FrameMasks]]:
        """As `Work.run`.

        Args:
            engine: The worker's models.
            clips: The worker's files.
            context: Progress and cancelling.

        Yields:
            (frame, masks), as `SegmentSession.track` does.
        """
        self.segmenter.check(engine)
        folder = clips.folder_of(self.masks) if self.masks else None
        with clips.open(self.clip) as reader:
            session = engine.segmenter(self.segmenter.name).session(reader, folder)
            yield from session.track(self.prompts, *self.span, context, self.direction, self.anchor)
