"""Weights in safetensors files, and in pickles that hold nothing but weights. A file may come from
anybody: what a header says is checked before anything is made of it, and no pickle runs.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any, TYPE_CHECKING

from safetensors import SafetensorError

from core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

DAMAGED = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, SafetensorError)
"""What the libraries raise over a folder of weights that is incomplete or damaged."""
_MOST_HEADER = 16 * 2**20
"""Bytes: a hundred times what the largest models have."""
_MOST_TENSORS = 100_000
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def check_tensors(path: Path) -> None:
    """Check that a file is as large as its header says, and the header of a bearable size.

    Raises:
        SafetensorError: It is not, or is no safetensors file.
        OSError: It can't be read.
    """
    size = path.stat().st_size
    if size < 8:  # a pipe, too, which would be waited for
        raise SafetensorError(f"{path.name}: its header is missing")
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(_MOST_HEADER, size - 8):
            raise SafetensorError(f"{path.name}: its header is cut off, or too large")
        text = file.read(length)
    try:
        header = json.loads(text)
        header.pop("__metadata__", None)
        ends = [int(entry["data_offsets"][1]) for entry in header.values()]
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError) as error:
        raise SafetensorError(f"{path.name}: its header is damaged") from error
    if len(ends) > _MOST_TENSORS or max(ends, default=0) != size - 8 - length:
        raise SafetensorError(f"{path.name}: its header and its length disagree")


def check_package(folder: Path) -> None:
    """`check_tensors` for every safetensors file below a folder. SafetensorError, too, when there
    are only pickles.
    """
    files = sorted(folder.rglob("*.safetensors"))
    for path in files:
        check_tensors(path)
    if not files and (pickles := sorted(path.name for path in folder.rglob("*") if path.suffix in _PICKLES)):
        raise SafetensorError(f"its weights are a pickle, {pickles[0]}, which may hold a program; get them as safetensors")


def load_tensors(path: Path, device: str = "cpu") -> dict[str, Tensor]:
    """Read the tensors of a file.

    Args:
        path: The file.
        device: Where the tensors are put.

    Returns:
        The tensors by their names.

    Raises:
        SafetensorError: The file is damaged, or no safetensors file.
        OSError: It can't be read.
    """
    from safetensors.torch import load_file

    check_tensors(path)
    return load_file(path, device=device)


def shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of a file's tensors by their names; no tensor is read.

    SafetensorError or OSError for a damaged file.
    """
    from safetensors import safe_open

    check_tensors(path)
    with safe_open(path, "pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118  (no mapping)


def load_checkpoint(path: Path) -> Any:
    """Read a checkpoint of one file: safetensors, or a pickle of torch that holds nothing but
    weights.

    Returns:
        What was saved, tensors on the CPU.

    Raises:
        InputError: The pickle holds more than weights, which may be a program.
        OSError, RuntimeError, EOFError, LookupError, ValueError, pickle.UnpicklingError,
            SafetensorError: The file is damaged, or no checkpoint.
    """
    if path.suffix == ".safetensors":
        return load_tensors(path)
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        with path.open("rb") as file:
            bare = file.read(1) == pickle.PROTO
        if bare or "global" in str(error).lower():  # torch's word for what is no tensor
            raise InputError(
                f"'{path}' is a pickle that holds more than weights, and was not opened: get the weights as safetensors"
            ) from error
        raise
