"""What was fetched, kept beside it: from where, which revision, which files with which hashes, and
whose licence a person accepted for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from core.files import write_text

RECORD = ".fetched"
"""The file in a model's folder."""
_PIECE = 1 << 24


@dataclass(frozen=True)
class HubFile:
    """A file of a repository: its size in bytes, and its hash as the hub tells it, SHA-256 for
    large files and git's own for small ones.
    """

    size: int
    hash: str
    large: bool

    def fits(self, path: Path, on_bytes: Callable[[int], None] = lambda count: None) -> bool:
        """Whether a file on the disk is this one, to the byte.

        Args:
            path: The file.
            on_bytes: Is told how many bytes more were read.
        """
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        found = hashlib.sha256() if self.large else hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                found.update(piece)
                on_bytes(len(piece))
        return found.hexdigest() == self.hash


@dataclass(frozen=True)
class Record:
    """What a folder holds, or will hold when its download is whole.

    `accepted` is the day on which a person accepted `licence`.
    """

    repository: str
    revision: str
    licence: str
    accepted: str
    files: dict[str, HubFile] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())

    def absent(self, folder: Path) -> list[str]:
        """The files that are not there whole, by their sizes."""
        return [name for name, file in self.files.items() if not (folder / name).is_file() or (folder / name).stat().st_size != file.size]

    def write(self, folder: Path) -> None:
        """Keep it in a folder, which is made where there is none."""
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / RECORD, json.dumps(asdict(self), indent=1))


def read_record(folder: Path) -> Record | None:
    """The record of a folder; None where this program fetched nothing, or it can't be read, or it
    names files of other folders: a folder may come from anybody.
    """
    try:
        kept = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        files = {str(name): HubFile(int(file["size"]), str(file["hash"]), bool(file["large"])) for name, file in kept.pop("files").items()}
        record = Record(**{key: str(value) for key, value in kept.items()}, files=files)
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return None
    return record if all(map(is_inside, files)) else None


def is_inside(name: str) -> bool:
    """Whether a file's name from elsewhere stays in the folder that it is put in."""
    path = Path(name)
    return not path.is_absolute() and not path.drive and ".." not in path.parts
