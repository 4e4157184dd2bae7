"""What weights are, by their content: a result names the model that made it, and a stored window is
used with that one only.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from core.errors import ModelMissingError
from core.file_facts import keep_fact, kept_fact
from core.models.model import Draft

_DENOISER, _WEIGHTS = "transformer", ".safetensors"
_PARTS = (_WEIGHTS, ".json", ".bin", ".pt", ".model", ".txt")
"""What of a package changes its pixels; curves, pictures and readmes don't."""
_LARGE = 1_000_000
"""Bytes from which the hash of a file is kept between starts: tens of GB take a minute to read."""


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


def with_draft(own: str, draft: Draft, files: Mapping[str, Path]) -> str:
    """The fingerprint of a model's weights with what its Draft adds to them.

    Args:
        own: The model's.
        draft: Its Draft.
        files: The LoRAs, by the denoiser that they are for.

    Returns:
        64 digits; the model's own where nothing is added.

    Raises:
        ModelMissingError: A file can't be read.
    """
    if not files:
        return own
    added = "\n".join(f"{denoiser} {fingerprint(path)}" for denoiser, path in sorted(files.items()))
    return hashlib.sha256(f"{own}\n{added}\n{draft.scale} {draft.shift}\n".encode()).hexdigest()


def _of_folder(path: Path, without: str = "") -> str:
    """As `fingerprint`, of a folder without the weights in one part of it, or of a file."""
    try:
        root = path.resolve()
        files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.suffix in _PARTS and p.is_file())
        files = [p for p in files if not (without and p.suffix == _WEIGHTS and p.parent == root / without)]
        state = tuple((p.name if root.is_file() else p.relative_to(root).as_posix(), _mark(p.stat())) for p in files)
        return _fingerprint(root, state)
    except OSError as error:
        raise ModelMissingError(
            f"the model at '{path}' can't be read ({error.strerror or error}): check that it exists and that you may read it"
        ) from error


@functools.lru_cache(32)
def _fingerprint(root: Path, state: tuple[tuple[str, str], ...]) -> str:
    whole = hashlib.sha256()
    for name, _ in state:
        whole.update(f"{name}\0{_digest(root if root.is_file() else root / name)}\n".encode())
    return whole.hexdigest()


def keep_digest(path: Path, digest: str) -> None:
    """Remember the SHA-256 of a file that was just read through, until it changes."""
    keep_fact(path, f"sha256 {_mark(path.stat())}", digest.encode())


def _digest(path: Path) -> str:
    """The SHA-256 of a file; that of a large one is read once."""
    before = path.stat()
    if before.st_size >= _LARGE:
        kept = kept_fact(path, f"sha256 {_mark(before)}") or b""
        if re.fullmatch(rb"[0-9a-f]{64}", kept):
            return kept.decode()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if before.st_size >= _LARGE and _mark(path.stat()) == _mark(before):
        keep_digest(path, digest)
    return digest


def _mark(stat: os.stat_result) -> str:
    """What changes when a file is written, or another takes its name: the time of its last change
    by itself can be set back.
    """
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}"
