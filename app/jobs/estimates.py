"""What steps took on this machine, in time and memory: remembered from run to run, the first time
from a short trial.
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TYPE_CHECKING, TypeVar

from app.jobs.timing import COMMON, FIXED, LEAST_MEMORY, machine_unit, RENDER, StepClock, Timing, timing_key, USUAL, Way
from app.render.edit import peak_memory_mb
from core.errors import StorageError
from core.files import write_text
from core.progress import JobContext
from core.project.codec import decode
from core.project.plain import parse_json

if TYPE_CHECKING:
    from core.vivid.contract import VideoEngine

NEWEST = 0.5
"""What the latest run counts for against all before it: a machine's speed changes with what else
runs on it.
"""
KNOWN_FOR = 60.0
"""Seconds for which it is believed how fast this machine is now."""

Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Rate:
    """What one unit of a step took lately: a tracked frame, a try, a propagated frame.

    `memory_mb` is the memory that was held by then, in 10^6 bytes.
    """

    seconds: float
    memory_mb: float
    measured: bool = True


class Estimates:
    """The measurements of one workspace, in `timings.json` there. Safe to use from several threads.

    `memory` and `speed` are how models were asked to work (see `Settings`): what was measured in
    one way says nothing about another.
    """

    def __init__(self, path: Path, memory: str = "auto", speed: str = "auto") -> None:
        self._path = path
        self._asked = "".join(f" {name}={how}" for name, how in (("memory", memory), ("speed", speed)) if how != "auto")
        self._lock = threading.Lock()
        self._unit = (-math.inf, 0.0)

    def learn(self, clock: StepClock, seconds: Mapping[str, float], report: dict[str, Any]) -> None:
        """Remember what a finished run took.

        Args:
            clock: The context that measured it.
            seconds: Of its stages, `propagate` and `render`.
            report: The run's report: `frames` and their `size` (W, H).
        """
        measured, pixels = clock.measured(seconds["propagate"]), clock.making.pixels
        if measured is not None and clock.making.way is not None:
            width, height = report["size"]
            render = seconds["render"] / max(1, report["frames"]) / (width * height / 1e6)
            fixed = FIXED[clock.making.way]
            self._store(clock.key, Timing(*measured, render, pixels, _memory_mb(clock.device), fixed=fixed))

    def learn_stopped(self, clock: StepClock) -> None:
        """Remember what the windows took that a stopped run finished."""
        measured, pixels = clock.measured(), clock.making.pixels
        if measured is not None and clock.making.way is not None and clock.stamps[-1][0] > clock.making.runs:
            old = _read_as(Timing, self._read().get(clock.key))
            render = self.usual(clock.making.way, pixels).render if old is None else old.render
            fixed = FIXED[clock.making.way]
            self._store(clock.key, Timing(*measured, render, pixels, _memory_mb(clock.device), fixed=fixed))

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

    def timing(self, key: str, pixels: float) -> Timing | None:
        """What is known of runs on this machine.

        Args:
            key: Which (see `timing_key`).
            pixels: 10^6 around the region.

        Returns:
            The timing; None while there was none, and no trial either.
        """
        known = _read_as(Timing, self._read().get(key))
        return None if known is None else known.at(pixels)

    def usual(self, way: Way, pixels: float) -> Timing:
        """What a run takes besides a model's steps, before one was measured: so many times what a
        small piece of such work takes on this machine now.

        Args:
            way: What the run does.
            pixels: 10^6 around the region.

        Returns:
            The timing, with no steps.
        """
        with self._lock:
            at, unit = self._unit
            if time.monotonic() - at > KNOWN_FOR:
                unit = machine_unit()
                self._unit = time.monotonic(), unit
        timing = Timing(0.0, USUAL[way] * unit, RENDER * unit, COMMON, LEAST_MEMORY, measured=False, fixed=FIXED[way])
        return timing.at(pixels)

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
        usual = self.usual("picture", COMMON)
        frame = (encoded + decoded) / (model.window_frames - 1) + usual.frame
        timing = Timing(stamps[1] - stamps[0], frame, usual.render, COMMON, _memory_mb(str(model.device)), measured=False)
        self._store(timing_key("picture", model, guided, weights), timing)
        context.report("measuring", 3, 3)
        return timing

    def _rate_key(self, kind: str, name: str) -> str:
        return f"{kind} {name}{self._asked}"

    def _store(self, key: str, new: Timing) -> None:
        with self._lock:
            known = self._read()
            old = _read_as(Timing, known.get(key))
            if old is not None and old.measured:
                before = old.at(new.pixels)
                blended = {name: NEWEST * getattr(new, name) + (1 - NEWEST) * getattr(before, name) for name in ("step", "frame", "render")}
                new = replace(new, **blended, memory_mb=max(new.memory_mb, old.memory_mb))
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
