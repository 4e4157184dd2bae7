"""Finds a model's weights on disk."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from core.assets import ASSETS
from core.errors import InputError, ModelMissingError
from core.models.catalogue import entry, MODELS, names, needed_by, size_words
from core.models.hub import model_type, SAM3
from core.models.hub_answers import refused, way_in
from core.models.model import ModelEntry, ModelKind
from core.models.record import read_record

_SUFFIXES = (".pt", ".pth", ".safetensors", ".gguf")
"""What a name ends in that is the path of a checkpoint."""


DRAFT = ":draft"
"""What the name of a model ends in where it is to run with few steps (`core.models.presets`)."""

PIECES = "diffusion_pytorch_model*.safetensors"
"""What makers call the files of a denoiser beside which no index of a pipeline lies."""


class ModelStore:
    """Looks for weights in the program's assets, in `root` (a workspace's models folder), then in
    the hub's cache (below HF_HOME). It fetches nothing: `core.models.fetch` does, when a person who
    has seen the licence asks for it.

    Under `root` a model is `root/NAME`: the package's folder, or a folder that holds the checkpoint
    file; the bare file `root/FILE` does as well.
    """

    def __init__(self, root: Path | str | None = None, assets: Path | str = ASSETS / "models") -> None:
        self.root = None if root is None else Path(root)
        self.assets = Path(assets)

    def locate(self, name: str, kind: ModelKind) -> Path:
        """Find the weights of a model.

        Args:
            name: A name of the catalogue, or the path of a local checkpoint or folder; with DRAFT
                at its end the same.
            kind: What the model is for.

        Returns:
            The path of a checkpoint file or of a package's folder.

        Raises:
            InputError: The name is unknown, or there is nothing at the path.
            ModelMissingError: The weights are not on this machine. It says which ones, how large
                they are and where they were looked for.
        """
        name = name.removesuffix(DRAFT)
        known = MODELS.get(name)
        path = None if known is not None else _as_path(name)
        if path is not None:
            if not path.exists():
                raise InputError(
                    f"there is no checkpoint at '{name}': give the path of one, or the name of a model ({', '.join(names(kind))})"
                )
            return path
        model = entry(name, kind)
        found = self._on_disk(model) or self._in_cache(model)
        if found is not None:
            return found
        if model.repository is None:
            raise ModelMissingError(
                f"the model '{name}' is missing: its folder {self.assets / (model.folder or name)} should be part of the program; "
                "install the program again"
            )
        raise self._missing(model)

    def available(self, name: str, kind: ModelKind) -> bool:
        """Whether the weights are on this disk."""
        try:
            self.locate(name, kind)
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
        return next((place for place in places if place.is_file() or _is_whole(place, model)), None)

    def _in_cache(self, model: ModelEntry) -> Path | None:
        """Where another program has put the weights in the hub's cache."""
        from huggingface_hub import hf_hub_download, snapshot_download
        from huggingface_hub.errors import EntryNotFoundError

        if model.repository is None:
            return None
        try:
            if model.file:
                return Path(hf_hub_download(model.repository, model.file, revision=model.revision, local_files_only=True))
            wanted = list(model.files) or None
            found = Path(snapshot_download(model.repository, revision=model.revision, allow_patterns=wanted, local_files_only=True))
        except (EntryNotFoundError, OSError):
            return None
        return found if _is_whole(found, model) else None  # of another program, which may have needed less

    def repository(self, name: str) -> Path:
        """Where the hub's cache has a pipeline that is none of the catalogue's.

        Args:
            name: OWNER/NAME.

        Returns:
            Its folder.

        Raises:
            ModelMissingError: It is not there whole. It says how it comes there.
        """
        from huggingface_hub import snapshot_download

        with contextlib.suppress(OSError, ValueError):
            found = Path(snapshot_download(name, local_files_only=True))
            if (found / "model_index.json").is_file() and all(map(_has_pieces, found.glob("*/*.index*.json"))):
                return found
        raise ModelMissingError(
            f"'{name}' is not on this machine, and is fetched only when you ask for it: read its licence at huggingface.co/{name}, "
            f"then run `hf download {name}`, or name a folder that holds it"
        )

    def finds_words(self, name: str) -> bool:
        """Whether the segmenter of that name, or at that path, finds things by words too. Nothing
        is loaded.
        """
        known = MODELS.get(name)
        if known is not None:
            return known.finds_words
        path = _as_path(name)
        return path is not None and model_type(path) == SAM3

    def way_in(self, model: ModelEntry) -> str:
        """How a person comes by the weights of a gated model; empty for others."""
        return way_in(model, self.root)

    def _missing(self, model: ModelEntry) -> ModelMissingError:
        if model.gated:
            return refused(model, self.root)
        what = f"{model.file} of {model.repository}" if model.file else f"the repository {model.repository}"
        words = f"{model.download_mb} MB" if model.download_mb and model.download_mb < 1000 else size_words(model)
        size = f", {words}" if words else ""
        places = "the Hugging Face cache" if self.root is None else f"{self.root / model.name} and the Hugging Face cache"
        return ModelMissingError(
            f"the model '{model.name}' is not on this machine ({what}{size}; licence {model.licence}; looked in {places})",
            fetchable=needed_by(model.name),
            repository=model.repository,
            download_mb=model.download_mb,
        )


def _is_whole(folder: Path, model: ModelEntry) -> bool:
    """Whether a folder has what a model needs: what was fetched into it, each file that is named,
    and all pieces of weights that were saved in pieces.
    """
    if not folder.is_dir():
        return False
    record = read_record(folder)
    if record is not None:
        return not record.absent(folder)
    if not all(any(folder.glob(pattern)) for pattern in model.files if "*" not in pattern):
        return False
    return any(folder.iterdir()) and all(map(_has_pieces, folder.glob("*/*.index*.json")))


def _has_pieces(index: Path) -> bool:
    try:
        pieces = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    return all((index.parent / str(piece)).is_file() for piece in pieces)


def is_denoiser_alone(path: Path) -> bool:
    """Whether a file or folder holds a denoiser and not the whole model."""
    if path.is_file():
        return True
    whole = (path / "model_index.json").exists() or (path / "vivid.json").exists() or (path / "transformer").is_dir()
    return not whole and any(path.glob(PIECES))


def _as_path(name: str) -> Path | None:
    """The path that `name` says; None for a plain word, which can only be a name of the
    catalogue.
    """
    try:
        path = Path(name).expanduser()
        given = path.exists() or len(path.parts) > 1 or path.suffix in _SUFFIXES
    except (OSError, ValueError, RuntimeError):  # too long, a zero byte, the home folder of nobody
        return None
    return path if given and name else None
