"""Settings of a folder that let an engine do with few steps: LoRAs of distilled weights, added to
the denoisers when they are read, and the shift that these were trained with.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.models.record import is_inside
from core.models.tensors import check_tensors

_DENOISERS = ("transformer", "transformer_2")


def shift_of(facts: Mapping[str, Any], usual: float) -> float:
    """The shift that a folder's vivid.json asks for; ValueError for one that can't be."""
    shift = float(facts.get("shift", usual))
    if not 0 < shift <= 100:
        raise ValueError(f"a 'shift' of {shift:g} can't be used")
    return shift


def add_loras(pipeline: Any, folder: Path, facts: Mapping[str, Any]) -> None:
    """Add the LoRAs that a folder's vivid.json names to the weights, for good.

    `lora` is a file, for the first denoiser or the only one, or for each denoiser one by its name;
    `lora_scale` how strongly they count. A LoRA in another program's layout is read as diffusers
    reads it.

    Args:
        pipeline: One of diffusers' that takes LoRAs, in the host's memory.
        folder: What the files' paths start from.
        facts: What its vivid.json says.

    Raises:
        ValueError: A file is of another model, or lies elsewhere, where a change of it would go
            unseen; or the denoiser isn't there.
        OSError: A file can't be read.
        SafetensorError: A file is damaged.
    """
    named = facts.get("lora")
    if not named:
        return
    files = {_DENOISERS[0]: named} if isinstance(named, str) else dict(named)
    scale = float(facts.get("lora_scale", 1.0))
    for denoiser, file in files.items():
        if denoiser not in _DENOISERS or getattr(pipeline, denoiser, None) is None:
            raise ValueError(f"'lora' names a '{denoiser}', which this model does not have")
        if not is_inside(str(file)):
            raise ValueError(f"'lora' names '{file}': put the file into the model's folder")
        path = folder / str(file)
        check_tensors(path)
        second = {"load_into_transformer_2": True} if denoiser == _DENOISERS[1] else {}
        pipeline.load_lora_weights(str(path.parent), weight_name=path.name, adapter_name=denoiser, local_files_only=True, **second)
        if not getattr(getattr(pipeline, denoiser), "peft_config", None):
            raise ValueError(f"nothing in '{path.name}' fits this model's denoiser")
        pipeline.fuse_lora(components=[denoiser], lora_scale=scale, adapter_names=[denoiser])
        pipeline.unload_lora_weights()
