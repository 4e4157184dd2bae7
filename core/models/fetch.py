"""Weights fetched from the hub into a folder of one's own, with progress, and taken away again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from core.errors import InputError, ModelMissingError
from core.models.catalogue import ModelEntry, MODELS
from core.models.store import ModelStore, on_hub
from core.progress import JobContext

MEGABYTE = 1_000_000


def fetch_model(name: str, store: ModelStore, context: JobContext) -> Path:
    """Fetch a model of the catalogue into `store.root`, with the models that it needs.

    Files that came whole in an earlier try are not fetched again.

    Args:
        name: A name of the catalogue.
        store: Where the model is looked for and put.
        context: Reports megabytes, and can cancel.

    Returns:
        The path of the checkpoint file or the package's folder.

    Raises:
        InputError: The model is unknown, or ships with the program.
        ModelMissingError: The hub does not give it, or the connection was lost.
        StorageError: The disk is full.
    """
    model, root = _fetchable(name), _root(store)
    for part in (*model.needs, name):
        target = root / part
        if not store.available(part, MODELS[part].kind):
            begun = root / f".{part}"
            _download(MODELS[part], begun, store, context)
            shutil.rmtree(begun / ".cache", ignore_errors=True)
            begun.replace(target)
    return store.locate(name, model.kind, download=False)


def remove_model(name: str, store: ModelStore) -> None:
    """Delete what `fetch_model` brought here. InputError for a model that it did not."""
    folder = _root(store) / _fetchable(name).name
    if not folder.is_dir():
        raise InputError(f"the model '{name}' is not in {folder.parent}: only what was fetched there can be removed")
    shutil.rmtree(folder)


def is_fetched(name: str, store: ModelStore) -> bool:
    """Whether `remove_model` has something to delete."""
    return (_root(store) / name).is_dir()


def _fetchable(name: str) -> ModelEntry:
    model = MODELS.get(name)
    if model is None or model.repository is None:
        known = ", ".join(other.name for other in MODELS.values() if other.repository is not None)
        raise InputError(f"the model '{name}' can't be fetched or removed: choose one of {known}")
    return model


def _root(store: ModelStore) -> Path:
    if store.root is None:
        raise InputError("there is no folder to fetch models to")
    return store.root


def _download(model: ModelEntry, folder: Path, store: ModelStore, context: JobContext) -> None:
    """The model's files from the hub, into `folder`."""
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.utils import tqdm

    total = max(1, model.download_mb or 1)
    context.report(f"fetching {model.name}", 0, total)

    class Reported(tqdm):
        """The hub's progress bar, which tells the job instead of a terminal; a person who stops the
        job stops the transfer.
        """

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **{**named, "disable": True})
            self.reached = float(named.get("initial") or 0)

        def update(self, n: float | None = 1) -> None:
            self.reached += n or 0
            context.report(f"fetching {model.name}", min(total, round(self.reached / MEGABYTE)), total)

    lost = f"the model '{model.name}' could not be fetched from {model.repository}: check the network connection, then fetch it again"
    with on_hub(ModelMissingError(lost, repository=model.repository, download_mb=model.download_mb), store.refused(model)):
        if model.file:
            hf_hub_download(model.repository or "", model.file, revision=model.revision, local_dir=folder, tqdm_class=Reported)
        else:
            snapshot_download(model.repository or "", revision=model.revision, allow_patterns=list(model.files) or None, local_dir=folder)
