"""A segmenter at work on one clip: the mask of a click at once, and masks through the clip as they
come.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
from torch import Tensor

from core.errors import InputError
from core.geometry import FrameRange
from core.masks import MaskSequence
from core.masks.bounding_box import Mask
from core.progress import JobContext
from core.project.prompts import PointPrompt, Prompt
from core.project.tracks import Direction
from core.segment.backend import Backend, Output, Tracker
from core.segment.doubt import doubtful_part
from core.segment.frames import FeatureCache, Features, FrameSource
from core.segment.prompts import FramePrompts, gather

_KEPT_ANSWERS = 8  # answers to a first click or a box that are kept for the clicks after it


class SegmentSession:
    """A network on one clip. Frames are fetched from the reader one at a time, when they are
    needed.
    """

    def __init__(self, backend: Backend, reader: FrameSource, folder: Path | str | None = None) -> None:
        """`reader` is a core.media ClipReader, `folder` where the files of mask prompts lie (the
        project's).
        """
        self._backend, self._reader = backend, reader
        self._folder = None if folder is None else Path(folder)
        self._size = (int(reader.info.width), int(reader.info.height))
        self._features = FeatureCache(backend.encode, backend.device.type == "cpu", reader)
        self._first_answers: OrderedDict[object, Tensor] = OrderedDict()

    def prefetch(self, frame: int) -> None:
        """Encode a frame before the first prompt on it, and get ready to answer one."""
        self._features[frame]
        if not self._first_answers:  # what runs for the first time in a process takes several times as long
            width, height = self._size
            self.preview(frame, [PointPrompt(frame, 0, width / 2, height / 2)])

    def preview(self, frame: int, prompts: Sequence[Prompt], *, passing: bool = False) -> Mask:
        """The mask of one object from its prompts on a frame.

        The frame's picture is encoded once; a further click costs only the decoder. Clicks on a
        mask change no more of it than they have to.

        Args: frame: The frame of the clip. prompts: Points, a box, a mask, or several of them;
            those on other frames are left out. passing: Whether a pointer only hovers: its question
            pushes nothing out of what is kept for clicks.

        Returns:
            bool (H, W).

        Raises:
            InputError: No prompt says where the object is.
        """
        given = self._gather(p for p in prompts if p.frame == frame).get(frame)
        if given is None or not given.shows_object:
            raise InputError(f"nothing on frame {frame} says where the object is: click on it, or draw a box around it")
        if given.mask is not None and not given.points:
            return given.mask.copy()
        features = self._features[frame]
        before, after = self._answer(frame, features, given, not passing)
        mask = self._backend.mask(after, features)
        if given.mask is None:
            return mask
        return np.where(mask != self._backend.mask(before, features), mask, given.mask)

    def doubtful(self, frame: int, prompts: Sequence[Prompt]) -> Mask:
        """Where the network is unsure whether a pixel belongs to what the clicks on a frame, or a
        box, mean.

        Args:
            frame: The frame of the clip.
            prompts: As for `preview`.

        Returns:
            bool (H, W); nothing where a person drew the mask, or said nothing.
        """
        given = self._gather(p for p in prompts if p.frame == frame).get(frame)
        if given is None or not given.shows_object or given.mask is not None:
            return np.zeros((self._size[1], self._size[0]), np.bool_)
        _, after = self._answer(frame, self._features[frame], given, True)
        return doubtful_part(after[0, 0], self._size)

    def _answer(self, frame: int, features: Features, given: FramePrompts, keep: bool) -> tuple[Tensor, Tensor]:
        return self._backend.answer(features, given, self._size, partial(self._first_answer, frame, features, keep))

    def _first_answer(self, frame: int, features: Features, keep: bool, start: FramePrompts) -> Tensor:
        if start.mask is not None:
            return self._backend.answer_start(features, start, self._size)
        key = (frame, start.points)
        known = self._first_answers.pop(key, None)
        answer = self._backend.answer_start(features, start, self._size) if known is None else known
        if keep or known is not None:
            self._first_answers[key] = answer
        if len(self._first_answers) > _KEPT_ANSWERS:
            self._first_answers.popitem(last=False)
        return answer

    def track(
        self,
        prompts_by_object: Mapping[int, Sequence[Prompt]],
        start: int,
        stop: int,
        context: JobContext,
        direction: Direction = "both",
        anchor: int | None = None,
    ) -> Iterator[tuple[int, FrameMasks]]:
        """Stream masks over frames start:stop, each frame once: from the first prompted frame on,
        then backwards.

        A box or a mask on a further frame is known from the start; clicks there correct what was
        tracked. An object's mask is empty where its own tracking doesn't reach. Prompts outside
        start:stop are not looked at.

        Args: prompts_by_object: The prompts of each object by its id. start: The first frame to
            track. stop: The frame after the last one. context: Reports frames, and can cancel
            within one. direction: "forward" leaves out the frames before the first prompt,
            "backward" those after the last object's first prompt.
            anchor: A frame on which every object is shown: all of them are tracked from there,
                whatever was shown earlier.

        Yields:
            (frame, masks of the objects by their ids).

        Raises:
            InputError: An object has no prompt that shows it.
            Cancelled: A person stopped the job.
        """
        if direction not in get_args(Direction):
            raise InputError(f"unknown direction '{direction}': choose one of {', '.join(get_args(Direction))}")
        FrameRange(start, stop).check(len(self._reader))
        if not prompts_by_object:
            raise InputError("there is no object to track: click one, or draw a box around it")
        objects = {
            object_id: self._tracked_object(object_id, prompts, start, stop, anchor) for object_id, prompts in prompts_by_object.items()
        }
        return self._track(objects, start, stop, context, direction)

    def _track(
        self, objects: dict[int, _TrackedObject], start: int, stop: int, context: JobContext, direction: Direction
    ) -> Iterator[tuple[int, FrameMasks]]:
        anchors = [tracked.anchor for tracked in objects.values()]
        pivot = max(anchors) if direction == "backward" else min(anchors)
        late = [tracked for tracked in objects.values() if tracked.anchor > pivot] if direction == "both" else []
        forwards = range(pivot, stop) if direction != "backward" else range(pivot, pivot)
        backwards = range(pivot if direction == "backward" else pivot - 1, start - 1, -1) if direction != "forward" else range(0)
        total = sum(tracked.anchor - pivot for tracked in late) + len(forwards) + len(backwards)
        done = 0
        context.report("tracking", done, total)
        for tracked in objects.values():
            context.check()
            self._begin(tracked)
        for tracked in late:  # an object shown later than another is first tracked back to where that one starts
            tracked.early = MaskSequence.empty(self._size, pivot, tracked.anchor)
            with closing(self._features.stream(range(tracked.anchor - 1, pivot - 1, -1))) as stream:
                for frame, features in stream:
                    context.check()
                    tracked.early.set(frame, *self._mask(tracked, frame, features, reverse=True))
                    done += 1
                    context.report("tracking", done, total)
        for frames, reverse in ((forwards, False), (backwards, True)):
            with closing(self._features.stream(frames)) as stream:
                for frame, features in stream:
                    context.check()
                    masks = FrameMasks()
                    stepped = self._stepped(objects, frame, features, reverse)
                    for object_id, tracked in objects.items():
                        masks.add(object_id, *self._mask(tracked, frame, features, reverse, stepped.get(object_id)))
                    yield frame, masks
                    done += 1
                    context.report("tracking", done, total, partial=(frame, masks))

    def _gather(self, prompts: Iterator[Prompt]) -> dict[int, FramePrompts]:
        return gather(prompts, self._size, len(self._reader), self._folder)

    def _tracked_object(self, object_id: int, prompts: Sequence[Prompt], start: int, stop: int, wanted: int | None) -> _TrackedObject:
        given = self._gather(p for p in prompts if start <= p.frame < stop or not 0 <= p.frame < len(self._reader))
        shown = [frame for frame, on_frame in given.items() if on_frame.shows_object]
        if not shown or (wanted is not None and wanted not in shown):
            where = f"frames {start} to {stop - 1}" if wanted is None else f"frame {wanted}"
            raise InputError(f"object {object_id} has no prompt on {where} that shows it: click on it, or draw a box around it")
        anchor = shown[0] if wanted is None else wanted
        trackers = [self._backend.tracker(self._size, len(self._reader)) for _ in range(2)]
        trackers[1].conditioning = trackers[0].conditioning  # what a person said holds in both directions
        return _TrackedObject(anchor, given, trackers[0], trackers[1])

    def _begin(self, tracked: _TrackedObject) -> None:
        """Show the object on the frame that it is tracked from, and on the frames where it is
        outlined as a whole.
        """
        for frame, prompts in tracked.prompts.items():
            if frame == tracked.anchor or prompts.outlines_object:
                tracked.forwards.prompt(frame, self._features[frame], prompts)

    def _stepped(self, objects: dict[int, _TrackedObject], frame: int, features: Features, reverse: bool) -> dict[int, Output]:
        """The answers of the objects that are merely tracked on a frame, where they can go
        together.
        """
        going = {}
        for object_id, tracked in objects.items():
            tracker = tracked.backwards if reverse else tracked.forwards
            if tracked.reaches(frame, reverse) and frame not in tracked.prompts and frame not in tracker.conditioning:
                going[object_id] = tracker
        answers = self._backend.together(list(going.values()), frame, features, reverse) if len(going) > 1 else None
        return {} if answers is None else dict(zip(going, answers, strict=True))

    def _mask(
        self, tracked: _TrackedObject, frame: int, features: Features, reverse: bool, stepped: Output | None = None
    ) -> tuple[Mask, float | None]:
        """The mask of a frame, and how right the network believes it to be; None of what a person
        has said. `stepped` is the network's answer where it was asked already.
        """
        if not tracked.reaches(frame, reverse):
            early = tracked.early
            if early is not None and frame in early.frames:
                return early[frame], early.quality(frame)
            return np.zeros((self._size[1], self._size[0]), np.bool_), None
        prompts = tracked.prompts.get(frame)
        if prompts is not None and prompts.mask is not None and not prompts.points:
            return prompts.mask.copy(), None
        tracker = tracked.backwards if reverse else tracked.forwards
        answer = stepped or tracker.conditioning.get(frame) or tracker.step(frame, features, prompts, reverse)
        mask = self._backend.mask(answer["pred_masks"], features)
        return mask, None if prompts is not None else answer["quality"]


class FrameMasks(dict[int, Mask]):
    """The masks of a frame by their objects' ids, bool (H, W). `quality` has how right the network
    believes those to be that it tracked, 0 to 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.quality: dict[int, float] = {}

    def add(self, object_id: int, mask: Mask, quality: float | None) -> None:
        """Add the mask of an object.

        Args:
            object_id: The object.
            mask: bool (H, W).
            quality: How right the network believes it to be, 0 to 1; None where a person said what
                it is.
        """
        self[object_id] = mask
        if quality is not None:
            self.quality[object_id] = quality


@dataclass
class _TrackedObject:
    """An object on its way through the clip; `anchor` is the first frame whose prompts show it."""

    anchor: int
    prompts: dict[int, FramePrompts]
    forwards: Tracker
    backwards: Tracker
    early: MaskSequence | None = field(default=None)

    def reaches(self, frame: int, reverse: bool) -> bool:
        """Whether tracking in that direction comes to the frame."""
        return (frame < self.anchor) == reverse or frame == self.anchor
