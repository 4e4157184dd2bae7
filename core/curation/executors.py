"""What runs the shards of a stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from core.curation.ledger import Done
from core.curation.settings import CurationSettings
from core.curation.shards import run_shard, ShardTask
from core.curation.toolbox import Toolbox


class Executor(Protocol):
    """Runs tasks in any order, and yields each as it is finished."""

    def run(self, tasks: Sequence[ShardTask], out: Path, settings: CurationSettings) -> Iterator[tuple[ShardTask, Done]]:
        """Run tasks of one stage.

        Args:
            tasks: What there is to do.
            out: The build's folder.
            settings: Of the build.

        Yields:
            Each task with what its .done says.
        """
        ...


class LocalExecutor:
    """Runs one task after the other in this process. Models stay loaded from stage to stage."""

    def __init__(self, models: Path | None = None) -> None:
        """`models` is the folder of fetched models."""
        self._models = models
        self._tools: Toolbox | None = None

    def run(self, tasks: Sequence[ShardTask], out: Path, settings: CurationSettings) -> Iterator[tuple[ShardTask, Done]]:
        """As `Executor.run`."""
        if tasks and self._tools is None:
            self._tools = Toolbox(settings, self._models)
        for task in tasks:
            assert self._tools is not None
            yield task, run_shard(task, out, settings, self._tools)
