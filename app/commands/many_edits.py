"""The same edit on several videos: each in a folder of its own, some at a time where workers do the
models' work.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.commands.console import about, note, report_internal_error
from app.commands.edit_arguments import EditArguments
from app.commands.result_folder import is_finished
from app.contract.error_text import error_text
from core.errors import Cancelled, InputError, ModelMissingError, StudioError
from core.progress import JobContext, ProgressEvent
from core.words import counted

NAME = "{name}"
"""Stands for a video's own name in the paths of masks and keyframes."""


@dataclass(frozen=True)
class VideoEdit:
    """One of the videos, where its result goes, and what to do."""

    name: str
    video: Path
    out: Path
    arguments: EditArguments


def edits_of(videos: Sequence[Path], out: Path, arguments: EditArguments) -> list[VideoEdit]:
    """What is to be done for each video. Several have their results in folders of `out` that are
    called like them.

    Args:
        videos: Files, or folders of numbered images.
        out: The folder of the result, or of the results.
        arguments: What to do with each.

    Returns:
        As many, in the same order.

    Raises:
        InputError: Two of them are called the same.
    """
    names = [video.resolve().stem if video.is_file() else video.resolve().name for video in videos]
    for name, count in Counter(names).items():
        if count > 1:
            raise InputError(f"{count} of the videos are called '{name}', and so would be their results: edit them one at a time")
    return [
        VideoEdit(name, video, out / name if len(videos) > 1 else out, _named(arguments, name))
        for name, video in zip(names, videos, strict=True)
    ]


def _named(arguments: EditArguments, name: str) -> EditArguments:
    def path(given: Path) -> Path:
        return Path(str(given).replace(NAME, name))

    masks = None if arguments.masks is None else path(arguments.masks)
    return replace(arguments, masks=masks, keyframes=tuple(replace(one, path=path(one.path)) for one in arguments.keyframes))


def edit_all(
    edits: Sequence[VideoEdit],
    edit: Callable[[VideoEdit, JobContext], dict[str, Any]],
    done: Callable[[VideoEdit, dict[str, Any]], None],
    context: JobContext,
    at_once: int = 1,
    skip_finished: bool = False,
) -> None:
    """Edit all videos. One that can't be edited keeps nobody from the others.

    Args:
        edits: What to do.
        edit: Does it; returns the report.
        done: Told of each that is done.
        context: Reports how far all are, and stops them.
        at_once: How many to work on at a time.
        skip_finished: Leave out those that have a result.

    Raises:
        ModelMissingError: A model is not on this machine.
        StudioError: Some were not edited; each was said before.
        Cancelled: A person stopped them.
    """
    left = [one for one in edits if not (skip_finished and is_finished(one.out))]
    if len(left) < len(edits):
        note(f"{counted(len(edits) - len(left), 'video')} of {len(edits)} had a result and stay as they are")
    together = _Together(context, len(left))
    failed: list[tuple[str, int]] = []
    missing: ModelMissingError | None = None

    def one(asked: VideoEdit) -> dict[str, Any]:
        context.check()
        about.set(f"{asked.name}: ")
        try:
            return edit(asked, JobContext(lambda event: together.tell(asked.name, event), context.token))
        finally:
            together.end(asked.name)

    with ThreadPoolExecutor(max(1, min(at_once, len(left)))) as threads:
        running = {threads.submit(one, asked): asked for asked in left}
        for ended in as_completed(running):
            asked = running[ended]
            try:
                done(asked, ended.result())
            except Cancelled:
                continue
            except ModelMissingError as error:  # the others need it as well
                missing = missing or error
                context.token.cancel()
            except StudioError as error:
                print(f"error: {asked.name}: {' '.join(error_text(error).split(chr(10)))}", file=sys.stderr)
                failed.append((asked.name, error.exit_code))
            except Exception as error:
                failed.append((asked.name, report_internal_error(error)))
    if missing is not None:
        raise missing
    context.check()
    if failed:
        names = ", ".join(name for name, _ in failed)
        problem = StudioError(f"{counted(len(failed), 'video')} of {len(edits)} could not be edited: {names}")
        problem.exit_code = failed[0][1]
        raise problem


class _Together:
    """The progress of several edits as one: how many are done, and what the others are at."""

    def __init__(self, context: JobContext, total: int) -> None:
        self._context, self._total, self._done = context, total, 0
        self._at: dict[str, str] = {}
        self._lock = threading.Lock()

    def tell(self, name: str, event: ProgressEvent) -> None:
        """One of them has come further."""
        with self._lock:
            self._at[name] = f"{event.stage} {event.done}/{event.total}"
            self._say()

    def end(self, name: str) -> None:
        """One of them has ended."""
        with self._lock:
            self._at.pop(name, None)
            self._done += 1
            if not self._context.token.cancelled:
                self._say()

    def _say(self) -> None:
        at = "; ".join(f"{name}: {what}" for name, what in self._at.items())
        self._context.report("videos", self._done, self._total, unit=f"({at})" if at else "")
