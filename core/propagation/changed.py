"""Windows of a keyframe that is carried as a change of the source: no model runs, and two keyframes
blend on the frames between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from core.carrying.change import CarriedFrame, ChangeCarrier, KeyframeChange
from core.carrying.motion import Mask, ThingMotion
from core.carrying.occluders import Occluders
from core.carrying.pose import ThingPose
from core.progress import JobContext
from core.propagation.drawn import drawn_windows
from core.propagation.request import EditRequest, Keyframe
from core.propagation.result import accepted_frame, EditedWindow, Frame, Frames, share_between
from core.propagation.windows import Window
from core.render.composite import composite

LEAST = 8.0
"""What the least sure pixel of a carried frame counts, beside 255 for the surest."""


def carry_change(
    reader: Frames,
    request: EditRequest,
    windows: Sequence[Window],
    runs: int,
    context: JobContext,
    stored: Callable[[Window], EditedWindow | None] | None = None,
) -> Iterator[EditedWindow]:
    """Change the frames of a request as its one keyframe is changed.

    Up to the keyframe that follows, both have a say: the nearer and the surer one more. What a
    frame shows depends on no other window.

    Args:
        reader: The clip.
        request: What to edit.
        windows: The windows to make.
        runs: Steps that the progress of a window is counted in.
        context: Reports progress, and stops within a window.
        stored: Asked before a window is made.

    Returns:
        Windows as they finish.

    Raises:
        Cancelled: The job was stopped.
    """
    blend = Blend(reader, request)

    def draw(frame: int, source: Frame) -> tuple[Frame, float]:
        carried = blend.carry(frame, source)
        return carried.picture, carried.unsupported

    return drawn_windows(reader, request, windows, runs, context, stored, draw)


class Blend:
    """Carries one keyframe, or two towards each other."""

    def __init__(self, reader: Frames, request: EditRequest) -> None:
        self._reader, self._request = reader, request
        self._first, self._second = request.keyframe, request.following
        self._carriers: dict[int, tuple[ChangeCarrier, Occluders]] = {}

    def carry(self, index: int, source: Frame) -> CarriedFrame:
        """A frame of the result.

        Args:
            index: Its number.
            source: uint8 (H, W, 3).

        Returns:
            The frame, with how sure it is.
        """
        between = self._second if self._second is not None and self._first.frame < index < self._second.frame else None
        keyframes = [self._first] if between is None else [self._first, between]
        thing = self._request.thing(index)
        if thing is not None:  # one outline for both: what only one had would show its change unmixed
            region = self._request.region[index]
            thing = np.logical_or.reduce([self._carrier(each)[0].outlined(index, source, region, thing) for each in keyframes])
        one = self._by(self._first, index, source, thing)
        if between is None:
            return one
        other = self._by(between, index, source, thing)
        share = share_between(self._first.frame, between.frame, index)
        mine, others = ((1 - share) * (one.confidence + LEAST), share * (other.confidence + LEAST))
        weight = (others / (mine + others))[..., None].astype(np.float32)
        mixed = one.picture + weight * (other.picture.astype(np.float32) - one.picture)
        sure = np.maximum(one.confidence, other.confidence)
        return CarriedFrame(np.rint(mixed).astype(np.uint8), sure, min(one.unsupported, other.unsupported))

    def _carrier(self, keyframe: Keyframe) -> tuple[ChangeCarrier, Occluders]:
        region, feather, request = self._request.region, self._request.feather, self._request
        if keyframe.frame not in self._carriers:
            own, mask, thing = self._reader.frame(keyframe.frame), region[keyframe.frame], request.thing(keyframe.frame)
            change = KeyframeChange(own, accepted_frame(own, keyframe.picture, mask), mask, feather.at(keyframe.frame), thing)
            bounds = request.bounds(change.reach)
            motion = ThingMotion(self._reader, bounds, keyframe.frame)
            self._carriers[keyframe.frame] = ChangeCarrier(change, motion), Occluders(ThingPose(motion), own, bounds[keyframe.frame])
        return self._carriers[keyframe.frame]

    def _by(self, keyframe: Keyframe, index: int, source: Frame, thing: Mask | None) -> CarriedFrame:
        region = self._request.region[index]
        carrier, occluders = self._carrier(keyframe)
        carried = carrier.carry(index, source, region, self._request.feather.at(index), thing)
        front = occluders.before(index, source, region)
        return carried if front is None else replace(carried, picture=composite(carried.picture, source, front))
