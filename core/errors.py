"""What can go wrong, by whose fault it is. The screen and the command line turn these into words and exit codes."""

from __future__ import annotations

import secrets
from typing import Any


class StudioError(Exception):
    """Base of every error that a person should read as one sentence. `exit_code` is the command line's."""

    exit_code = 1


class InputError(StudioError):
    """What was handed in can't be used: the message names the value and says what would do."""

    exit_code = 2


class ShapeError(InputError):
    """A picture of another shape than the frame: it is a person's choice how it is to fit."""


class ModelMissingError(StudioError):
    """Weights that were asked for are neither on disk nor to be had: the message says where they are looked for."""

    exit_code = 3


class Cancelled(StudioError):
    """A person stopped the work. Not a fault; whatever was finished before stays."""

    exit_code = 130

    def __init__(self, message: str = "stopped") -> None:
        super().__init__(message)


class StorageError(StudioError):
    """The disk said no (full, read-only, gone). The previous result is untouched."""

    exit_code = 1


class DeviceMemoryError(StudioError):
    """The device has too little memory for a model: the message says with which mode it needs less."""

    exit_code = 1


def fault_sentence(error: Exception) -> str:
    """What a person is told about a fault of ours: an exception that nobody foresaw."""
    return f"something went wrong inside the program ({type(error).__name__}); your work is saved, and the report says what happened"


def fault_record(asked: Any) -> dict[str, Any]:
    """What to log a fault of ours with, as `extra`: its id, and what was asked for. A report is written under the id."""
    return {"fault": secrets.token_hex(8), "asked": asked}
