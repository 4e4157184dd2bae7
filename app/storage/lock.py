"""One program a workspace: two that save the same projects would overwrite each other's work."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from core.errors import InputError, StorageError

log = logging.getLogger(__name__)

_NAME = ".in-use"
_TAKEN = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


@contextlib.contextmanager
def workspace_lock(root: Path) -> Iterator[None]:
    """Hold the workspace while the block runs; InputError when another program does. A program that dies lets go by itself."""
    path = root / _NAME
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(f"the workspace '{root}' can't be written ({error.strerror or error}): name another with --workspace") from error
    try:
        try:
            _take(handle)
        except OSError as error:
            if error.errno not in _TAKEN:  # some network file systems have no locks: work without one
                log.warning("the workspace '%s' can't be locked (%s)", root, error.strerror or error)
                yield
                return
            holder = os.pread(handle, 32, 0).decode(errors="replace").strip() if sys.platform != "win32" else ""
            who = f" (process {holder})" if holder.isdecimal() else ""
            raise InputError(
                f"another VIVID Studio{who} works in '{root}': use that one, close it, or give this one another --workspace"
            ) from None
        if sys.platform != "win32":  # there a locked file can't be read by others
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _take(handle: int) -> None:
    """Lock the open file for as long as it stays open; OSError when it is taken."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
