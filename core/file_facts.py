"""What was found out about files: remembered while the program runs, and what took long also kept
from one start to the next.

Nothing depends on what is kept: what is lost, damaged or can't be written is found out anew.
"""

from __future__ import annotations

import hashlib
import os
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from core.errors import InputError, StorageError
from core.files import write_bytes

V = TypeVar("V")

FileMark = tuple[Path, int, int]
"""A resolved path, with the size in bytes and the time of the last change (ns): a file that is
written again under its name has another one.
"""

_MOST = 64
"""Files of which something is kept; those that were used last."""
_MOST_BYTES = 64_000_000
_folder: Path | None = None


class FileMemory(Generic[V]):
    """Values found out about files, each until its file changes; those of the last `size` files.
    Safe to use from several threads.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[FileMark, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: Path, find_out: Callable[[Path], V]) -> V:
        """The value for a file, found out from its resolved path where it is not known. InputError
        when there is no such file; nothing is remembered of what raises.
        """
        key = file_mark(path)
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = find_out(key[0])
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()


def file_mark(path: Path) -> FileMark:
    """A file or folder as it is now; InputError when there is none."""
    try:
        stat = path.stat()
        return path.resolve(), stat.st_size, stat.st_mtime_ns
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"there is no file {path}: check the path") from error


def keep_facts_in(folder: Path) -> None:
    """Choose where facts are kept; until then none are."""
    global _folder
    _folder = folder


def kept_fact(path: Path, what: str) -> bytes | None:
    """What was kept about a file, unless it has changed since.

    Args:
        path: The file.
        what: The name of the fact, and of all that it depends on besides the file.

    Returns:
        The data; None when there is none.
    """
    with suppress(InputError, OSError, zlib.error):
        if (place := _place(path, what)) is not None:
            unpacked = zlib.decompressobj()
            data = unpacked.decompress(place.read_bytes(), _MOST_BYTES)
            if unpacked.eof:
                os.utime(place)
                return data
    return None


def keep_fact(path: Path, what: str, data: bytes) -> None:
    """Keep something about a file.

    Args:
        path: The file.
        what: As for `kept_fact`.
        data: What to keep.
    """
    with suppress(InputError, OSError, StorageError):
        place = _place(path, what)
        if place is None or len(data) > _MOST_BYTES:
            return
        place.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.parent.mkdir(exist_ok=True)
        write_bytes(place, zlib.compress(data), sync="none")
        others = sorted(place.parent.glob("[!.]*"), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in others[_MOST:]:
            old.unlink()


def _place(path: Path, what: str) -> Path | None:
    if _folder is None:
        return None
    name = "\n".join(map(str, (what, *file_mark(path))))
    return _folder / hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:32]
