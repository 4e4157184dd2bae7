"""Uncompressed tars that have the same bytes whenever they hold the same, and their members."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from core.errors import InputError


@dataclass(frozen=True)
class TarMember:
    """A file inside an uncompressed tar: where its bytes lie."""

    tar: Path
    name: str
    offset: int
    size: int

    @property
    def suffix(self) -> str:
        """The last part of the name, such as .mp4."""
        return PurePosixPath(self.name).suffix.lower()

    def read(self) -> bytes:
        """Its bytes. InputError when the tar is truncated or gone."""
        try:
            with self.tar.open("rb") as file:
                file.seek(self.offset)
                data = file.read(self.size)
        except OSError as error:
            raise InputError(f"{self.tar} can't be read: {error.strerror or error}") from None
        if len(data) != self.size:
            raise InputError(f"{self.tar} ends inside its member {self.name}")
        return data

    def __str__(self) -> str:
        return f"{self.tar}:{self.name}"


Content = bytes | Path | TarMember
"""What a member is made of: its bytes, or where they are."""


class TarWriter:
    """Writes members one after the other, without times, owners or anything else that differs from
    run to run. Use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self._tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
        self.size = 0
        """Bytes written so far."""

    def add(self, name: str, content: Content) -> tuple[int, int]:
        """Append a member; returns where its bytes begin and how many there are. InputError when
        the content can't be read."""
        if isinstance(content, TarMember):
            content = content.read()
        if isinstance(content, Path):
            size = _size(content)
            with content.open("rb") as file:
                return self._add(name, file, size)
        return self._add(name, io.BytesIO(content), len(content))

    def _add(self, name: str, file: BinaryIO, size: int) -> tuple[int, int]:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o644
        offset = self._tar.offset + tarfile.BLOCKSIZE
        self._tar.addfile(member, file)
        self.size = self._tar.offset
        return offset, size

    def __enter__(self) -> TarWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()


def members_of(path: Path) -> list[TarMember]:
    """The files in a tar, in order. InputError for what is no uncompressed tar, or an empty one."""
    try:
        with tarfile.open(path, "r:") as tar:
            members = [TarMember(path, member.name, member.offset_data, member.size) for member in tar if member.isfile()]
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"{path} can't be read as a tar (compressed ones are not supported): {error}") from None
    if not members:
        raise InputError(f"{path} is empty")
    return members


def total_size(contents: Iterable[Content]) -> int:
    """Bytes that these will take in a tar, without its end. InputError when one can't be read."""
    return sum(tarfile.BLOCKSIZE * (1 + -(-_size(one) // tarfile.BLOCKSIZE)) for one in contents)


def _size(content: Content) -> int:
    if isinstance(content, Path):
        try:
            return content.stat().st_size
        except OSError as error:
            raise InputError(f"{content} can't be read ({error.strerror or error}): bring it back") from None
    return content.size if isinstance(content, TarMember) else len(content)
