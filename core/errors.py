"""The errors of the program, by their cause. The page and the command line turn them into messages
and exit codes.
"""

from __future__ import annotations

import hashlib
import secrets
import traceback
from typing import Any


class StudioError(Exception):
    """Base of every error that a person should read as one sentence. `exit_code` is the command
    line's.
    """

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors travel between processes, whatever arguments they are made with."""
        return _travelled, (type(self), self.args, self.__dict__)


def _travelled(kind: type[StudioError], arguments: tuple[Any, ...], attributes: dict[str, Any]) -> StudioError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(attributes)
    return error


class InputError(StudioError):
    """What was handed in can't be used: the message names the value and says what would do."""

    exit_code = 2


class ShapeError(InputError):
    """A picture of another shape than the frame: it is a person's choice how it is to fit."""


class DeviceMissingError(InputError):
    """This machine has no device of the name that was asked for."""


class ModelMissingError(StudioError):
    """Weights that were asked for are neither on disk nor to be had: the message says where they
    were looked for.

    Attributes: fetchable: The name of the model to fetch, which brings what is missing; None where
        fetching does not help. repository: The hub's name of the repository that has the weights,
        or None. download_mb: The size of the missing weights in 10^6 bytes, or None where it is not
        known.
    """

    exit_code = 3

    def __init__(
        self, message: str, *, fetchable: str | None = None, repository: str | None = None, download_mb: int | None = None
    ) -> None:
        super().__init__(message)
        self.fetchable = fetchable
        self.repository = repository
        self.download_mb = download_mb


class Cancelled(StudioError):
    """A person stopped the job. This is no error; what was finished before stays."""

    exit_code = 130

    def __init__(self, message: str = "stopped") -> None:
        super().__init__(message)


class StorageError(StudioError):
    """The disk said no (full, read-only, gone). The previous result is untouched."""

    exit_code = 1


class DeviceMemoryError(StudioError):
    """The device has too little memory for the video model.

    Attributes:
        device: The name of the device.
        mode: How the model shared out its memory (`core.vivid.memory.MODES`).
        next_mode: The mode that needs less, or None where there is none.
    """

    exit_code = 1

    def __init__(self, device: str, mode: str, next_mode: str | None) -> None:
        super().__init__(f"the memory of {device} is too small for the video model in memory mode '{mode}'")
        self.device, self.mode, self.next_mode = device, mode, next_mode


def internal_error_message(error: Exception) -> str:
    """The message for an internal error, which is an exception that the program did not expect."""
    return f"something went wrong inside the program ({type(error).__name__}); your work is saved, and the report says what happened"


def error_record(asked: Any, error: BaseException | None = None) -> dict[str, Any]:
    """The `extra` to log an internal error with: the id of its crash report, and the request that
    led to it.

    The same error of the same request has the same id while the program runs, so that it is
    reported once; nobody can guess the id.
    """
    places = [] if error is None else [(str(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)[-8:]]
    same = repr((type(error).__name__, places, asked)).encode("utf-8", "replace")
    return {"report_id": hashlib.blake2b(same, key=_UNGUESSABLE, digest_size=8).hexdigest(), "asked": asked}


_UNGUESSABLE = secrets.token_bytes(32)
