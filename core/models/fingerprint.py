"""What weights are, by their content: a result names the model that made it, and a stored window is
used with that one only.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from core.errors import ModelMissingError

_DENOISER, _WEIGHTS = "transformer", ".safetensors"
_PARTS = (_WEIGHTS, ".json", ".bin", ".pt", ".model", ".txt")
"""What of a package changes its pixels; curves, pictures and readmes don't."""


def fingerprint(path: Path, base: Path | None = None) -> str:
    """SHA-256 over the names and contents of a package's files, or of one checkpoint file;
    hexadecimal. Remembered until a file changes.

    Args:
        path: The package's folder, or the file.
        base: For a file with a denoiser alone, the folder of the model whose other parts are used.

    Returns:
        64 digits.

    Raises:
        ModelMissingError: It can't be read.
    """
    if base is not None:
        own, others = fingerprint(path), _of_folder(base, _DENOISER)
        return hashlib.sha256(f"{own}\n{others}\n".encode()).hexdigest()
    return _of_folder(path)


def _of_folder(path: Path, without: str = "") -> str:
    """As `fingerprint`, of a folder without the weights in one part of it, or of a file."""
    try:
        root = path.resolve()
        files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.suffix in _PARTS and p.is_file())
        files = [p for p in files if not (without and p.suffix == _WEIGHTS and p.parent == root / without)]
        state = tuple((p.name if root.is_file() else p.relative_to(root).as_posix(), p.stat().st_size, p.stat().st_mtime_ns) for p in files)
        return _fingerprint(root, state)
    except OSError as error:
        raise ModelMissingError(
            f"the model at '{path}' can't be read ({error.strerror or error}): check that it exists and that you may read it"
        ) from error


@functools.lru_cache(32)
def _fingerprint(root: Path, state: tuple[tuple[str, int, int], ...]) -> str:
    whole = hashlib.sha256()
    for name, _, _ in state:
        with (root if root.is_file() else root / name).open("rb") as file:
            whole.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()
