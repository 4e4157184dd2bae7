"""What the program has workers for: each of these is done here where there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.engine import Engine, RunSegments, Tracker
from app.settings import Settings
from app.workers.clips import sent_clip, SentFile
from app.workers.pool import WorkerPool
from app.workers.segments import run_chains
from app.workers.work import DescribeWork, KeyframeWork, SentModel, TrackWork, WindowsWork
from core.progress import JobContext
from core.project.prompts import MaskPrompt

if TYPE_CHECKING:
    import numpy as np

    from core.media import ClipReader
    from core.models.catalogue import ModelKind
    from core.project.prompts import Prompt
    from core.project.tracks import Direction
    from core.propagation.request import EditRequest
    from core.propagation.result import EditedWindow
    from core.propagation.schedule import Segment
    from core.segment.session import FrameMasks
    from core.vivid.contract import VideoEngine
    from core.vivid.keyframe_request import KeyframeRequest


class StudioWorkers:
    """The `Workers` of an engine. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        """As `WorkerPool`."""
        self.pool = WorkerPool(settings)

    @property
    def size(self) -> int:
        """How many workers there are, at least 1."""
        return self.pool.size

    def video_model(self, engine: Engine, name: str, context: JobContext) -> VideoEngine:
        """A model that workers load, as it is known here.

        Args:
            engine: The models of this machine.
            name: Of the model.
            context: Is told if no worker is free, and can cancel.

        Returns:
            Its description.

        Raises:
            StudioError: The worker has other weights, or can't load it.
        """
        (model,) = self.pool.run_again(DescribeWork(SentModel.of(engine, "video", name)), context)
        return model

    def run_segments(self, engine: Engine) -> RunSegments:
        """What makes windows as `core.propagation.schedule.run_segments` does in this process, to
        the same pixels. A worker that dies loses the window that it was at.
        """
        return partial(self._run_segments, engine)

    def _run_segments(
        self,
        engine: Engine,
        model: VideoEngine,
        reader: ClipReader,
        request: EditRequest,
        segments: Sequence[Segment],
        context: JobContext,
        stored: Callable[[str], EditedWindow | None],
    ) -> Iterator[tuple[str, EditedWindow]]:
        from core.propagation.propagate import sampling_of
        from core.vivid.described import DescribedEngine

        assert isinstance(model, DescribedEngine)
        weights, clip, chains = SentModel.of(engine, "video", model.name), sent_clip(reader), []
        for segment in segments:
            known = [(key, stored(key)) for key in segment.keys]
            absent = sum(window is None for _, window in known)
            if not absent:
                continue
            goes_on = [*(window is None for _, window in known[1:]), False]
            made = {key: window if needed else None for (key, window), needed in zip(known, goes_on, strict=True) if window is not None}
            work = WindowsWork(clip, weights, model, request, segment, made)
            chains.append((work, absent * sampling_of(model, segment.keyframe, request.settings).runs))
        yield from run_chains(self.pool, chains, context)

    def paint_tries(self, engine: Engine, reader: ClipReader, request: KeyframeRequest, context: JobContext) -> Iterator[np.ndarray]:
        """Paint tries of a keyframe.

        Args:
            engine: The models of this machine.
            reader: The clip.
            request: What to paint, and by which model.
            context: Reports steps.

        Yields:
            uint8 (H, W, 3) of each seed.
        """
        kind: ModelKind = "video" if engine.painter_of(request.settings) is None else "image"
        model = SentModel.of(engine, kind, engine.painter_name(request.settings))
        yield from self.pool.run_again(KeyframeWork(sent_clip(reader), model, request), context)

    def tracker(self, engine: Engine, segmenter: str, reader: ClipReader, folder: Path | None) -> Tracker:
        """What tracks objects through a clip.

        Args:
            engine: The models of this machine.
            segmenter: The segmenter's name.
            reader: The clip.
            folder: Has the files of mask prompts.

        Returns:
            What sends each run to a worker.
        """
        return _SentTracker(self.pool, SentModel.of(engine, "segmenter", segmenter), reader, folder)

    def close(self) -> None:
        """Let go of the workers."""
        self.pool.close()


@dataclass(frozen=True)
class _SentTracker:
    """A `Tracker` of which each run is done by a worker."""

    pool: WorkerPool
    segmenter: SentModel
    reader: ClipReader
    folder: Path | None

    def track(
        self,
        prompts_by_object: Mapping[int, Sequence[Prompt]],
        start: int,
        stop: int,
        context: JobContext,
        direction: Direction = "both",
        anchor: int | None = None,
    ) -> Iterator[tuple[int, FrameMasks]]:
        names = {prompt.file for given in prompts_by_object.values() for prompt in given if isinstance(prompt, MaskPrompt)}
        masks = tuple(SentFile.of(self.folder / name, name) for name in sorted(names)) if self.folder is not None else ()
        prompts = {object_id: tuple(given) for object_id, given in prompts_by_object.items()}
        work = TrackWork(sent_clip(self.reader), self.segmenter, prompts, (start, stop), direction, anchor, masks)
        yield from self.pool.run_again(work, context)
