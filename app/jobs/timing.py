"""What a propagation takes on this machine, and the clock that measures it."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, Protocol, TYPE_CHECKING

from core.progress import JobContext
from core.vivid.speed.levers import Levers

if TYPE_CHECKING:
    from core.vivid.contract import VideoEngine

Way = Literal["picture", "direct", "delete", "change", "insert"]
"""What a propagation does with a keyframe, each at a cost of its own: a model repaints along it, or
without it; what lies behind is shown; the change is carried; a picture of one's own is laid.
"""
COMMON = 0.1
"""10^6 pixels of a common region."""
FIXED: dict[Way, float] = {"picture": 0.06, "direct": 0.06, "delete": 0.5, "change": 0.06, "insert": 0.06}
"""What making a frame takes whatever is edited, as 10^6 pixels that come to those around the
region. What lies behind is looked for on all of the frame.
"""
USUAL: dict[Way, float] = {"picture": 150.0, "direct": 20.0, "delete": 125.0, "change": 100.0, "insert": 25.0}
"""What making a frame with a common region takes besides a model's steps, and"""
RENDER = 24.0
"""what rendering 10^6 pixels takes, before they were measured; in units (see `machine_unit`)."""
LEAST_MEMORY = 1500.0
"""10^6 bytes that an edit takes in which no model runs, before this was measured."""


class Carried(Protocol):
    """A keyframe, of a project or of a request."""

    @property
    def task(self) -> str: ...

    @property
    def carried(self) -> str | None: ...

    @property
    def insert(self) -> object | None: ...


def way_of(keyframe: Carried) -> Way:
    """What a propagation does with a keyframe."""
    if keyframe.insert is not None:
        return "insert"
    if keyframe.carried == "change":
        return "change"
    if keyframe.carried == "direct":
        return "direct"
    return "delete" if keyframe.task == "delete" else "picture"


@dataclass(frozen=True)
class Timing:
    """What a propagation takes on this machine.

    `step` is seconds of one whole denoising step, `frame` seconds to make a frame besides its
    steps, `render` seconds to render one of 10^6 pixels, `pixels` how many 10^6 the box around the
    region had when this was measured, `memory_mb` the most memory in 10^6 bytes, `fixed` what comes
    to the pixels (see FIXED). `measured` is False where it comes from a trial.
    """

    step: float
    frame: float
    render: float
    pixels: float
    memory_mb: float
    measured: bool = True
    fixed: float = FIXED["picture"]

    def at(self, pixels: float) -> Timing:
        """The same for regions in a box of so many 10^6 pixels."""
        return replace(self, frame=self.frame * (self.fixed + pixels) / (self.fixed + self.pixels), pixels=pixels)


@dataclass(frozen=True)
class Making:
    """What a run makes: the `way`, None where it takes several; `frames` as they count (see `Piece`
    of `app.jobs.forecast`), with 10^6 `pixels` around the region; `runs` that the progress of a
    window counts, which cost as much as `whole` steps that leave nothing out (see
    `core.vivid.speed.steps`): 0 where no model runs.
    """

    way: Way | None
    frames: int
    pixels: float
    runs: int
    whole: float


class StepClock(JobContext):
    """A job's context that also notes when each denoising step was finished."""

    def __init__(self, outer: JobContext, key: str, device: str, making: Making) -> None:
        """`outer` gets all progress; what is measured is stored under `key`."""
        super().__init__(outer.on_progress, outer.token, outer.left)
        self.key, self.device, self.making = key, device, making
        self.stamps: list[tuple[int, float]] = []
        self.total = 0

    def report(self, stage: str, done: int, total: int, partial: Any = None, unit: str = "") -> None:
        """Pass the progress on, and note the time.

        Args:
            stage: what is being done.
            done: steps of it that are finished.
            total: all of them.
            partial: something to show meanwhile.
            unit: what is counted.
        """
        if stage == "propagate":
            self.stamps.append((done, time.monotonic()))
            self.total = total
        super().report(stage, done, total, partial, unit)

    def measured(self, seconds: float | None = None) -> tuple[float, float] | None:
        """Seconds of a whole step, 0 where no model ran, and of a frame besides its steps; None
        without a whole window.

        `seconds` is what all frames took together, where they were finished.
        """
        making, last = self.making, self.stamps[-1][0] if self.stamps else 0
        windows = last // making.runs
        if not windows or not making.frames:
            return None
        single = [(a, b) for a, b in pairwise(self.stamps) if b[0] == a[0] + 1]
        within: dict[int, list[float]] = defaultdict(list)
        for a, b in single:
            if a[0] % making.runs:
                within[a[0] // making.runs].append(b[1] - a[1])
        first = [b[1] - a[1] for a, b in single if not a[0] % making.runs]
        # All steps of a window but the first, which is always whole and holds what comes before it.
        sums = [sum(steps) for steps in within.values() if len(steps) == making.runs - 1]
        if not making.whole or not first:
            step = 0.0
        elif sums:
            step = statistics.median(sums) / (making.whole - 1)
        else:
            step = statistics.median(first) / 2
        took = self.stamps[-1][1] - self.stamps[0][1] if seconds is None else seconds
        frames = making.frames * last / self.total
        return step, max(0.0, took - len(first) * making.whole * step) / frames


def machine_unit() -> float:
    """Seconds of a small piece of the work that propagations do on the processor: the motion
    between two pictures.
    """
    import numpy as np

    from core.render.flow import DenseFlow

    ground = np.random.default_rng(0).integers(0, 255, (272, 484), np.uint8)
    flow, took = DenseFlow(), []
    for _ in range(5):
        started = time.perf_counter()
        flow.between(ground[:, :-4], ground[:, 4:])
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def timing_key(way: Way, model: VideoEngine | None = None, guided: bool = False, weights: str = "") -> str:
    """The key of a run's speed: what it depends on besides the number of steps.

    Args:
        way: What the run does.
        model: The video model, at its working size; None where none runs.
        guided: Whether it runs with guidance.
        weights: The fingerprint of the model's weights.

    Returns:
        A key of timings.json.
    """
    if model is None:
        return f"propagate: {way}"
    height, width = model.working_size
    memory = f" {model.memory.label}" if model.memory.label else ""
    speed = f" {model.levers}" if model.levers != Levers() else ""
    size = f"{width}x{height}x{model.window_frames}"
    return f"{way}: {weights[:16]} {model.device} {size}{' guided' if guided else ''}{memory}{speed}"
