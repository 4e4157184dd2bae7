"""How long a propagation will take, and how much memory: from what earlier runs took on this
machine, the first time from a short trial.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TYPE_CHECKING, TypeVar

from app.render.edit import peak_memory_mb
from core.errors import StorageError
from core.files import write_text
from core.progress import JobContext
from core.project.codec import decode
from core.project.edits import SamplingSettings
from core.project.plain import parse_json
from core.vivid.speed.levers import Levers
from core.vivid.speed.steps import whole_steps

if TYPE_CHECKING:
    from core.propagation.propagate import Asked
    from core.vivid.contract import VideoEngine

NEWEST = 0.5
"""What the latest run counts for against all before it: a machine's speed changes with what else
runs on it.
"""
FOLLOWING = 0.2
"""Seconds of a frame besides the model (what lies behind, the way of the thing), and"""
RENDER = 0.05
"""seconds to render one of 10^6 pixels, before any run has measured them."""

Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Timing:
    """What a run takes on this machine.

    `step` is seconds of one whole denoising step, `window` seconds of a window besides its steps,
    `render` seconds to render one frame of 10^6 pixels, `memory_mb` the most memory in 10^6 bytes.
    `measured` is False where it comes from a trial.
    """

    step: float
    window: float
    render: float
    memory_mb: float
    measured: bool = True


@dataclass(frozen=True)
class Rate:
    """What one unit of a step took lately: a tracked frame, a try, a propagated frame.

    `memory_mb` is the memory that was held by then, in 10^6 bytes.
    """

    seconds: float
    memory_mb: float
    measured: bool = True


class StepClock(JobContext):
    """A job's context that also notes when each denoising step was finished."""

    def __init__(self, outer: JobContext, key: str, device: str, runs: int, whole: float) -> None:
        """`outer` gets all progress. A window has so many `runs`, which cost as much as `whole`
        steps that leave nothing out (see `core.vivid.speed.steps`).
        """
        super().__init__(outer.on_progress, outer.token)
        self.key, self.device, self.runs, self.whole = key, device, runs, whole
        self.stamps: list[tuple[int, float]] = []

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
        super().report(stage, done, total, partial, unit)

    def measured(self, total: float | None = None) -> tuple[float, float] | None:
        """Seconds of a whole step, and of a window besides its steps; None without a whole window.
        `total` is what all windows took together, where they were finished.
        """
        pairs = list(pairwise(self.stamps))
        within: dict[int, list[float]] = defaultdict(list)
        for a, b in pairs:
            if b[0] == a[0] + 1 and a[0] % self.runs:
                within[a[0] // self.runs].append(b[1] - a[1])
        across = [b[1] - a[1] for a, b in pairs if b[0] == a[0] + 1 and not a[0] % self.runs]
        if not across:
            return None
        # All steps of a window but the first, which is always whole.
        sums = [sum(steps) for steps in within.values() if len(steps) == self.runs - 1]
        step = statistics.median(sums) / (self.whole - 1) if sums else statistics.median(across) / 2
        windows = self.stamps[-1][0] // self.runs
        if total is not None and windows:
            return step, max(0.0, total / windows - self.whole * step)
        return step, max(0.0, statistics.median(across) - step)


class Estimates:
    """The measurements of one workspace, in `timings.json` there. Safe to use from several threads.

    `memory` and `speed` are how models were asked to work (see `Settings`): what was measured in
    one way says nothing about another.
    """

    def __init__(self, path: Path, memory: str = "auto", speed: str = "auto") -> None:
        self._path = path
        self._asked = "".join(f" {name}={how}" for name, how in (("memory", memory), ("speed", speed)) if how != "auto")
        self._lock = threading.Lock()

    def clock(self, model: VideoEngine, settings: SamplingSettings, keyframe: Asked, weights: str, context: JobContext) -> StepClock:
        """A context for a run with this model, which measures it.

        Args:
            model: The video model.
            settings: Steps and guidance of the run.
            keyframe: What is propagated.
            weights: The fingerprint of the model's weights.
            context: The job's own context, which gets all progress.

        Returns:
            The context to hand to the run.
        """
        from core.propagation.propagate import sampling_of

        sampling = sampling_of(model, keyframe, settings)
        guided = sampling.guidance > 1
        whole = whole_steps(sampling.runs, model.levers, guided)
        return StepClock(context, timing_key(model, guided, weights), str(model.device), sampling.runs, whole)

    def learn(self, clock: StepClock, seconds: Mapping[str, float], report: dict[str, Any]) -> None:
        """Remember what a finished run took.

        Args:
            clock: The context that measured it.
            seconds: Of its stages, `propagate` and `render`.
            report: The run's report: `size` (W, H) and `frames`.
        """
        measured = clock.measured(seconds.get("propagate"))
        if measured is None:
            return
        width, height = report["size"]
        render = seconds.get("render", 0.0) / max(1, report["frames"]) / (width * height / 1e6)
        self._store(clock.key, Timing(*measured, render, _memory_mb(clock.device)))

    def learn_stopped(self, clock: StepClock) -> None:
        """Remember what the windows took that a stopped run finished."""
        measured = clock.measured()
        if measured is not None and clock.stamps[-1][0] > clock.runs:
            old = _read_as(Timing, self._read().get(clock.key))
            self._store(clock.key, Timing(*measured, RENDER if old is None else old.render, _memory_mb(clock.device)))

    def learn_rate(self, kind: str, name: str, seconds: float, device: str, measured: bool = True) -> None:
        """Remember what one unit of a step took.

        Args:
            kind: track, keyframe or propagate.
            name: The model that did it.
            seconds: Seconds for a frame, or for a try.
            device: The device that did it.
            measured: False for a trial, which never replaces a measurement.
        """
        with self._lock:
            known = self._read()
            key = self._rate_key(kind, name)
            old = _read_as(Rate, known.get(key))
            if old is not None and old.measured and measured:
                seconds = NEWEST * seconds + (1 - NEWEST) * old.seconds
            if old is None or measured or not old.measured:
                known[key] = asdict(Rate(seconds, _memory_mb(device), measured))
                self._write(known)

    def rate(self, kind: str, name: str) -> Rate | None:
        """What one unit of a step takes here; None while it was never run."""
        return _read_as(Rate, self._read().get(self._rate_key(kind, name)))

    def timing(self, model: VideoEngine, guided: bool, weights: str) -> Timing | None:
        """What is known of a model on this machine.

        Args:
            model: The video model, at its working size.
            guided: Whether it runs with guidance, which doubles the work of a step.
            weights: The fingerprint of the model's weights.

        Returns:
            The timing; None while the model was never run or tried.
        """
        return _read_as(Timing, self._read().get(timing_key(model, guided, weights)))

    def try_out(self, model: VideoEngine, guided: bool, weights: str, context: JobContext) -> Timing:
        """Run two steps of one grey window, encode and decode, and remember time and memory.

        Args:
            model: The video model, at its working size.
            guided: Whether to run it with guidance.
            weights: The fingerprint of the model's weights.
            context: Takes the progress, and stops the trial.

        Returns:
            The timing.

        Raises:
            Cancelled: The context stopped the trial.
        """
        import torch

        from core.vivid.contract import Sampling

        context.report("measuring", 0, 3)
        stamps: list[float] = []

        def on_step(step: int) -> None:
            stamps.append(time.monotonic())
            context.report("measuring", step, 3)

        height, width = model.working_size
        shape = (1, 1, model.window_frames, height, width)
        with torch.inference_mode():
            grey = torch.zeros(1, 3, *shape[2:], device=model.device, dtype=model.pipeline.vae.dtype)
            region = torch.ones(shape, device=model.device, dtype=grey.dtype)
            model.encode(grey, region)  # the first time is slower than all others
            started = time.monotonic()
            conditions = model.encode(grey, region)
            encoded = time.monotonic() - started
        model.paint("", conditions, [0], Sampling(2, 2.0 if guided else 1.0), on_step)
        decoded = time.monotonic() - stamps[-1]
        window = encoded + decoded + FOLLOWING * (model.window_frames - 1)
        timing = Timing(stamps[1] - stamps[0], window, RENDER, _memory_mb(str(model.device)), measured=False)
        self._store(timing_key(model, guided, weights), timing)
        context.report("measuring", 3, 3)
        return timing

    def _rate_key(self, kind: str, name: str) -> str:
        return f"{kind} {name}{self._asked}"

    def _store(self, key: str, new: Timing) -> None:
        with self._lock:
            known = self._read()
            old = _read_as(Timing, known.get(key))
            if old is not None and old.measured:
                blended = {name: NEWEST * getattr(new, name) + (1 - NEWEST) * getattr(old, name) for name in ("step", "window", "render")}
                new = Timing(**blended, memory_mb=max(new.memory_mb, old.memory_mb))
            known[key] = asdict(new)
            self._write(known)

    def _write(self, known: dict[str, Any]) -> None:
        with contextlib.suppress(StorageError):  # an estimate is not worth failing for
            write_text(self._path, json.dumps(known, indent=1))

    def _read(self) -> dict[str, Any]:
        try:
            found = parse_json(self._path.read_text(encoding="utf-8"))
            return found if isinstance(found, dict) else {}
        except (OSError, ValueError):
            return {}


def _read_as(kind: type[Measured], value: Any) -> Measured | None:
    """What the file has of a measurement; None where there is none, or it is damaged."""
    try:
        return None if value is None else decode(kind, value)
    except (ValueError, TypeError):
        return None


def _memory_mb(device: str) -> float:
    """The most memory that was held on the device that does the work, in 10^6 bytes."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.max_memory_allocated(device) / 1e6
    return peak_memory_mb()


def timing_key(model: VideoEngine, guided: bool, weights: str) -> str:
    """The key of a run's speed: what it depends on besides the number of steps.

    Args:
        model: The video model, at its working size.
        guided: Whether it runs with guidance.
        weights: The fingerprint of the model's weights.

    Returns:
        A key of timings.json.
    """
    height, width = model.working_size
    memory = f" {model.memory.label}" if model.memory.label else ""
    speed = f" {model.levers}" if model.levers != Levers() else ""
    return f"{weights[:16]} {model.device} {width}x{height}x{model.window_frames}{' guided' if guided else ''}{memory}{speed}"
