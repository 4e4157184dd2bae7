"""Checkpoints that a full disk or a killed process can't spoil: the new one takes the old one's
name only when it is whole."""

from __future__ import annotations

import errno
import pickle
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from core.errors import InputError
from core.files import atomic_path, remove_leftovers


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values.

    StorageError when the disk refuses; an older checkpoint of that name is then still there, whole.
    """
    remove_leftovers(path)  # a run that was killed while it wrote gigabytes
    with atomic_path(path, then="go on with resume=true") as temporary, _writing(), temporary.open("wb") as file:
        torch.save(state, file)


def save_tensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write tensors as safetensors, as a whole.

    Args:
        path: The file's place; missing folders are created.
        tensors: By name, of any device and layout.
        metadata: What the file's header says besides.

    Raises:
        StorageError: The disk refused; what was at `path` is untouched.
    """
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path, sync="none") as temporary, _writing():
        save_file(ready, temporary, metadata)


@contextmanager
def _writing() -> Iterator[None]:
    """Turn what torch and safetensors make of a failed write into an OSError."""
    try:
        yield
    except (RuntimeError, SafetensorError) as error:
        raise OSError(errno.EIO, "the disk took only a part of it") from error


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read what `save_checkpoint` wrote. InputError when it is no checkpoint or damaged."""
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"the checkpoint {path} can't be read: {reason}") from error
    if not isinstance(state, dict):
        raise InputError(f"{path} is not a checkpoint of a training run")
    return state
