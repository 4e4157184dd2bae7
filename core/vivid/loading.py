"""What loading has in common for all engines: the facts of a package, damage told in one sentence,
and the way to the device.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from core.errors import ModelMissingError
from core.models.tensors import DAMAGED
from core.project.edits import SamplingSettings
from core.vivid.contract import Sampling, VideoEngine
from core.vivid.memory import choose_plan
from core.vivid.offload import free_on, needs_of, place
from core.vivid.residents import memory_errors
from core.vivid.speed.accelerate import accelerate, convert, levers_for

FACTS = "vivid.json"


def dtype_for(device: str) -> torch.dtype:
    """Half precision is slower than single on most CPUs, and some operators lack it there."""
    return torch.float32 if torch.device(device).type == "cpu" else torch.bfloat16


def read_facts(folder: Path) -> dict[str, Any]:
    """The package's vivid.json; ModelMissingError when there is none to read."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelMissingError(f"'{folder}' is no VIVID package: its {FACTS} can't be read ({_first_line(error)})") from error
    if not isinstance(facts, dict):
        raise ModelMissingError(f"'{folder}' is no VIVID package: its {FACTS} holds no object")
    return facts


def sampling_of_facts(own: dict[str, Any]) -> Sampling:
    """Steps, guidance and strength of a task, as vivid.json has them; ValueError for what can't be
    used.
    """
    sampling = Sampling(int(own["steps"]), float(own["guidance"]), float(own.get("strength", 1)))
    if sampling.steps < 1 or not 0 < sampling.strength <= 1:
        raise ValueError(f"sampling settings {own} can't be used")
    return sampling


@contextlib.contextmanager
def damage_reported(folder: Path) -> Iterator[None]:
    """Read a model's weights quietly.

    Yields:
        Nothing; read inside the block.

    Raises:
        ModelMissingError: The weights are incomplete or damaged.
    """
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    said = diffusers_logging.get_verbosity()
    diffusers_logging.set_verbosity_error()  # it names every key of a configuration that it doesn't use
    try:
        yield
    except DAMAGED as error:
        raise ModelMissingError(f"the model package '{folder}' can't be loaded ({_first_line(error):.300}): get it anew") from error
    finally:
        diffusers_logging.set_verbosity(said)


def set_up(model: VideoEngine, device: torch.device, memory: str, speed: str, free: int | None = None) -> None:
    """Bring a model to its device and set what makes it fast.

    Args:
        model: In the host's memory.
        device: Where it is to work.
        memory: all, parts, layers or auto; see `core.vivid.memory`.
        speed: A preset, levers or auto; see `core.vivid.speed`.
        free: Bytes that it may take there; None to ask the device.

    Raises:
        DeviceMemoryError: The device can't take what was asked for.
    """
    pipeline = model.pipeline
    levers = levers_for(pipeline.transformer, speed, device, model.declared)
    guided = any(model.sampling(task, SamplingSettings()).guidance > 1 for task in model.tasks)
    if free is None and device.type == "cuda":
        free = free_on(device)
    if free is not None and not levers.as_loaded:
        plan = choose_plan(memory, needs_of(pipeline, model.working_size, model.window_frames, guided), free)
        if plan.mode == "all" and plan.fits:  # joined and rounded there, which takes seconds less than in the host's memory
            with memory_errors(plan.mode, device):
                for denoiser in pipeline.denoisers:
                    denoiser.to(device)
    convert([block for one in pipeline.denoisers for block in pipeline.blocks_of(one)], levers, device)
    place(pipeline, device, memory, model.working_size, model.window_frames, guided, free)
    accelerate(pipeline, levers)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
