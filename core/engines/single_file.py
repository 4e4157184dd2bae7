"""A denoiser of one's own, as diffusers or its makers lay it out: a safetensors file, a folder with
the pieces of one, or a GGUF file. The other parts come from the model of the catalogue that has the
same size.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from pathlib import Path
from typing import Any

import diffusers
import torch
from accelerate import init_empty_weights

from core.engines.folders import config_of
from core.errors import ModelMissingError
from core.models import ModelStore
from core.models.catalogue import MODELS
from core.models.model import ModelEntry
from core.models.store import PIECES
from core.models.tensors import DAMAGED, load_tensors, shapes_of

_SIGNS = {
    "wan-vace": ("vace_patch_embedding.weight", 96),
    "cogvideox-fun": ("patch_embed.proj.weight", 33),
    "void": ("patch_embed.proj.weight", 8 * 48),
}
"""By engine: the tensor that tells it, and how many channels that reads; VOID's reads 8 values of
each, of two latents and 2x2 pixels.
"""
_OTHER_THAN_BASE = {"void": {"in_channels": 48}}
"""By engine: what its denoisers have otherwise than the model whose other parts they take."""
_GGUF = ".gguf"
_PREFIX = "model.diffusion_model."
"""What some programs put before every name."""
_SCALES = ("scaled_fp8", "scale_weight", "weight_scale", "scale_input", "input_scale")
"""What names of tensors end in where weights of 8 bits are to be multiplied."""


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
    """Read a denoiser.

    Args:
        path: Its file or folder.
        engine: Which one it is for.
        folder: Of the model that has the other parts, and the denoiser's configuration.
        dtype: Precision of the weights.

    Returns:
        The network, in the host's memory.

    Raises:
        ValueError: Weights are missing, or of another shape.
        SafetensorError, OSError: The file is damaged.
    """
    kind = getattr(diffusers, config_of(folder, "transformer")["_class_name"])
    if path.suffix == _GGUF:
        return _read_gguf(path, kind, folder, dtype)
    tensors = {name.removeprefix(_PREFIX): value for piece in _pieces(path) for name, value in load_tensors(piece).items()}
    with init_empty_weights():
        config = kind.load_config(folder, subfolder="transformer", local_files_only=True)
        network = kind.from_config(config | _OTHER_THAN_BASE.get(engine, {}))
    if set(tensors) == set(network.state_dict()):
        network.load_state_dict(tensors, assign=True)
        return network.to(dtype).eval()
    return _whole(kind.from_single_file(tensors, config=str(folder), subfolder="transformer", dtype=dtype, local_files_only=True))


def _read_gguf(path: Path, kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    """Weights in few bits, which are computed back at work: they stay small in memory."""
    if not hasattr(kind, "from_single_file"):
        raise ValueError(f"diffusers reads no GGUF file of a {kind.__name__}")
    settings = diffusers.GGUFQuantizationConfig(compute_dtype=dtype)
    own = {"config": str(folder), "subfolder": "transformer", "local_files_only": True}
    return _whole(kind.from_single_file(str(path), quantization_config=settings, dtype=dtype, **own))


def _whole(network: Any) -> Any:
    """The network; ValueError where its file left some of it out."""
    lacking = [name for name, value in network.named_parameters() if value.is_meta]
    if lacking:
        raise ValueError(f"{len(lacking)} of its weights are missing, such as {lacking[0]}")
    return network.eval()


def _pieces(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.glob(PIECES))


def _shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
    """Of all tensors; what is damaged raises."""
    if path.suffix != _GGUF:
        return {name: shape for piece in _pieces(path) for name, shape in shapes_of(piece).items()}
    from gguf import GGUFReader

    return {tensor.name: tuple(int(side) for side in reversed(tensor.shape)) for tensor in GGUFReader(path).tensors}


def _takes_turns(model: ModelEntry) -> bool:
    """Whether one denoiser is not all that a model denoises with."""
    return model.parameters is not None and model.parameters.experts > 1


def _kind_of(path: Path) -> tuple[str, int]:
    """The engine of a denoiser, and the values of its tokens."""
    try:
        shapes = {name.removeprefix(_PREFIX): shape for name, shape in _shapes_of(path).items()}
    except (*DAMAGED, ArithmeticError, EOFError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        form = "GGUF" if path.suffix == _GGUF else "safetensors"
        raise ModelMissingError(f"'{path}' can't be read as {form} ({line:.300}): get it anew") from error
    if any(name.endswith(_SCALES) for name in shapes):
        raise ModelMissingError(f"the weights in '{path}' are in a scaled 8-bit format, which is not read: give them in 16 bits")
    for engine, (name, channels) in _SIGNS.items():
        if len(shape := shapes.get(name, ())) > 1 and shape[1] == channels:
            return engine, shape[0]
    raise ModelMissingError(f"'{path}' holds no denoiser that is known: give one of VACE, CogVideoX-Fun InP or VOID, or a folder")
