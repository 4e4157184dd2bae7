"""Files that appear only when they are complete, and the errors of the disk in plain words."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import InputError, StorageError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def storage_error(path: Path, fault: OSError) -> StorageError:
    """The disk's refusal to write `path` as one sentence."""
    if fault.errno in _FULL:
        return StorageError(
            f"the disk is full: {path} could not be written, what was there before is untouched; free some space, then try again"
        )
    return StorageError(
        f"{path} can't be written ({fault.strerror or fault}), what was there before is untouched; see to that, or choose another place"
    )


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder; InputError for what can't be a path at all (too long, a zero byte)."""
    try:
        return path.is_dir()
    except (OSError, ValueError) as fault:
        shown = str(path) if len(str(path)) <= 80 else f"{str(path)[:60]}...{str(path)[-15:]}"
        raise InputError(f"{shown!r} can't be opened ({getattr(fault, 'strerror', None) or fault}): see that the path is right") from fault


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an OSError inside the block, PyAV's included, into a StorageError about `path`."""
    try:
        yield
    except OSError as fault:
        raise storage_error(path, fault) from fault


def temporary_beside(path: Path) -> Path:
    """An unused name in the folder of `path`, hidden, so that a rename over `path` is atomic."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


def publish(temporary: Path, path: Path) -> None:
    """Flush `temporary` to the disk and rename it over `path`: after this a crash can't leave half a file. Raises OSError."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    if os.name == "posix":  # Windows can't open a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            with suppress(OSError):  # some network file systems can't flush a folder; the file itself is safe
                os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; it becomes `path` when the block ends, or vanishes when the block raises.

    Raises StorageError when the disk refuses.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(path)
        try:
            yield temporary
            publish(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
