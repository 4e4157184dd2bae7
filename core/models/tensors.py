"""Weights in safetensors files. What the header says is checked before anything is made of it: a
file may come from anybody.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError

if TYPE_CHECKING:
    from torch import Tensor

_MOST_HEADER = 16 * 2**20
"""Bytes: a hundred times what the largest models have."""
_MOST_TENSORS = 100_000


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
    """`check_tensors` for every safetensors file below a folder."""
    for path in sorted(folder.rglob("*.safetensors")):
        check_tensors(path)


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
