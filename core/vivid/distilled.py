"""What lets an engine do with few steps: LoRAs of distilled weights, added to the denoisers when
they are read, and the shift that these were trained with. A folder names them, or a Draft.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from core.errors import ModelMissingError
from core.models.model import Draft
from core.models.presets import draft_name, lora_of
from core.models.tensors import check_tensors, DAMAGED
from core.vivid.contract import VideoEngine

_DENOISERS = ("transformer", "transformer_2")


def shift_of(facts: Mapping[str, Any], usual: float) -> float:
    """The shift that a folder's vivid.json asks for; ValueError for one that can't be."""
    shift = float(facts.get("shift", usual))
    if not 0 < shift <= 100:
        raise ValueError(f"a 'shift' of {shift:g} can't be used")
    return shift


class Shiftable(Protocol):
    """A model whose scheduler may move its steps towards noise."""

    pipeline: Any

    def shift_steps(self, shift: float) -> None:
        """Move them so far. ValueError where the scheduler has no such thing."""


def add_loras(pipeline: Any, folder: Path, facts: Mapping[str, Any]) -> None:
    """Add the LoRAs that a folder's vivid.json names to the weights, for good.

    `lora` is a file, for the first denoiser or the only one, or for each denoiser one by its name;
    `lora_scale` how strongly they count.

    Args:
        pipeline: As for `add_files`.
        folder: What the files' paths start from.
        facts: What its vivid.json says.

    Raises:
        ValueError: As for `add_files`; or a file lies elsewhere, where a change of it would go
            unseen.
        OSError, SafetensorError: As for `add_files`.
    """
    add_files(pipeline, {denoiser: folder / file for denoiser, file in lora_of(dict(facts))}, float(facts.get("lora_scale", 1)))


def add_files(pipeline: Any, files: Mapping[str, Path], scale: float) -> None:
    """Add LoRAs to the weights, for good. Other programs' layouts are read as diffusers reads them.

    Args:
        pipeline: One of diffusers' that takes LoRAs, in the host's memory.
        files: One for each denoiser, by the denoiser's name.
        scale: How strongly they count.

    Raises:
        ValueError: A file is of another model, or the denoiser isn't there.
        OSError: A file can't be read.
        SafetensorError: A file is damaged.
    """
    for denoiser, path in files.items():
        if denoiser not in _DENOISERS or getattr(pipeline, denoiser, None) is None:
            raise ValueError(f"'lora' names a '{denoiser}', which this model does not have")
        check_tensors(path)
        second = {"load_into_transformer_2": True} if denoiser == _DENOISERS[1] else {}
        pipeline.load_lora_weights(str(path.parent), weight_name=path.name, adapter_name=denoiser, local_files_only=True, **second)
        if not getattr(getattr(pipeline, denoiser), "peft_config", None):
            raise ValueError(f"nothing in '{path.name}' fits this model's denoiser")
        pipeline.fuse_lora(components=[denoiser], lora_scale=scale, adapter_names=[denoiser])
        pipeline.unload_lora_weights()


def as_draft(model: VideoEngine, draft: Draft) -> VideoEngine:
    """The same weights, run as a Draft."""
    return replace(model, name=draft_name(model.name), draft=draft)


def add_draft(name: str, model: Shiftable, draft: Draft, files: Mapping[str, Path]) -> None:
    """Add to a model's weights what its Draft needs, and shift its steps.

    Args:
        name: What the model is called.
        model: Just read, in the host's memory.
        draft: Its Draft.
        files: The LoRAs, see `add_files`.

    Raises:
        ModelMissingError: A LoRA is damaged, or of another model.
    """
    try:
        add_files(model.pipeline, files, draft.scale)
        if draft.shift is not None:
            model.shift_steps(draft.shift)
    except DAMAGED as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        named = ", ".join(path.name for path in files.values()) or "no LoRA"
        raise ModelMissingError(f"the Draft of '{name}' ({named}) can't be used ({line:.300}): get it anew") from error
