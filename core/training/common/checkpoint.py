"""Checkpoints that a full disk or a killed process can't spoil: the new one takes the old one's name only when it is whole."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from core.errors import InputError, StorageError


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values. StorageError when the disk refuses; an older checkpoint of that name is then still there, whole."""
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, RuntimeError) as error:  # torch's archive writer turns a failed write into a RuntimeError
        partial.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or "the disk took only a part of it"
        older = ": the one before it is whole; make room and go on with resume=true" if path.exists() else ""
        raise StorageError(f"the checkpoint {path} can't be written ({reason}){older}") from error


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read what `save_checkpoint` wrote. InputError when it is no checkpoint or damaged."""
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"the checkpoint {path} can't be read: {reason}") from error
    if not isinstance(state, dict):
        raise InputError(f"{path} is no checkpoint of a training run")
    return state
