"""Weights fetched from the hub into a folder of one's own, checked against the hub's hashes, and
taken away again. What has come of a file stays when the transfer ends early, and the next one goes
on from there.
"""

from __future__ import annotations

import contextlib
import datetime
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.errors import InputError, ModelMissingError, StorageError
from core.models.catalogue import licences, MODELS, not_yet
from core.models.fingerprint import keep_digest
from core.models.hub_answers import on_hub
from core.models.model import ModelEntry
from core.models.record import HubFile, is_inside, read_record, RECORD, Record
from core.models.store import ModelStore
from core.progress import JobContext

MEGABYTE = 1_000_000
_PART = ".part"
"""What the name of a file ends in until it is whole."""
_SPARE = 100 * MEGABYTE
"""Bytes that a download leaves free on the disk."""


def fetch_model(name: str, store: ModelStore, context: JobContext, *, accepted: bool = False, revision: str | None = None) -> Path:
    """Fetch a model of the catalogue into `store.root`, with the models that it needs.

    Args:
        name: A name of the catalogue.
        store: Where the model is looked for and put.
        context: Reports megabytes, and can cancel.
        accepted: Whether a person has accepted the licences.
        revision: Another revision of the model's repository than the catalogue's.

    Returns:
        The path of the checkpoint file or the package's folder.

    Raises:
        InputError: The model is unknown, ships with the program or can't be run by it, its licence
            was not accepted, or it is here and another revision is asked for.
        ModelMissingError: The hub does not give it, the connection was lost, or a file came
            damaged.
        StorageError: The disk is full, or too full for what is to come.
    """
    model, root = _fetchable(name), _root(store)
    if not model.runs:
        raise InputError(not_yet(model))
    wanted = lacking(name, store)
    if wanted and not (accepted or is_accepted(name, store)):
        raise InputError(f"the licence of '{name}' was not accepted: {'; '.join(map(str, licences(model)))}")
    if revision and not wanted:
        raise InputError(f"'{name}' is here already: to take the revision {revision} in its place, remove it first")
    records = {}
    for part in wanted:
        context.report(f"asking the hub for {_named(part, name)}", 0, 1)
        target, begun = root / part, _begun(root, part)
        if target.is_dir() and begun.exists():
            raise InputError(f"{target} lacks files, and an earlier download lies in {begun}: move one of them away, then fetch again")
        if target.is_dir():
            target.replace(begun)
        records[part] = _listing(MODELS[part], root, revision if part == name else None)
        _keep_what_fits(begun, records[part], _Megabytes(context, f"looking at what is here of {_named(part, name)}", records[part].size))
        records[part].write(begun)
    _check_room(name, root, records)
    for part, record in records.items():
        _download(MODELS[part], record, root, _Megabytes(context, f"fetching {_named(part, name)}", record.size))
        _begun(root, part).replace(root / part)
        for file, known in record.files.items():
            if known.large:  # was compared with this just now
                keep_digest(root / part / file, known.hash)
    return store.locate(name, model.kind)


def verify_model(name: str, store: ModelStore, context: JobContext) -> int:
    """Compare what `fetch_model` brought with the hashes that the hub told then. What is damaged is
    taken away, so that nothing works with it, and fetching again brings that alone.

    Args:
        name: A name of the catalogue.
        store: Where the model is.
        context: Reports megabytes, and can cancel.

    Returns:
        How many files are as they came.

    Raises:
        InputError: The model is unknown, or was not fetched by this program.
        ModelMissingError: Files are missing or damaged; it names them.
    """
    model, root = _fetchable(name), _root(store)
    checked, wrong = 0, []
    for part in (*model.needs, name):
        folder = root / part
        record = read_record(folder)
        if record is None:
            raise InputError(
                f"'{part}' in {folder} can't be verified: it was not fetched by this version, so there are no hashes to compare with"
            )
        progress = _Megabytes(context, f"checking {_named(part, name)}", record.size)
        for file, expected in record.files.items():
            if expected.fits(folder / file, progress.add):
                checked += 1
            else:
                wrong.append(file)
                (folder / file).unlink(missing_ok=True)
    if wrong:
        raise ModelMissingError(
            f"of '{name}', {_some(wrong)} is missing or damaged and was taken away", fetchable=name, repository=model.repository
        )
    return checked


def remove_model(name: str, store: ModelStore) -> list[Path]:
    """Delete what `fetch_model` brought here, whole or not. What a person has put beside it stays.

    InputError for a model that it did not bring.

    Returns:
        The folders that stay, because there is something else in them.
    """
    root, model = _root(store), _fetchable(name)
    folders = [folder for folder in (root / model.name, _begun(root, model.name)) if folder.is_dir()]
    brought = {folder: _brought(folder, model) for folder in folders}
    if not any(brought.values()):
        raise InputError(f"the model '{name}' is not in {root}: only what was fetched there can be removed")
    for files in brought.values():
        for path in files:
            path.unlink()
    for folder in folders:
        # The deepest first; one that is not empty refuses.
        for inner in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
            with contextlib.suppress(OSError):
                inner.rmdir()
        with contextlib.suppress(OSError):
            folder.rmdir()
    return [folder for folder in folders if folder.is_dir()]


def _brought(folder: Path, model: ModelEntry) -> list[Path]:
    """The files of a folder that were fetched: those of its record. Version 0.1 wrote none, and
    fetched small models by the names of their files; a pipeline without a record was copied here.
    """
    record = read_record(folder)
    if record is not None:
        names = {RECORD, *record.files}
    else:
        asked = [model.file] if model.file else model.files
        names = {RECORD, *asked} if not any("*" in name for name in asked) else set()
    there = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return [path for path in there if path.relative_to(folder).as_posix().removesuffix(_PART) in names]


def lacking(name: str, store: ModelStore) -> list[str]:
    """Which of a model and those that it needs are not on this machine; the model comes last."""
    return [part for part in (*MODELS[name].needs, name) if not store.available(part, MODELS[part].kind)]


def is_fetched(name: str, store: ModelStore) -> bool:
    """Whether `remove_model` has something whole to delete."""
    folder = _root(store) / name
    return folder.is_dir() and store.available(name, MODELS[name].kind) and bool(_brought(folder, MODELS[name]))


def begun_mb(name: str, store: ModelStore) -> int | None:
    """How much of a download that ended early is here, in 10^6 bytes; None where there is nothing
    to speak of.
    """
    folders = [folder for folder in (_root(store) / name, _begun(_root(store), name)) if folder.is_dir()]
    if not folders or is_fetched(name, store):
        return None
    return sum(file.stat().st_size for folder in folders for file in _brought(folder, MODELS[name])) // MEGABYTE or None


def is_accepted(name: str, store: ModelStore) -> bool:
    """Whether a download of this model was begun here, for which its licence was accepted."""
    root = _root(store)
    records = (read_record(_begun(root, name)), read_record(root / name))
    return any(record is not None and record.licence == _terms(MODELS[name]) for record in records)


def _fetchable(name: str) -> ModelEntry:
    model = MODELS.get(name)
    if model is None or model.repository is None:
        known = ", ".join(other.name for other in MODELS.values() if other.repository is not None and other.runs and other.kind != "part")
        raise InputError(f"the model '{name}' can't be fetched or removed: choose one of {known}")
    return model


def _root(store: ModelStore) -> Path:
    if store.root is None:
        raise InputError("there is no folder to fetch models to")
    return store.root


def _begun(root: Path, name: str) -> Path:
    """Where a download lies until it is whole."""
    return root / f".{name}"


def _terms(model: ModelEntry) -> str:
    return "; ".join(map(str, licences(model)))


def _some(files: list[str]) -> str:
    return ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")


def _listing(model: ModelEntry, root: Path, revision: str | None) -> Record:
    """Which files the hub has of a model, and of which revision: another than the catalogue's where
    one is given.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile
    from huggingface_hub.utils import filter_repo_objects

    model = replace(model, revision=revision or model.revision)
    assert model.repository is not None
    with on_hub(model, root):
        hub = HfApi()
        commit = hub.model_info(model.repository, revision=model.revision).sha or model.revision or "main"
        tree = [entry for entry in hub.list_repo_tree(model.repository, recursive=True, revision=commit) if isinstance(entry, RepoFile)]
    patterns = [model.file] if model.file else list(model.files) or None
    chosen = filter_repo_objects(tree, allow_patterns=patterns, key=lambda file: file.path)
    files = {
        file.path: HubFile(file.size, file.lfs.sha256 if file.lfs else file.blob_id, file.lfs is not None)
        for file in chosen
        if is_inside(file.path)
    }
    if not files:
        raise ModelMissingError(
            f"the hub has no {model.repository} with the files of '{model.name}': copy them by hand, or install a newer version",
            repository=model.repository,
        )
    return Record(model.repository, commit, _terms(model), datetime.date.today().isoformat(), files)


def _keep_what_fits(begun: Path, record: Record, progress: _Megabytes) -> None:
    """Throw away what is there of files that are other ones at the hub. What came from elsewhere,
    as copied by hand, is compared with its hash; what the hub does not have is a person's own.
    """
    before = read_record(begun)
    known: Mapping[str, HubFile] = {} if before is None else before.files
    for path in sorted(begun.rglob("*")) if begun.is_dir() else []:
        name = path.relative_to(begun).as_posix().removesuffix(_PART)
        wanted = record.files.get(name)
        if not path.is_file() or name == RECORD or known.get(name) == wanted:
            continue
        if wanted is None or path.suffix == _PART or name in known or not wanted.fits(path, progress.add):
            path.unlink()


def _check_room(name: str, root: Path, records: Mapping[str, Record]) -> None:
    missing = sum(
        file.size - sum(_size(path) for path in (_begun(root, part) / path_name, _part(root, part, path_name)))
        for part, record in records.items()
        for path_name, file in record.files.items()
    )
    free = shutil.disk_usage(root).free
    if missing + _SPARE > free:
        raise StorageError(
            f"there is too little room for '{name}': {_gigabytes(missing)} more are to come and {root} has {_gigabytes(free)} free; "
            "free some, or choose a folder on another disk with --workspace"
        )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{-(-count // MEGABYTE)} MB"


def _part(root: Path, name: str, file: str) -> Path:
    return _begun(root, name) / (file + _PART)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


class _Megabytes:
    """Reports a stage in megabytes; a person who stops the job stops what is counted."""

    def __init__(self, context: JobContext, stage: str, total: int) -> None:
        self._context, self._stage = context, stage
        self._total = max(1, round(total / MEGABYTE))
        self._reached = 0
        context.report(stage, 0, self._total, unit="MB")

    def add(self, count: float) -> None:
        """So many bytes more."""
        self._reached += int(count)
        self._context.report(self._stage, min(self._total, round(self._reached / MEGABYTE)), self._total, unit="MB")


def _named(part: str, name: str) -> str:
    """What a stage is about; the model that was asked for comes last."""
    return part if part == name else f"{part} for {name}"


def _download(model: ModelEntry, record: Record, root: Path, progress: _Megabytes) -> None:
    """The files of a record that are not in the begun folder yet, each checked against its hash."""
    begun = _begun(root, model.name)
    for name, file in record.files.items():
        target, part = begun / name, _part(root, model.name, name)
        if _size(target) == file.size and target.is_file():
            progress.add(file.size)
            part.unlink(missing_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with on_hub(model, root):
            _transfer(model, record.revision, name, file, part, progress)
        if not file.fits(part):
            part.unlink()
            raise ModelMissingError(
                f"{name} of {model.repository} came damaged (its hash is not the hub's) and was thrown away: fetch '{model.name}' again",
                repository=model.repository,
            )
        part.replace(target)


def _transfer(model: ModelEntry, revision: str, name: str, file: HubFile, part: Path, progress: _Megabytes) -> None:
    """Bring a file, from where an earlier transfer ended.

    The hub's own download begins anew every time, so this uses what it is made of.
    """
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers, tqdm

    class Reported(tqdm):
        """The hub's progress bar, which tells the job instead of a terminal."""

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **{**named, "disable": True})

        def update(self, n: float | None = 1) -> None:
            progress.add(n or 0)

    here = _size(part)
    if here > file.size:
        part.unlink()
        here = 0
    progress.add(here)
    url = hf_hub_url(model.repository or "", name, revision=revision)
    try:
        with part.open("ab") as out:
            http_get(url, out, resume_size=here, headers=build_hf_headers(), expected_size=file.size, tqdm_class=Reported)
    finally:
        if part.is_file() and not _size(part) and file.size:
            part.unlink()
