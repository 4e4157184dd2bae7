"""Which samples make up which step: a pure function of seed and step, so that any number of
processes agree and a run resumes mid-epoch.

Steps come in rounds of `image_batches` all-image and `video_batches` all-video ones, samples in
rounds of `draw_samples` that add or modify and `delete_samples` that delete; the order inside a
round is drawn. The ratios therefore hold exactly over every whole round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError

Kind = Literal["image", "video"]
Task = Literal["draw", "delete"]
"""`draw` is the paper's add and modify, which train alike."""

_STEPS, _TASKS, _ORDER = 1, 2, 3
_HELD = 1 << 20
"""Records up to which their order is held in memory; checkpoints go on in that order. Beyond, it is
computed a place at a time."""
_KINDS: tuple[Kind, Kind] = ("image", "video")
_TASK_NAMES: tuple[Task, Task] = ("draw", "delete")


@dataclass(frozen=True)
class DrawnSample:
    """One sample of a batch: `number` counts the samples of its kind from the start, `record`
    indexes the data set, `epoch` counts how often that record was drawn before."""

    kind: Kind
    task: Task
    number: int
    record: int
    epoch: int


@dataclass(frozen=True)
class SampleSchedule:
    """The course of a run.

    `groups` holds the indices of the records of each kind and task; `samples` how many samples a
    step of each kind takes over all processes and micro-batches.
    """

    seed: int
    groups: Mapping[tuple[Kind, Task], Sequence[int]]
    samples: Mapping[Kind, int]
    steps_of: Mapping[Kind, int]
    tasks_of: Mapping[Task, int]

    def __post_init__(self) -> None:
        for kind, steps in self.steps_of.items():
            for task, share in self.tasks_of.items():
                if steps and share and not self.groups.get((kind, task)):
                    verb = "delete" if task == "delete" else "add or modify"
                    raise InputError(
                        f"the data holds no {kind} records that {verb}: give some, or say {kind}_batches=0 or {task}_samples=0"
                        f"{', or images_from_videos=true' if kind == 'image' else ''}"
                    )

    def kind(self, step: int) -> Kind:
        """Whether step `step` (from 0) is all images or all videos."""
        return _KINDS[_place(self.seed, _STEPS, self._step_counts, step)[0]]

    def batch(self, step: int) -> list[DrawnSample]:
        """All samples of a step, over all processes and micro-batches."""
        which, before = _place(self.seed, _STEPS, self._step_counts, step)
        kind = _KINDS[which]
        first = before * self.samples[kind]
        return [self.sample(kind, number) for number in range(first, first + self.samples[kind])]

    def sample(self, kind: Kind, number: int) -> DrawnSample:
        """The `number`-th sample of a kind since the start of the run."""
        counts = self.tasks_of["draw"], self.tasks_of["delete"]
        stream = _TASKS if kind == "image" else _TASKS + 10
        which, before = _place(self.seed, stream, counts, number)
        task = _TASK_NAMES[which]
        records = self.groups[kind, task]
        epoch, position = divmod(before, len(records))
        stream = _ORDER + 10 * _KINDS.index(kind) + 100 * which
        if len(records) <= _HELD:
            position = int(_shuffled(self.seed, stream, epoch, len(records))[position])
        else:
            position = _shuffled_position(self.seed, stream, epoch, len(records), position)
        return DrawnSample(kind, task, number, records[position], epoch)

    @property
    def _step_counts(self) -> tuple[int, int]:
        return self.steps_of["image"], self.steps_of["video"]


def _place(seed: int, stream: int, counts: tuple[int, int], number: int) -> tuple[int, int]:
    """Of an endless row of two things in rounds of `counts`: which one the `number`-th is, and how
    many of the same came before it."""
    rounds, position = divmod(number, sum(counts))
    order = _round(seed, stream, counts, rounds)
    which = order[position]
    return which, rounds * counts[which] + order[:position].count(which)


@lru_cache(maxsize=64)
def _round(seed: int, stream: int, counts: tuple[int, int], number: int) -> tuple[int, ...]:
    order = np.repeat([0, 1], counts)
    np.random.default_rng([seed, stream, number]).shuffle(order)
    return tuple(order.tolist())


@lru_cache(maxsize=8)
def _shuffled(seed: int, stream: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, stream, epoch]).permutation(count)


def _shuffled_position(seed: int, stream: int, epoch: int, count: int, position: int) -> int:
    """The `position`-th of `count` numbers in an order of their own, without holding the order: a
    Feistel network of four rounds, walked until it gives a number below `count`."""
    half = ((count - 1).bit_length() + 1) // 2
    keys = _round_keys(seed, stream, epoch)
    while True:
        left, right = position >> half, position & ((1 << half) - 1)
        for key in keys:
            mixed = (right ^ key) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
            mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
            left, right = right, left ^ ((mixed ^ mixed >> 32) & ((1 << half) - 1))
        position = left << half | right
        if position < count:
            return position


@lru_cache(maxsize=64)
def _round_keys(seed: int, stream: int, epoch: int) -> tuple[int, ...]:
    return tuple(np.random.default_rng([seed, stream, epoch]).integers(1 << 62, size=4).tolist())


def share_of(batch: Sequence[DrawnSample], process: int, processes: int, micro_batch: int, micro_batches: int) -> list[DrawnSample]:
    """Pick the samples that one process takes in one micro-batch.

    Args:
        batch: All samples of a step.
        process: Number of the process.
        processes: How many there are.
        micro_batch: Number of the micro-batch.
        micro_batches: How many a step has.

    Returns:
        The samples. The shares of a step are disjoint and cover it.
    """
    size = len(batch) // (processes * micro_batches)
    start = (micro_batch * processes + process) * size
    return list(batch[start : start + size])
