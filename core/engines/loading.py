"""Opens a video model, whatever engine it is for."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import torch

import core.engines
from core.engines.folders import facts_of
from core.errors import ModelMissingError
from core.models import ModelStore
from core.models.presets import check_has_draft, draft_files, draft_of, split_draft
from core.models.store import is_denoiser_alone
from core.models.tensors import check_package
from core.vivid.contract import Declaration, VideoEngine
from core.vivid.distilled import add_draft, as_draft
from core.vivid.loading import damage_reported, dtype_for, set_up
from core.vivid.model import is_vivid, open_vivid


class EngineModule(Protocol):
    """What a file of this package has that brings an engine."""

    DECLARED: Declaration

    def recognises(self, folder: Path) -> bool:
        """Whether the folder's configurations are those of the engine. Reads no weights."""

    def read_engine(self, folder: Path, name: str, dtype: torch.dtype, denoiser: Any = None) -> VideoEngine:
        """Read the weights into the host's memory.

        Args:
            folder: One that it recognises.
            name: What the model is called.
            dtype: Precision of the denoiser and the text encoder.
            denoiser: One that takes the place of the folder's.

        Returns:
            The model, not placed yet.
        """


def engine_modules() -> Iterator[EngineModule]:
    """The files of this package that bring an engine, in the order of their names."""
    for found in pkgutil.iter_modules(core.engines.__path__, "core.engines."):
        module = importlib.import_module(found.name)
        if hasattr(module, "recognises"):
            yield module


def load_video_engine(name: str, device: str, store: ModelStore, memory: str = "auto", speed: str = "auto") -> VideoEngine:
    """Load a model of the catalogue, or a folder given as a path, onto `device`.

    Args:
        name: A name of the catalogue, or a path: a VIVID package, a folder with another engine's
            weights in diffusers' layout, or a file with a denoiser alone; with `:draft` behind it
            for the model's Draft.
        device: cpu, cuda, cuda:N or mps. Single precision on a CPU, bfloat16 elsewhere.
        store: Where models lie.
        memory: all, parts, layers or auto, which chooses by what the device has free.
        speed: A preset, levers or auto.

    Returns:
        The model, placed on the device.

    Raises:
        InputError: The name is unknown, or the model has no Draft.
        ModelMissingError: The weights are absent or damaged, or of no engine that is known.
        DeviceMemoryError: The device is too small.
    """
    folder = store.locate(name, "video")
    name, drafted = split_draft(name)
    draft = check_has_draft(name, draft_of(name, "video", store)) if drafted else None
    files = {} if draft is None else draft_files(draft, folder, store)  # what is missing is said first
    model = _read(folder, name, dtype_for(device), store)
    if draft is not None:
        add_draft(name, model, draft, files)
        model = as_draft(model, draft)
    set_up(model, torch.device(device), memory, speed)
    return model


def _read(folder: Path, name: str, dtype: torch.dtype, store: ModelStore) -> VideoEngine:
    if is_denoiser_alone(folder):
        return _read_alone(folder, name, dtype, store)
    # Asked first, so that the model that ships does not wait for the libraries of the others.
    if is_vivid(facts_of(folder)):
        return open_vivid(folder, name, dtype, store)
    for module in engine_modules():
        if module.recognises(folder):
            with damage_reported(folder):
                check_package(folder)
                return module.read_engine(folder, name, dtype)
    raise _unknown(folder)


def _read_alone(path: Path, name: str, dtype: torch.dtype, store: ModelStore) -> VideoEngine:
    from core.engines.single_file import base_of, engine_of, read_denoiser

    engine, folder = engine_of(path), base_of(path, store)
    module: EngineModule = importlib.import_module(f"core.engines.{engine.replace('-', '_')}")
    with damage_reported(path):
        check_package(folder)
        return module.read_engine(folder, name, dtype, read_denoiser(path, engine, folder, dtype))


def _unknown(folder: Path) -> ModelMissingError:
    known = ", ".join(module.DECLARED.title for module in engine_modules())
    return ModelMissingError(
        f"'{folder}' holds no video model that is known: give a VIVID package (with its vivid.json), "
        f"or a folder in diffusers' layout of {known}"
    )
