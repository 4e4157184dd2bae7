"""A denoiser of one's own in the place of a video engine's: in a file, a folder with the pieces of
one, or a GGUF file. The other parts come from the model of the catalogue that has the same size.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from pathlib import Path
from typing import Any

import torch

from core.engines.folders import config_of
from core.errors import ModelMissingError
from core.models import ModelStore
from core.models.catalogue import MODELS
from core.models.model import ModelEntry
from core.vivid import denoiser_files

_SIGNS = {
    "wan-vace": ("vace_patch_embedding.weight", 96, "VACE"),
    "cogvideox-fun": ("patch_embed.proj.weight", 33, "CogVideoX-Fun InP"),
    "void": ("patch_embed.proj.weight", 8 * 48, "VOID"),
}
"""By engine: the tensor that tells it, how many channels that reads, and what people call it.
VOID's reads 8 values of each channel, of two latents and 2x2 pixels.
"""
_GGUF_READ = frozenset({"wan-vace"})
"""The engines of whose denoisers diffusers reads GGUF files."""
_OTHER_THAN_BASE = {"void": {"in_channels": 48}}
"""By engine: what its denoisers have otherwise than the model whose other parts they take."""


def engine_of(path: Path) -> str:
    """The engine that a file with a denoiser is for; ModelMissingError for what is none."""
    return _kind_of(path)[0]


def base_of(path: Path, store: ModelStore) -> Path:
    """The folder of the model whose other parts fit a denoiser.

    Args:
        path: A file or folder with a denoiser; only its headers are read.
        store: Where models lie.

    Raises:
        ModelMissingError: It is no denoiser of an engine that is known, or in a format that is not
            read, or the model that it fits is not on this machine.
    """
    engine, width = _kind_of(path)
    models = [
        model for model in MODELS.values() if model.engine == engine and model.kind == "video" and model.runs and not _takes_turns(model)
    ]
    for model in models:
        # Some are a denoiser alone themselves, and stand on a model that is no engine here.
        parts = MODELS[model.needs[0]] if model.file is not None else model
        if store.available(parts.name, parts.kind):
            folder = store.locate(parts.name, parts.kind)
            config = config_of(folder, "transformer")
            if int(config.get("num_attention_heads", 0)) * int(config.get("attention_head_dim", 0)) == width:
                return folder
    wanted = next((model.name for model in models if model.parameters is not None and model.parameters.width == width), None)
    if wanted is None:
        raise ModelMissingError(f"the denoiser in '{path}' has {width} channels, which none of {', '.join(one.name for one in models)} has")
    raise ModelMissingError(
        f"'{path.name}' is a denoiser alone: its text encoder and autoencoder come with '{wanted}', which is not on this machine",
        fetchable=wanted,
    )


def read_denoiser(path: Path, engine: str, folder: Path, dtype: torch.dtype) -> Any:
    """Read a denoiser; raises as `core.vivid.denoiser_files.read_denoiser` does.

    Args:
        path: Its file or folder.
        engine: Which one it is for.
        folder: Of the model that has the other parts, and the denoiser's configuration.
        dtype: Precision of the weights.

    Returns:
        The network, in the host's memory.
    """
    return denoiser_files.read_denoiser(path, folder / "transformer", dtype, _OTHER_THAN_BASE.get(engine))


def _takes_turns(model: ModelEntry) -> bool:
    """Whether one denoiser is not all that a model denoises with."""
    return model.parameters is not None and model.parameters.experts > 1


def _kind_of(path: Path) -> tuple[str, int]:
    """The engine of a denoiser, and the values of its tokens."""
    shapes = denoiser_files.shapes_in(path)
    for engine, (name, channels, title) in _SIGNS.items():
        if len(shape := shapes.get(name, ())) > 1 and shape[1] == channels:
            denoiser_files.check_gguf_is_read(path, title, engine in _GGUF_READ)
            return engine, shape[0]
    known = ", ".join(title for _, _, title in _SIGNS.values())
    raise ModelMissingError(f"'{path}' holds no denoiser of a video model that is known ({known}): give one, or a folder")
