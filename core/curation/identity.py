"""Which weights a build is made with, so that other weights of the same name make other shards."""

from __future__ import annotations

import hashlib
from pathlib import Path

from core.curation.fake import FAKE
from core.curation.settings import CurationSettings
from core.errors import InputError
from core.evaluation.classifier import FOLDER, WEIGHTS
from core.models.catalogue import ModelKind
from core.models.store import ModelStore

_PART = 2**20
"""Bytes at both ends of a file that are looked at: weights of many gigabytes are told apart at
once."""


def weights_of(settings: CurationSettings, store: ModelStore) -> dict[str, str]:
    """Fingerprints of the weights behind the settings that name models.

    Weights that have to be fetched are fetched. InputError for an unknown name, ModelMissingError
    when they are not to be had.
    """
    found = {}
    kinds: dict[str, tuple[ModelKind, str]] = {"tracker": ("segmenter", "known"), "grounder": ("grounder", "embedded")}
    for setting, (kind, without) in kinds.items():
        name = getattr(settings, setting)
        if name not in (without, FAKE):
            found[setting] = fingerprint(store.locate(name, kind))
    if settings.tagger not in ("embedded", FAKE):
        folder = Path(settings.tagger).expanduser()
        if not folder.is_dir():
            raise InputError(f"tagger={settings.tagger}: there is no such folder; say embedded, or the folder of RAM")
        found["tagger"] = fingerprint(folder)
    if settings.flow not in ("dis", FAKE):
        path = Path(settings.flow).expanduser()
        if not path.is_file():
            raise InputError(f"flow={settings.flow}: there is no such file; say dis, or a checkpoint of torchvision's RAFT")
        found["flow"] = fingerprint(path)
    if settings.captioner == FAKE:
        return found
    captioner = FOLDER / WEIGHTS if settings.captioner == "embedded" else Path(settings.captioner).expanduser()
    if not captioner.exists():
        raise InputError(f"captioner={settings.captioner}: there is no such folder; say embedded, or that of a vision-language model")
    return found | {"captioner": fingerprint(captioner)}


def fingerprint(path: Path) -> str:
    """A hash of a file, or of a folder's files by their names: of their sizes and both ends."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    for file in files:
        size = file.stat().st_size
        digest.update(f"{'' if file == path else file.relative_to(path).as_posix()} {size}\n".encode())
        with file.open("rb") as content:
            digest.update(content.read(_PART))
            content.seek(max(0, size - _PART))
            digest.update(content.read(_PART))
    return digest.hexdigest()
