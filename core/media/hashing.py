"""The identity of a clip's content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from core.errors import InputError
from core.files import is_folder
from core.media.folder import numbered_images


def sha256_of(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's content; of a folder, over the names and contents of the images that make it a clip.

    Raises InputError when there is nothing readable at `path`.
    """
    path = Path(path)
    digest = hashlib.sha256()
    try:
        if not is_folder(path):
            _feed(digest, path)
            return digest.hexdigest()
        for image in numbered_images(path):
            digest.update(f"{image.name}\0{image.stat().st_size}\0".encode())
            _feed(digest, image)
    except OSError as fault:
        raise InputError(f"{path} can't be read ({fault.strerror}): see that it is there and yours to read") from fault
    return digest.hexdigest()


def _feed(digest: hashlib._Hash, path: Path) -> None:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
