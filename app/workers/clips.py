"""Clips on their way to a worker: by content, since it may be on a machine that shares no folder
with this one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.file_facts import FileMemory
from core.files import storage_errors

if TYPE_CHECKING:
    import numpy as np

    from core.media import ClipReader
    from core.propagation.stack import AppliedEdit

PIECE = 4 << 20
"""Bytes of a file that are sent at a time."""
_KEPT_DAYS = 3
_hashes: FileMemory[str] = FileMemory(4096)


@dataclass(frozen=True)
class SentFile:
    """A file by its content: its name in the clip, where it is on the machine that sends it, its
    size in bytes and its SHA-256.
    """

    name: str
    path: Path
    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path, name: str | None = None) -> SentFile:
        """Read through a file; InputError where it can't be read."""
        from core.media import sha256_of

        resolved = path.resolve()
        try:
            return cls(name or path.name, resolved, resolved.stat().st_size, _hashes.get(resolved, sha256_of))
        except OSError as error:
            raise InputError(f"{path} can't be read ({error.strerror}): check that it exists and that you may read it") from error

    def pieces(self) -> Iterator[bytes]:
        """Its content, one piece after the other."""
        with storage_errors(self.path), self.path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece


@dataclass(frozen=True)
class SentLayer:
    """An accepted result that lies on a clip: the edit without its windows and keyframes, which go
    as files and pictures.
    """

    edit: AppliedEdit
    windows: tuple[tuple[int, int, SentFile], ...]
    keyframes: Mapping[int, np.ndarray]


@dataclass(frozen=True)
class SentClip:
    """A clip as a worker opens it again: one file or the images of a `folder`, with results on
    it.
    """

    files: tuple[SentFile, ...]
    folder: bool
    deinterlace: bool
    layers: tuple[SentLayer, ...] = ()

    @property
    def all_files(self) -> list[SentFile]:
        """What the worker has to have."""
        return [*self.files, *(file for layer in self.layers for _, _, file in layer.windows)]


def sent_clip(reader: ClipReader) -> SentClip:
    """What a worker needs to read the same frames. Its files are read through once."""
    from core.media.reader import FolderReader
    from core.propagation.stack import StackedReader

    layers: list[SentLayer] = []
    while isinstance(reader, StackedReader):
        for edit in reversed(reader.edits):
            windows = tuple((start, stop, SentFile.of(path)) for start, stop, path in edit.windows)
            pictures = {frame: picture() for frame, picture in edit.keyframes.items()}
            layers.insert(0, SentLayer(replace(edit, windows=(), keyframes={}), windows, pictures))
        reader = reader.base
    files = tuple(SentFile.of(path) for path in reader.files)
    return SentClip(files, isinstance(reader, FolderReader), reader.deinterlaced, tuple(layers))


class ClipStore:
    """What a worker keeps of clips that were sent to it: contents by their SHA-256, and folders in
    which they have their names. What was not used for some days is removed when a worker starts.
    """

    def __init__(self, root: Path) -> None:
        self._contents, self._clips = root / "contents", root / "clips"
        self._coming = root / f"coming-{os.getpid()}"
        with storage_errors(root):
            for folder in (self._contents, self._clips):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep(root)

    def missing(self, files: Sequence[SentFile]) -> list[str]:
        """The contents that have to be sent. A file that lies at the same path with the same
        content is used where it is: a folder that both machines share, or one machine.
        """
        return [file.sha256 for file in {one.sha256: one for one in files}.values() if self._find(file) is None]

    def receive(self, sha256: str, piece: bytes, first: bool, last: bool) -> None:
        """Take the next piece of a content.

        Args:
            sha256: Of all of it.
            piece: Its bytes.
            first: Whether it begins with this.
            last: Whether it ends with this.

        Raises:
            InputError: It has become another one on the way.
            StorageError: The disk refuses.
        """
        coming = self._coming / sha256
        with storage_errors(coming):
            self._coming.mkdir(mode=0o700, exist_ok=True)
            with coming.open("wb" if first else "ab") as file:
                file.write(piece)
            if last:
                with coming.open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
                if found != sha256:
                    coming.unlink()
                    raise InputError("a file of the clip changed while it was sent to a worker: start again")
                coming.replace(self._contents / sha256)

    def open(self, clip: SentClip) -> ClipReader:
        """Read a clip whose contents are all there."""
        from core.media import open_clip
        from core.propagation.stack import StackedReader

        named = self._named(clip.files)
        reader = open_clip(named if clip.folder else named / clip.files[0].name, clip.deinterlace)
        if not clip.layers:
            return reader
        edits = [
            replace(
                layer.edit,
                windows=tuple((start, stop, self._path(file)) for start, stop, file in layer.windows),
                keyframes={frame: partial(_same, picture) for frame, picture in layer.keyframes.items()},
            )
            for layer in clip.layers
        ]
        return StackedReader(reader, edits)

    def folder_of(self, files: Sequence[SentFile]) -> Path:
        """A folder in which files lie that are all there, by their names."""
        return self._named(files)

    def _named(self, files: Sequence[SentFile]) -> Path:
        whole = hashlib.sha256("\0".join(f"{file.name}\0{file.sha256}" for file in files).encode()).hexdigest()
        folder = self._clips / whole
        with storage_errors(folder):
            for file in files:
                link, path = folder / file.name, self._path(file)
                link.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not link.exists():
                    self._link(path, link)
            os.utime(folder)
        return folder

    def _link(self, path: Path, link: Path) -> None:
        """Link to a file, at once: another worker may do so as well, or be reading there."""
        self._coming.mkdir(mode=0o700, exist_ok=True)
        made = self._coming / "link"
        made.unlink(missing_ok=True)
        # a link of the disk's own, so that the name's ending stays beside the content
        (os.link if path.parent == self._contents else os.symlink)(path, made)
        made.replace(link)
        made.unlink(missing_ok=True)  # is left where both were the same file

    def _path(self, file: SentFile) -> Path:
        path = self._find(file)
        if path is None:
            raise InputError(f"the file {file.name} is gone from a worker's disk: start again")
        return path

    def _find(self, file: SentFile) -> Path | None:
        from core.media import sha256_of

        kept = self._contents / file.sha256
        if kept.exists():
            return kept
        try:
            same = file.path.stat().st_size == file.size and _hashes.get(file.path, sha256_of) == file.sha256
        except (OSError, InputError):
            return None
        return file.path if same else None

    def _sweep(self, root: Path) -> None:
        oldest = time.time() - _KEPT_DAYS * 86400
        for folder in (*self._clips.iterdir(), *root.glob("coming-*")):
            with contextlib.suppress(FileNotFoundError):  # another worker that starts sweeps, too
                if folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder, ignore_errors=True)
        for content in self._contents.iterdir():
            with contextlib.suppress(FileNotFoundError):
                state = content.stat()
                if state.st_mtime < oldest and state.st_nlink == 1:  # no clip has it
                    content.unlink()


def _same(picture: np.ndarray) -> np.ndarray:
    return picture
