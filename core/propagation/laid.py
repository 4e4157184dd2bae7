"""Windows of an insert: no model runs, it is drawn on every frame where its path says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

from core.inserts.carried import CarriedInsert, CornerPath, encode_path, LaidInsert
from core.inserts.drawing import InsertDrawer
from core.progress import JobContext
from core.project.codec import encode
from core.propagation.drawn import drawn_windows
from core.propagation.request import EditRequest
from core.propagation.result import EditedWindow, Frame, Frames, share_between
from core.propagation.windows import Window


def carry_insert(
    reader: Frames,
    request: EditRequest,
    windows: Sequence[Window],
    runs: int,
    context: JobContext,
    stored: Callable[[Window], EditedWindow | None] | None = None,
) -> Iterator[EditedWindow]:
    """Draw the insert of a request's one keyframe on its frames.

    What a frame shows depends on no other window.

    Args:
        reader: The clip.
        request: What to edit; its keyframe has an insert.
        windows: The windows to make.
        runs: Steps that the progress of a window is counted in.
        context: Reports progress, and stops within a window.
        stored: Asked before a window is made.

    Returns:
        Windows as they finish.

    Raises:
        Cancelled: The job was stopped.
    """
    keyframe = request.keyframe
    carried = keyframe.insert
    assert carried is not None

    @cache
    def drawer() -> InsertDrawer:
        return drawer_of(reader, LaidInsert(carried.insert, carried.picture, keyframe.frame))

    def draw(frame: int, source: Frame) -> tuple[Frame, None]:
        return drawer().draw(frame, source, carried.places(frame, (source.shape[1], source.shape[0])), carried.before(frame)), None

    return drawn_windows(reader, request, windows, runs, context, stored, draw)


def drawer_of(reader: Frames, laid: LaidInsert) -> InsertDrawer:
    """What draws an insert that was laid on a frame of a clip."""
    beside = laid.keyframe - 1 if laid.keyframe > 0 else laid.keyframe + 1
    return InsertDrawer(laid, reader.frame(laid.keyframe), reader.frame(beside) if beside < len(reader) else None)


def insert_key(carried: CarriedInsert) -> str:
    """A name (32 hexadecimal digits) of all that an insert shows on the frames of a clip."""
    asked = encode(replace(carried.insert, picture=""))
    parts = [json.dumps([asked, encode_path(carried.path)], sort_keys=True).encode(), carried.picture.tobytes()]
    if carried.front is not None:
        parts += [carried.front.code(frame) for frame in carried.front.frames]
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "little"))
        whole.update(part)
    return whole.hexdigest()[:32]


def joined_path(paths: Mapping[int, CornerPath]) -> CornerPath:
    """One path of an insert that was laid on several frames: between two of them it goes over from
    the one to the other.

    Args:
        paths: By the frame that it was laid on.

    Returns:
        The path that leads through all of them.
    """
    ordered = sorted(paths)
    result: CornerPath = {}
    for frame in sorted(set().union(*paths.values())):
        before = max((key for key in ordered if key <= frame), default=None)
        behind = min((key for key in ordered if key > frame), default=None)
        there = {key: paths[key][frame] for key in (before, behind) if key is not None and frame in paths[key]}
        if before in there and behind in there:
            share = share_between(before, behind, frame)
            result[frame] = (1 - share) * there[before] + share * there[behind]
        elif there:
            (result[frame],) = there.values()
    return result
