"""Where the corners of an insert are on each frame: with the thing or with the place that it lies
on, or where they are on the keyframe.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from core.carrying.motion import ThingMotion
from core.carrying.occluders import Occluders
from core.carrying.pose import ThingPose
from core.errors import InputError
from core.geometry import FrameRange
from core.inserts.carried import CarriedInsert, CornerPath, DIGITS, LaidInsert, SEEN
from core.inserts.picture import lay, Picture
from core.inserts.place_motion import PlaceMotion
from core.inserts.shadow import lay_shadow
from core.inserts.thing_motion import thing_path
from core.masks import bounding_box, MaskSequence
from core.progress import JobContext
from core.project.inserts import CastShadow, Follows, Insert

Mask = NDArray[np.bool_]
STAGE = "finding how the picture moves"
TOUCHES = 0.15
"""Share of an insert that has to be on the thing, or beside it, to move with it."""
BESIDE = 0.1
"""Of the thing's size: what is so near lies on it."""
STEADY = 1.3
"""Frames over which a path is evened."""
HIDES = 0.5
"""How much of a pixel is in front that hides it."""


class Frames(Protocol):
    """Frames on demand."""

    def frame(self, index: int) -> NDArray[np.uint8]: ...

    def frames(self, start: int, stop: int) -> Iterable[NDArray[np.uint8]]: ...


class Things(Protocol):
    """Masks of the objects on demand."""

    @property
    def frames(self) -> range: ...

    def __getitem__(self, frame: int) -> Mask: ...

    def is_empty(self, frame: int) -> bool: ...


def follows_of(insert: Insert, picture: Picture, thing: Mask | None) -> Follows:
    """What an insert moves with, as it was asked for or by where it lies.

    Args:
        insert: The insert.
        picture: uint8 (h, w, 4).
        thing: bool (H, W), the objects on the keyframe; None where there are none.

    Returns:
        The thing, the place or the frame.

    Raises:
        InputError: It is to move with an object that is not there.
    """
    box = None if thing is None else bounding_box(thing)
    if insert.follows == "thing" and box is None:
        raise InputError("there is no object on this frame for the picture to move with: select one, or let it move with the place")
    if insert.follows != "auto":
        return insert.follows
    if thing is None or box is None:
        return "place"
    laid = lay(picture, np.array(insert.corners), (thing.shape[1], thing.shape[0]))
    if laid is None:
        return "place"
    near = 2 * round(BESIDE * max(box.width, box.height)) + 1
    around = cv2.dilate(thing.astype(np.uint8), np.ones((near, near), np.uint8))
    seen = laid.alpha > SEEN
    return "thing" if (laid.box.crop(around) > 0)[seen].mean() >= TOUCHES else "place"


def carry(reader: Frames, laid: LaidInsert, things: Things | None, frames: FrameRange, context: JobContext) -> CarriedInsert:
    """Find where an insert is on each frame, and what passes before it.

    Args:
        reader: The clip.
        laid: The insert as it lies on its keyframe.
        things: The objects; None where there are none.
        frames: The frames to find it on.
        context: Reports frames, and can cancel.

    Returns:
        The insert with its path.

    Raises:
        InputError: It is to move with an object that is not there.
        Cancelled: A person stopped the job.
    """
    keyframe, corners = laid.keyframe, np.array(laid.insert.corners, np.float64)
    known = things is not None and keyframe in things.frames and not things.is_empty(keyframe)
    follows = follows_of(laid.insert, laid.picture, things[keyframe] if things is not None and known else None)
    size = reader.frame(keyframe).shape[1::-1]
    front = MaskSequence.empty(size, *frames)
    total = frames.stop - frames.start
    visited: list[int] = []

    def visit(frame: int) -> None:
        context.report(STAGE, len(visited), total)
        visited.append(frame)

    if follows == "frame":
        return CarriedInsert(laid.insert, laid.picture, dict.fromkeys(frames.frames, corners))
    if follows == "thing" and things is not None:
        motion = ThingMotion(reader, things, keyframe)
        lies_on = (footprint(laid.picture, corners, size) & things[keyframe]).any()
        occluders = Occluders(ThingPose(motion), reader.frame(keyframe), things[keyframe]) if lies_on else None

        def look(frame: int) -> None:
            visit(frame)
            before = None if occluders is None else occluders.before(frame, reader.frame(frame), things[frame])
            if before is not None:
                front.set(frame, before > HIDES)

        path = _steady(thing_path(motion, corners, keyframe, things, frames, look), keyframe)
    else:
        path = _steady(PlaceMotion(reader, corners, keyframe, things).path(frames, visit), keyframe)
        for frame in path:
            if things is not None and frame in things.frames and not things.is_empty(frame):
                front.set(frame, things[frame])
    for start, stop in front.selected():
        for frame in range(start, stop):
            here = path.get(frame)
            front.set(frame, front[frame] & (here is not None and footprint(laid.picture, here, size, laid.insert.shadow)))
    return CarriedInsert(laid.insert, laid.picture, path, front if front.selected() else None)


def footprint(picture: Picture, corners: NDArray[np.float64], size: tuple[int, int], shadow: CastShadow | None = None) -> Mask:
    """The pixels of a frame that an insert may change.

    Args:
        picture: uint8 (h, w, 4).
        corners: (4, 2), where its corners lie, in source pixels.
        size: (W, H) of the frame.
        shadow: The shadow that it casts; None for the picture alone.

    Returns:
        bool (H, W).
    """
    mask = np.zeros((size[1], size[0]), np.bool_)
    laid = lay(picture, corners, size)
    if laid is not None:
        mask[laid.box.slices] = laid.alpha > SEEN
    fallen = None if shadow is None else lay_shadow(picture, corners, shadow, size)
    if fallen is not None:
        mask[fallen[0].slices] |= fallen[1] > 0
    return mask


def footprints(carried: CarriedInsert, size: tuple[int, int], frames: FrameRange) -> MaskSequence:
    """The pixels that a carried insert may change.

    Args:
        carried: The insert.
        size: (W, H) of the frames.
        frames: The frames to cover.

    Returns:
        The masks; empty where it is not seen.
    """
    result = MaskSequence.empty(size, *frames)
    for frame in filter(frames.contains, carried.path):
        masks = [footprint(carried.picture, corners, size, carried.insert.shadow) for corners in carried.places(frame, size)]
        mask = np.logical_or.reduce(masks)
        if mask.any():
            result.set(frame, mask)
    return result


def _steady(path: CornerPath, keyframe: int) -> CornerPath:
    """A path without the small errors of each frame; on the keyframe it stays as it is."""
    result = dict(path)
    reach = 4
    weights = np.exp(-((np.arange(-reach, reach + 1) / STEADY) ** 2) / 2)
    for run in _runs(sorted(path)):
        way = np.stack([path[frame] for frame in run])
        # Beyond the ends it goes on as it came.
        before = 2 * way[0] - way[1 : reach + 1][::-1] if len(way) > reach else np.repeat(way[:1], reach, 0)
        after = 2 * way[-1] - way[-reach - 1 : -1][::-1] if len(way) > reach else np.repeat(way[-1:], reach, 0)
        whole = np.concatenate([before, way, after])
        even = sum(weight * whole[i : i + len(way)] for i, weight in enumerate(weights / weights.sum()))
        assert isinstance(even, np.ndarray)
        if keyframe in run:
            at = run.index(keyframe)
            near = np.exp(-(((np.array(run) - keyframe) / STEADY) ** 2) / 2)
            even = even + near[:, None, None] * (way[at] - even[at])
        result |= dict(zip(run, np.round(even, DIGITS), strict=True))
    return result | {keyframe: path[keyframe]}


def _runs(frames: list[int]) -> list[list[int]]:
    """Frames in order as stretches without a gap."""
    runs: list[list[int]] = []
    for frame in frames:
        if runs and runs[-1][-1] == frame - 1:
            runs[-1].append(frame)
        else:
            runs.append([frame])
    return runs
