"""A denoiser in files of its own: safetensors, whole or in pieces, or GGUF. Read as diffusers lays
it out, or as its makers do.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import json
from pathlib import Path
from typing import Any

import diffusers
import torch
from accelerate import init_empty_weights

from core.errors import ModelMissingError
from core.models.store import PIECES
from core.models.tensors import DAMAGED, load_tensors, shapes_of

GGUF = ".gguf"
PREFIX = "model.diffusion_model."
"""What some programs put before every name."""
Shapes = dict[str, tuple[int, ...]]
_SCALES = ("scaled_fp8", "scale_weight", "weight_scale", "scale_input", "input_scale")
"""What names of tensors end in where weights of 8 bits are to be multiplied."""
_RESHAPED = "comfy.gguf.orig_shape."
"""What a GGUF file notes of tensors that it keeps in another shape than their own."""


def shapes_in(path: Path) -> Shapes:
    """The shapes of a denoiser's tensors, by their names without PREFIX.

    Args:
        path: Its file or folder; only headers are read.

    Raises:
        ModelMissingError: The file is damaged, or in a format that is not read.
    """
    try:
        shapes = {name.removeprefix(PREFIX): shape for name, shape in _shapes(path).items()}
    except (*DAMAGED, ArithmeticError, EOFError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        form = "GGUF" if path.suffix == GGUF else "safetensors"
        raise ModelMissingError(f"'{path}' can't be read as {form} ({line:.300}): get it anew") from error
    if any(name.endswith(_SCALES) for name in shapes):
        raise ModelMissingError(f"the weights in '{path}' are in a scaled 8-bit format, which is not read: give them in 16 bits")
    if any(name.startswith(_RESHAPED) for name in shapes):
        raise ModelMissingError(
            f"'{path}' keeps layers in shapes that are not theirs, which is not read: give them as safetensors in 16 bits"
        )
    return shapes


def check_gguf_is_read(path: Path, title: str, read: bool) -> None:
    """Raise ModelMissingError for a GGUF file of a model whose GGUF diffusers can't read.

    Args:
        path: A file or folder with a denoiser.
        title: What the model is called.
        read: Whether diffusers reads GGUF files of it.
    """
    if path.suffix == GGUF and not read:
        raise ModelMissingError(f"'{path}' is a GGUF file of {title}, which is not read: give its denoiser as safetensors in 16 bits")


def read_denoiser(path: Path, folder: Path, dtype: torch.dtype, otherwise: dict[str, Any] | None = None) -> Any:
    """Read a denoiser.

    Args:
        path: Its file or folder.
        folder: The same part of a model that has its configuration; no weights are read from it.
        dtype: Precision of the weights; those of a GGUF file are computed back to it at work.
        otherwise: What the denoiser has otherwise than that configuration says.

    Returns:
        The network, in the host's memory.

    Raises:
        ValueError: Weights are missing, or of another shape.
        RuntimeError, SafetensorError, OSError: The file is damaged.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kind = getattr(diffusers, config["_class_name"])
    given = {"config": str(folder), "dtype": dtype, "local_files_only": True}
    if path.suffix == GGUF:
        from diffusers.models.model_loading_utils import load_gguf_checkpoint

        settings = diffusers.GGUFQuantizationConfig(compute_dtype=dtype)
        tensors = load_gguf_checkpoint(str(path))
        return _others_computed_back(_renamed(kind, tensors, given | {"quantization_config": settings}), dtype)
    tensors = {name.removeprefix(PREFIX): value for piece in _pieces(path) for name, value in load_tensors(piece).items()}
    with init_empty_weights():
        network = kind.from_config(config | (otherwise or {}))
    names = set(network.state_dict())
    if set(tensors) == names:
        network.load_state_dict(tensors, assign=True)
        return network.to(dtype).eval()
    if not hasattr(kind, "from_single_file"):
        apart = sorted(names - set(tensors)) or sorted(set(tensors) - names)
        raise ValueError(f"{len(apart)} of its weights are missing or unknown, such as {apart[0]}")
    return _renamed(kind, tensors, given)


def _renamed(kind: Any, tensors: dict[str, Any], given: dict[str, Any]) -> Any:
    """The network of tensors in either layout, by diffusers' own table of names."""
    tensors = {name.removeprefix(PREFIX): value for name, value in tensors.items()}
    # A UNet in its makers' layout is looked for below the prefix alone.
    if kind is diffusers.UNet2DConditionModel and any(name.startswith("input_blocks.") for name in tensors):
        tensors = {f"{PREFIX}{name}": value for name, value in tensors.items()}
    try:
        return kind.from_single_file(tensors, **given).eval()
    except NotImplementedError as error:  # PyTorch's word for weights that no file has filled
        raise ValueError("some of its weights are missing") from error


def _others_computed_back(network: Any, dtype: torch.dtype) -> Any:
    """The network of a GGUF file, in which linear layers alone keep their weights in few bits:
    other layers, and biases, would take the bits for numbers.
    """
    from diffusers.quantizers.gguf.utils import dequantize_gguf_tensor, GGUFLinear, GGUFParameter

    for module in network.modules():
        for name, value in list(module.named_parameters(recurse=False)):
            if isinstance(value, GGUFParameter) and not (isinstance(module, GGUFLinear) and name == "weight"):
                setattr(module, name, torch.nn.Parameter(dequantize_gguf_tensor(value).to(dtype), requires_grad=False))
    return network


def _pieces(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.glob(PIECES))


def _shapes(path: Path) -> Shapes:
    """Of all tensors, and of those that a GGUF file notes as reshaped; what is damaged raises."""
    if path.suffix != GGUF:
        return {name: shape for piece in _pieces(path) for name, shape in shapes_of(piece).items()}
    from gguf import GGUFReader

    reader = GGUFReader(path)
    noted: Shapes = {name: () for name in reader.fields if name.startswith(_RESHAPED)}
    return noted | {tensor.name: tuple(int(side) for side in reversed(tensor.shape)) for tensor in reader.tensors}
