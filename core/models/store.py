"""Finds a model's weights on disk, and fetches them from the hub when they are nowhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from core.assets import ASSETS
from core.errors import InputError, ModelMissingError
from core.files import is_full, storage_error
from core.models.catalogue import entry, ModelEntry, ModelKind, MODELS, names
from core.models.hub import model_type, SAM3

WEIGHTS = "model.safetensors"
"""The file of a folder of transformers that has the weights."""


class ModelStore:
    """Looks for weights in the program's assets, in `root` (a workspace's models folder), then in
    the hub's cache and the hub.

    Under `root` a model is `root/NAME`: the package's folder, or a folder that holds the checkpoint
    file; the bare file `root/FILE` does as well. The hub is the one that HF_ENDPOINT names;
    HF_HUB_OFFLINE=1 keeps it out.
    """

    def __init__(self, root: Path | str | None = None, assets: Path | str = ASSETS / "models") -> None:
        self.root = None if root is None else Path(root)
        self.assets = Path(assets)

    def locate(self, name: str, kind: ModelKind, *, download: bool = True) -> Path:
        """Find the weights of a model.

        Args:
            name: A name of the catalogue, or the path of a local checkpoint.
            kind: What the model is for.
            download: Whether to fetch missing weights from the hub; otherwise only this disk is
                searched.

        Returns:
            The path of a checkpoint file or of a package's folder.

        Raises:
            InputError: The name is unknown, or there is nothing at the path.
            ModelMissingError: The weights are not to be had. It says which ones, how large they are
                and where they were looked for.
        """
        known = MODELS.get(name)
        path = None if known is not None else _as_path(name)
        if path is not None:
            if not path.exists():
                raise InputError(
                    f"there is no checkpoint at '{name}': give the path of one, or the name of a model ({', '.join(names(kind))})"
                )
            return path
        model = entry(name, kind)
        found = self._on_disk(model)
        if found is not None:
            return found
        if model.repository is None:
            raise ModelMissingError(
                f"the model '{name}' is missing: its folder {self.assets / (model.folder or name)} should be part of the program; "
                "install the program again"
            )
        return self._from_hub(model, download)

    def available(self, name: str, kind: ModelKind) -> bool:
        """Whether the weights are on this disk already."""
        try:
            self.locate(name, kind, download=False)
        except (ModelMissingError, InputError):
            return False
        return True

    def _on_disk(self, model: ModelEntry) -> Path | None:
        places = [self.assets / model.folder] if model.folder else []
        if self.root is not None:
            if model.file:
                places += [self.root / model.name / model.file, self.root / model.file]
            else:
                places += [self.root / model.name]
        return next((place for place in places if place.is_file() or (place.is_dir() and any(place.iterdir()))), None)

    def _from_hub(self, model: ModelEntry, download: bool) -> Path:
        from huggingface_hub import hf_hub_download, snapshot_download

        assert model.repository is not None
        missing = self._missing(model)
        with on_hub(missing, self.refused(model)):
            if model.file:
                return Path(hf_hub_download(model.repository, model.file, revision=model.revision, local_files_only=not download))
            wanted = list(model.files) or None
            found = Path(snapshot_download(model.repository, revision=model.revision, allow_patterns=wanted, local_files_only=not download))
        if WEIGHTS in model.files and not (found / WEIGHTS).is_file():  # of another program, which needed less
            raise missing
        return found

    def finds_words(self, name: str) -> bool:
        """Whether the segmenter of that name, or at that path, finds things by words too. Nothing
        is loaded.
        """
        known = MODELS.get(name)
        if known is not None:
            return known.finds_words
        path = _as_path(name)
        return path is not None and model_type(path) == SAM3

    def refused(self, model: ModelEntry) -> ModelMissingError:
        """What to tell a person whom the hub refuses the weights of a gated model."""
        return ModelMissingError(
            f"the weights of '{model.name}' are gated: {self.way_in(model)}", repository=model.repository, download_mb=model.download_mb
        )

    def way_in(self, model: ModelEntry) -> str:
        """How a person comes by the weights of a gated model; empty for others."""
        if not model.gated:
            return ""
        by_hand = "" if self.root is None else f", or copy its files to {self.root / model.name}"
        return f"accept the licence on huggingface.co/{model.repository} and start with your HF_TOKEN{by_hand}"

    def _missing(self, model: ModelEntry) -> ModelMissingError:
        what = f"{model.file} of {model.repository}" if model.file else f"the repository {model.repository}"
        size = f", {model.download_mb} MB" if model.download_mb else ""
        places = "the Hugging Face cache" if self.root is None else f"{self.root / model.name}, the Hugging Face cache"
        needed_by = next((other.name for other in MODELS.values() if model.name in other.needs), model.name)
        if model.gated:
            return self.refused(model)
        return ModelMissingError(
            f"the model '{model.name}' is not on this machine ({what}{size}; looked in {places} and the hub)",
            fetchable=needed_by,
            repository=model.repository,
            download_mb=model.download_mb,
        )


@contextlib.contextmanager
def on_hub(missing: ModelMissingError, refused: ModelMissingError) -> Iterator[None]:
    """Work with the hub.

    Yields:
        Nothing; do the transfer inside the block.

    Raises:
        ModelMissingError: `missing`, when the hub does not give what is asked for or the connection
            is lost; `refused`, when it wants a licence accepted first.
        StorageError: The disk is full.
    """
    from httpx2 import HTTPError
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, OfflineModeIsEnabled
    from huggingface_hub.utils import logging as hub_logging

    hub_logging.set_verbosity_error()  # its warning of every try hides the one sentence that a person needs
    try:
        yield
    except GatedRepoError as error:
        raise refused from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, HTTPError, OSError) as error:
        # HTTPError is the base of what the hub's client raises when a transfer breaks off, and of
        # the hub's own answers.
        if isinstance(error, OSError) and is_full(error):
            raise storage_error(Path(error.filename or "the folder for models"), error) from error
        raise missing from error


def _as_path(name: str) -> Path | None:
    """The path that `name` says; None for a plain word, which can only be a name of the
    catalogue.
    """
    try:
        path = Path(name).expanduser()
        given = path.exists() or len(path.parts) > 1 or path.suffix in (".pt", ".safetensors")
    except (OSError, ValueError, RuntimeError):  # too long, a zero byte, the home folder of nobody
        return None
    return path if given and name else None
