"""`launch.py bench --random-weights`: how fast a full-size model is, beside diffusers' own way.

One process, one run: diffusers first, then the presets of speed one after the other, each on a
denoiser of its own. The weights are random, which changes nothing about speed and memory. What a
lever costs in quality is measured on the model that ships, whose weights are trained.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import gc
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from app.commands.bench_subjects import Subject, subject, SUBJECTS
from core.errors import InputError
from core.evaluation.fidelity import psnr_of_error
from core.vivid.contract import Sampling
from core.vivid.model import VividModel
from core.vivid.speed.accelerate import accelerate, convert, levers_for
from core.vivid.speed.levers import parse_levers

WARM_STEPS = 14
"""Of the run before the one that is timed, where steps are left out: enough for every kind of step
to be compiled.
"""


@dataclass(frozen=True)
class Row:
    """One measure: seconds, as a share of diffusers' own, and the most memory in GiB."""

    what: str
    levers: str
    seconds: float
    share: float
    warming: float
    memory: float


def run_gpu_bench(name: str, device: str, steps: int | None, presets: list[str], out: Path | None = None) -> list[Row]:
    """Measure and print.

    Args:
        name: One of SUBJECTS.
        device: cuda or cuda:N, or cpu for a toy.
        steps: Denoising steps of what is compared; None for the model's own.
        presets: Names of `core.vivid.speed.PRESETS`, or levers.
        out: A folder for the rows as bench.json.

    Returns:
        The rows, in the order in which they were printed.

    Raises:
        InputError: The model or a preset is unknown, or there is no GPU for it.
    """
    if name not in SUBJECTS:
        raise InputError(f"random weights are made for {', '.join(SUBJECTS)}, not for '{name}'")
    if not device.startswith("cuda") and not name.endswith("-toy"):
        raise InputError(f"a model of full size takes minutes a step on {device}: --random-weights needs --device cuda")
    for preset in presets:
        parse_levers(preset)
    return GpuBench(name, torch.device(device), steps, None if out is None else out / "bench.json").run(presets)


class GpuBench:
    """One run."""

    def __init__(self, name: str, device: torch.device, steps: int | None, out: Path | None) -> None:
        self._name, self._steps, self._out = name, steps, out
        self._device, self._on_gpu = device, device.type == "cuda"
        self._rows: list[Row] = []
        self._whole: dict[str, float] = {}

    def run(self, presets: list[str]) -> list[Row]:
        begun = time.monotonic()
        measured = subject(self._name, self._device)
        self._wait()
        named = torch.cuda.get_device_name(self._device) if self._on_gpu else "cpu"
        built = time.monotonic() - begun
        print(f"{named}, torch {torch.__version__}; {self._name} with random weights, built in {built:.1f} s", flush=True)
        guided = measured.guided if self._steps is None else replace(measured.guided, steps=self._steps)
        print(f"{guided.steps} steps with guidance {guided.guidance:g}, unless said; share: of diffusers' own way, eager", flush=True)
        self._measure_diffusers(measured, guided)
        for preset in presets:
            self._measure(measured, guided, preset)
        named_closeness = isinstance(measured.model, VividModel)
        del measured
        self._free()
        if self._on_gpu and named_closeness:
            measure_closeness(str(self._device), presets)
        return self._rows

    def _measure_diffusers(self, measured: Subject, guided: Sampling) -> None:
        """diffusers' own pipeline on a denoiser of the same blocks."""
        pipeline = measured.model.pipeline
        plain, pipeline.transformer = pipeline.transformer, None
        for what, frames in (("keyframe", 1), ("window", measured.model.window_frames)):
            self._note(what, "diffusers", measured.own(frames, plain), guided)
        if measured.few is not None:
            self._note(_few(measured.few), "diffusers", measured.own(measured.model.window_frames, plain), measured.few)
        pipeline.transformer = None

    def _measure(self, measured: Subject, guided: Sampling, preset: str) -> None:
        model = measured.model
        pipeline = model.pipeline
        pipeline.transformer = None
        self._free()
        pipeline.transformer = measured.fresh()
        levers = levers_for(pipeline.transformer, preset, model.device, model.declared)
        convert(pipeline.blocks_of(pipeline.transformer), levers, model.device)
        accelerate(pipeline, levers)
        print(f"-- {preset}: {levers}", flush=True)
        frames = model.window_frames
        self._note("keyframe", preset, measured.painted(1, 1), guided)
        self._note("keyframe, 4 variations", preset, measured.painted(1, 4), guided)
        self._note("window", preset, measured.painted(frames, 1), guided)
        if measured.few is not None:
            self._note(_few(measured.few), preset, measured.painted(frames, 1), measured.few)

    def _note(self, what: str, levers: str, call: Callable[[Sampling], Any], sampling: Sampling) -> None:
        begun = time.monotonic()
        left_out = "=" in str(parse_levers(levers)) if levers != "diffusers" else False
        call(replace(sampling, steps=min(sampling.steps, WARM_STEPS if left_out else 2)))
        self._wait()
        warming = time.monotonic() - begun
        if self._on_gpu:
            torch.cuda.reset_peak_memory_stats(self._device)
        begun = time.monotonic()
        call(sampling)
        self._wait()
        seconds = time.monotonic() - begun
        memory = torch.cuda.max_memory_allocated(self._device) / 2**30 if self._on_gpu else 0.0
        self._whole.setdefault(what, seconds)
        row = Row(what, levers, round(seconds, 3), round(seconds / self._whole[what], 3), round(warming, 1), round(memory, 1))
        self._rows.append(row)
        print(
            f"{row.what:<24}{row.levers:<12}{row.seconds:8.2f} s{row.share:7.2f}x{row.warming:8.1f} s to warm up{row.memory:7.1f} GiB",
            flush=True,
        )
        if self._out is not None:
            self._out.write_text(json.dumps([asdict(one) for one in self._rows], indent=1) + "\n")

    def _wait(self) -> None:
        if self._on_gpu:
            torch.cuda.synchronize(self._device)

    def _free(self) -> None:
        gc.collect()
        if self._on_gpu:
            torch.cuda.empty_cache()


def measure_closeness(device: str, presets: list[str], samples: int = 3, steps: int = 50) -> dict[str, tuple[float, float]]:
    """Print how near each preset's pixels are to those of none, on the model that ships and clips
    that it never saw: PSNR in the region, in dB, of a keyframe and of a window.

    Args:
        device: Where it runs.
        presets: Names of presets, or levers.
        samples: Clips.
        steps: Denoising steps.

    Returns:
        The two figures by preset.
    """
    from core.evaluation.procedural import draw_samples, unseen_world
    from core.models import ModelStore
    from core.vivid.model import load_vivid
    from core.vivid.pixels import mask_to_model, to_model

    found: dict[str, tuple[float, float]] = {}
    made: dict[str, list[Tensor]] = {}
    plain = load_vivid("vivid-small", device, ModelStore())
    clips = draw_samples(unseen_world(plain.working_size), samples, plain.window_frames, seed=2)
    print(f"vivid-small, trained, {steps} steps with guidance 3: PSNR in the region against no lever", flush=True)
    for preset in ["plain", *(name for name in presets if name != "plain")]:
        model = load_vivid("vivid-small", device, ModelStore(), speed=preset)
        made[preset] = []
        for frames in (1, model.window_frames):
            for number, clip in enumerate(clips):
                mask = mask_to_model(clip.region[:frames])
                with torch.inference_mode():
                    conditions = model.encode(to_model(clip.plate[:frames]), mask)
                video = model.paint(clip.caption, conditions, [number], Sampling(steps, 3.0), lambda step: None)
                made[preset].append(video.float().cpu().clamp(-1, 1)[mask.expand_as(video).cpu() > 0])
        errors = [float((one - other).square().mean()) for one, other in zip(made[preset], made["plain"], strict=True)]
        keyframe, window = (psnr_of_error(sum(part) / samples, 2.0) for part in (errors[:samples], errors[samples:]))
        found[preset] = keyframe, window
        print(f"{preset:<24}{keyframe:7.1f} dB keyframe{window:7.1f} dB window", flush=True)
    return found


def _few(sampling: Sampling) -> str:
    """What the row of a distilled model is called."""
    return f"window, {sampling.steps} steps"
