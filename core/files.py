"""The one place that writes files: they appear only when they are complete. Errors of the disk in
plain words.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from core.errors import InputError, StorageError

Sync = Literal["none", "disk"]
"""What is flushed to the disk before a write returns.

`none`: nothing. A killed program leaves the old file or the new one, a power cut may leave neither.
`disk`: the content before the file gets its name, then the folder with the name, and folders that
were made for it. A power cut after the write leaves the new file, one before it the old one.
"""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_full(error: OSError) -> bool:
    """Whether the disk, or a person's share of it, is full."""
    return error.errno in _FULL


def storage_error(path: Path, error: OSError, then: str = "try again") -> StorageError:
    """The disk's refusal to write `path`, as one sentence.

    Args:
        path: The file or folder that could not be written.
        error: What the system said.
        then: What a person should do once the disk is in order.

    Returns:
        The error to raise.
    """
    if is_full(error):
        return StorageError(
            f"the disk is full: '{path}' could not be written, what was there before is untouched; free some space, then {then}"
        )
    return StorageError(
        f"'{path}' could not be written ({error.strerror or error}), what was there before is untouched; "
        f"check that this folder can be written to, then {then}"
    )


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder; InputError for what can't be a path at all (too long, a zero
    byte).
    """
    try:
        return path.is_dir()
    except (OSError, ValueError) as error:
        shown = str(path) if len(str(path)) <= 80 else f"{str(path)[:60]}...{str(path)[-15:]}"
        raise InputError(f"{shown!r} can't be opened ({getattr(error, 'strerror', None) or error}): check the path") from error


def check_regular(path: Path) -> None:
    """Raise InputError for a device, a pipe or a socket: whoever opens one may wait for ever, or
    read without end. What is not there is left to who opens it.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError(f"{path} is a device or a pipe, not a file: choose a file")


@contextmanager
def storage_errors(path: Path, then: str = "try again") -> Iterator[None]:
    """Turn an OSError inside the block, PyAV's included, into a StorageError about `path`; see
    `storage_error`.
    """
    try:
        yield
    except OSError as error:
        raise storage_error(path, error, then) from error


class AtomicFile:
    """A file that is being written under a temporary name beside `path`.

    For a file that stays open over several calls; `atomic_path` is simpler where one block writes
    it all.
    """

    def __init__(self, path: Path, sync: Sync = "disk") -> None:
        self.path = path
        self.temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        self._sync = sync

    def publish(self) -> None:
        """Give the finished file its name, in place of the one that had it. Raises OSError."""
        if self._sync != "none":
            with self.temporary.open("rb+") as file:
                os.fsync(file.fileno())
        self.temporary.replace(self.path)
        if self._sync != "none":
            _flush(self.path.parent)

    def discard(self) -> None:
        """Delete the temporary file, if there still is one; the file at `path` stays as it was."""
        with suppress(OSError):  # the folder itself may be what is wrong
            self.temporary.unlink(missing_ok=True)


def _flush(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the system can."""
    if os.name != "posix":  # Windows can't open a folder
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems can't flush a folder; the file itself is safe
            os.fsync(opened)
    finally:
        os.close(opened)


def _make_folder(folder: Path, sync: Sync) -> None:
    """Make a folder and those above it that are missing."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing if sync != "none" else ():
        _flush(made.parent)


@contextmanager
def atomic_path(path: Path, *, sync: Sync = "disk", then: str = "try again") -> Iterator[Path]:
    """Write a file as a whole: yield a temporary path, which becomes `path` when the block ends.

    When the block raises, the temporary file vanishes and `path` stays as it was. Missing folders
    are created.

    Args:
        path: The file's final place.
        sync: What is flushed to the disk before the block is left.
        then: What a person should do after a refusal of the disk is resolved.

    Yields:
        A path in the same folder, with no file there yet.

    Raises:
        StorageError: The disk refused.
    """
    with storage_errors(path, then):
        _make_folder(path.parent, sync)
        file = AtomicFile(path, sync)
        try:
            yield file.temporary
            file.publish()
        finally:
            file.discard()


def write_bytes(path: Path, data: bytes | memoryview, *, sync: Sync = "disk", then: str = "try again") -> None:
    """Write `data` to `path` as a whole.

    Args:
        path: The file's place; missing folders are created.
        data: All of its content.
        sync: What is flushed to the disk before the call returns.
        then: What a person should do after a refusal of the disk is resolved.

    Raises:
        StorageError: The disk refused; what was at `path` is untouched.
    """
    with atomic_path(path, sync=sync, then=then) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str, *, sync: Sync = "disk", then: str = "try again") -> None:
    """Write `text` to `path` in UTF-8, with the line ends that it has; as `write_bytes` does.

    Args:
        path: The file's place; missing folders are created.
        text: All of its content.
        sync: What is flushed to the disk before the call returns.
        then: What a person should do after a refusal of the disk is resolved.

    Raises:
        StorageError: The disk refused; what was at `path` is untouched.
    """
    write_bytes(path, text.encode(), sync=sync, then=then)


def remove_leftovers(path: Path) -> None:
    """Delete what killed programs left of earlier writes of `path`. Only for a file with one writer
    at a time.
    """
    for left in path.parent.glob(f".{path.name}.*.part"):
        with suppress(OSError):
            left.unlink()


@contextmanager
def atomic_pictures(folder: Path) -> Iterator[Path]:
    """Write a folder of numbered PNGs as a whole.

    At the end of the block the files of the yielded folder move into `folder`, and the numbered
    PNGs that an earlier, longer export left there are deleted. When the block raises, `folder` is
    as it was.

    Yields:
        An empty, hidden folder to write 00000.png, 00001.png ... to.

    Raises:
        StorageError: The disk refused.
    """
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = folder if folder.is_dir() else folder.parent
        with tempfile.TemporaryDirectory(prefix=".new-", dir=beside) as drafts:
            yield Path(drafts)
            folder.mkdir(exist_ok=True)
            names = {draft.name for draft in Path(drafts).iterdir()}
            for name in sorted(names):
                (Path(drafts) / name).replace(folder / name)
        for path in folder.glob("*.png"):
            if path.stem.isdecimal() and path.name not in names:
                path.unlink()
