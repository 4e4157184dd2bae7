"""One program a workspace: two that save the same projects would overwrite each other's work."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from app.storage.leftovers import remove_leftovers
from core.errors import InputError, StorageError

log = logging.getLogger(__name__)

_NAME = ".in-use"


@contextlib.contextmanager
def workspace_lock(root: Path) -> Iterator[None]:
    """Hold the workspace while the block runs, after what killed programs left there is removed.
    The system releases the lock of a program that dies.

    Raises:
        InputError: Another program holds the workspace.
        StorageError: The folder can't be written to.
    """
    path = root / _NAME
    try:
        path.open("ab").close()
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"the workspace '{root}' can't be written to ({reason}): choose another with --workspace") from error
    lock = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise InputError(
            f"another VIVID Studio{_holder(path)} works in '{root}': use that one, close it, or choose another workspace with --workspace"
        ) from None
    except OSError as error:  # some network file systems have no locks: work without one
        log.warning("the workspace '%s' can't be locked (%s)", root, error.strerror or error)
        yield
        return
    try:
        remove_leftovers(root)
        if sys.platform != "win32":  # there nobody can read or write a locked file
            with contextlib.suppress(OSError):  # a full disk: its projects can still be seen, and removed
                path.write_text(f"{os.getpid()}\n", encoding="utf-8")
        yield
    finally:
        lock.release()


def _holder(path: Path) -> str:
    """ " (process 123)" where the lock file can be read and names the process that holds it."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = path.read_text(encoding="utf-8").strip()
        if text.isdecimal():
            return f" (process {text})"
    return ""
