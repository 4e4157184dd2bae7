"""What a stage works with: its models, the clips, and where to say what it left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch

from core.curation.records import ClipRecord, Dropped, Media, SetAside, SourceItem
from core.curation.settings import CurationSettings
from core.curation.toolbox import Toolbox
from core.curation.views import ClipView, open_view
from core.dataset.tars import TarWriter
from core.errors import DeviceMemoryError, DeviceMissingError, ModelMissingError, StorageError, StudioError

ItemT = TypeVar("ItemT", ClipRecord, SourceItem)

_NOT_THE_INPUT = (StorageError, ModelMissingError, DeviceMissingError, DeviceMemoryError)
"""Errors that the next input would meet as well."""
_ITS_FAULT = (StudioError, OSError, ValueError, ArithmeticError, LookupError, RuntimeError)
"""What an input that can't be used may raise."""

Look = Callable[[list[ClipRecord], list[ClipView]], list[ClipRecord]]
"""Makes of clips and views of them as many clips."""


@dataclass
class ShardWork:
    """One shard on its way through a stage. `out` is the build's folder, `shared` what the stage
    gathered from all shards."""

    stage: str
    out: Path
    settings: CurationSettings
    tools: Toolbox
    shared: Any = None
    tar: TarWriter | None = None
    tar_name: str = ""
    dropped: list[Dropped] = field(default_factory=list)
    aside: list[SetAside] = field(default_factory=list)

    def each(self, items: Sequence[ItemT], work: Callable[[ItemT], Iterator[ClipRecord]]) -> list[ClipRecord]:
        """Work on one input after the other; one that can't be used is set aside with the reason.

        Args:
            items: The inputs.
            work: Yields the clips that come of one.

        Returns:
            All clips, in order.

        Raises:
            StudioError: What is wrong is not the input: the disk, a model, the device.
        """
        done: list[ClipRecord] = []
        for item in items:
            with self._setting_aside(item):
                done.extend(list(work(item)))
        return done

    def in_batches(self, clips: Sequence[ClipRecord], look: Look) -> list[ClipRecord]:
        """Look at the first frames of clips, as many at once as the settings say, while threads
        decode those of the next batch; a clip that can't be used is set aside as by `each`.

        StudioError as by `each`.
        """
        size = self.settings.batch
        batches = [clips[start : start + size] for start in range(0, len(clips), size)]
        done: list[ClipRecord] = []
        opened: list[ExitStack] = []

        def open_one(clip: ClipRecord) -> tuple[ExitStack, ClipView]:
            stack = ExitStack()
            opened.append(stack)
            view = stack.enter_context(open_view(clip, self.out))
            view.frame(0)
            return stack, view

        try:
            with ThreadPoolExecutor(self.settings.decoders, "open") as pool:
                coming = [pool.submit(open_one, clip) for clip in clips[:size]]
                for number, batch in enumerate(batches):
                    present = coming
                    coming = [pool.submit(open_one, clip) for clip in clips[(number + 1) * size : (number + 2) * size]]
                    there: list[tuple[ClipRecord, ExitStack, ClipView]] = []
                    for clip, future in zip(batch, present, strict=True):
                        with self._setting_aside(clip):
                            there.append((clip, *future.result()))
                    done += self._looked([clip for clip, _, _ in there], [view for _, _, view in there], look)
                    for _, stack, _ in there:
                        stack.close()
        finally:
            for stack in opened:
                stack.close()
        return done

    def _looked(self, clips: list[ClipRecord], views: list[ClipView], look: Look) -> list[ClipRecord]:
        """A batch at once; where that fails, one after the other, to find out which does."""
        said = len(self.dropped)
        if len(clips) > 1:
            try:
                return look(clips, views)
            except _NOT_THE_INPUT:
                raise
            except _ITS_FAULT:
                del self.dropped[said:]
        done: list[ClipRecord] = []
        for clip, view in zip(clips, views, strict=True):
            with self._setting_aside(clip):
                done += look([clip], [view])
        return done

    @contextmanager
    def _setting_aside(self, item: ClipRecord | SourceItem) -> Iterator[None]:
        try:
            yield
        except _NOT_THE_INPUT:
            raise
        except StudioError as error:
            self._set_aside(item, str(error))
        except torch.OutOfMemoryError as error:
            raise StudioError(f"the device's memory is too small for stage {self.stage}: take smaller models, or another device") from error
        except _ITS_FAULT as error:
            self._set_aside(item, f"{type(error).__name__}: {error}")

    def _set_aside(self, item: ClipRecord | SourceItem, reason: str) -> None:
        name = item.name if isinstance(item, SourceItem) else f"{item.key} ({item.source})"
        self.aside.append(SetAside(self.stage, name, " ".join(reason.split())))

    def drop(self, key: str, name: str, value: float, limit: float) -> None:
        """Log what a filter left out.

        Args:
            key: Of the clip or sample, or the name of the input.
            name: Of the filter.
            value: What it measured.
            limit: What it allows.
        """
        self.dropped.append(Dropped(key, name, round(float(value), 6), limit))

    def keep_media(self, name: str, data: bytes) -> Media:
        """Put the file of a clip into the shard's tar."""
        assert self.tar is not None
        offset, size = self.tar.add(name, data)
        return Media(f"stages/{self.stage}/{self.tar_name}", name, offset, size)

    @contextmanager
    def view(self, record: ClipRecord) -> Iterator[ClipView]:
        """Open a clip to look at its frames."""
        with open_view(record, self.out) as view:
            yield view


class Stage(Protocol):
    """A step of the build. Its output depends on its input, on the settings and models that
    `depends_on` names, and on `version`, which goes up when the code makes something else of the
    same."""

    name: str
    version: int
    media: bool
    """Whether it makes files of clips."""
    models: bool
    """Whether it runs networks, which are faster on a GPU."""

    def depends_on(self, settings: CurationSettings) -> dict[str, Any]:
        """The settings that change what comes out, as JSON."""
        ...

    def gather(self, shards: Iterator[list[ClipRecord]], settings: CurationSettings) -> Any:
        """What `run` has to know of all shards, as JSON; None for nothing."""
        ...

    def run(self, items: list[Any], work: ShardWork) -> list[ClipRecord]:
        """Do one shard: of the first stage its sources, of the others the clips that the one before
        left."""
        ...
