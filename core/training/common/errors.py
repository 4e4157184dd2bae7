"""Errors of a training run."""

from __future__ import annotations

from core.errors import StorageError


class TrainingError(StorageError):
    """Training can't continue, for a reason that a person should read, such as a loss that is not a
    number."""
