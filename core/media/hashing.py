"""The identity of a clip's content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from core.errors import InputError
from core.files import is_folder
from core.media.folder import numbered_images


def sha256_of(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's content; of a folder, over the names and contents of the
    images that make it a clip.

    Raises InputError when there is nothing readable at `path`.
    """
    path = Path(path)
    digest = hashlib.sha256()
    try:
        if not is_folder(path):
            _update(digest, path)
            return digest.hexdigest()
        for image in numbered_images(path):
            digest.update(f"{image.name}\0{image.stat().st_size}\0".encode())
            _update(digest, image)
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}): check that it exists and that you may read it") from error
    return digest.hexdigest()


def _update(digest: hashlib._Hash, path: Path) -> None:
    """Go on with `digest` over the content of a file."""
    with path.open("rb") as file:
        hashlib.file_digest(file, lambda: digest)
