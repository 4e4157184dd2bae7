"""Latents and text embeddings on disk, so that training needs neither autoencoder nor text
encoder."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from torch import Tensor

from core.errors import InputError
from core.files import write_text
from core.models.tensors import load_tensors
from core.training.common.checkpoint import save_tensors
from core.training.datasets.config import DataConfig

_FACTS = "latents.json"
_SHAPE = ("base", "height", "width", "frames", "fps", "seed")
_CONDITIONS = ("keyframe_probability", "expand_from", "expand_to", "mask_forms")
_BEFORE = {"mask_forms": True}
"""What holds of latents that were made before there was a setting."""


class LatentCache:
    """A folder of tensors by the key of their record or by the words of their caption.

    A record's file holds `latent` (F, C, h, w), and for each variant V of its conditions `mask_V`
    (F, 1, h, w) and `masked_V` (F, C, h, w). A caption's file holds `text` (L, D).
    """

    def __init__(self, folder: Path, variants: int, texts: bool) -> None:
        self.folder, self.variants, self.texts = folder, variants, texts

    @classmethod
    def open(cls, folder: Path, config: DataConfig) -> LatentCache:
        """A filled folder.

        InputError when there is none, or when it was filled for other sizes, another base or
        another seed.
        """
        try:
            facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
            variants, texts = int(facts["variants"]), bool(facts["precompute_texts"])
        except (OSError, ValueError, LookupError, TypeError):
            raise InputError(f"latents={folder}: no precomputed latents there; make them with precompute={folder}") from None
        cls._check(folder, facts, config, variants)
        return cls(folder, variants, texts)

    @classmethod
    def create(cls, folder: Path, config: DataConfig) -> LatentCache:
        """A folder to fill, or to go on filling.

        InputError when it was begun with other settings.
        """
        if (folder / _FACTS).exists():
            cache = cls.open(folder, config)
            if cache.variants != config.variants:
                raise InputError(f"precompute={folder}: begun with variants={cache.variants}, not {config.variants}")
            return cache
        facts = {name: value for name, value in asdict(config).items() if name in (*_SHAPE, *_CONDITIONS, "variants", "precompute_texts")}
        write_text(folder / _FACTS, json.dumps(facts, indent=2) + "\n", sync="none")
        return cls(folder, config.variants, config.precompute_texts)

    @staticmethod
    def _check(folder: Path, facts: dict[str, Any], config: DataConfig, variants: int) -> None:
        for name in (*_SHAPE, *(_CONDITIONS if variants else ())):
            if (made := facts.get(name, _BEFORE.get(name))) != getattr(config, name):
                raise InputError(f"the latents in {folder} were made with {name}={made}, not {getattr(config, name)}")

    def record(self, key: str) -> dict[str, Tensor] | None:
        """What is known of a record."""
        return self._read(self._path("records", key))

    def has_record(self, key: str) -> bool:
        """Whether the record was encoded."""
        return self._path("records", key).exists()

    def put_record(self, key: str, tensors: dict[str, Tensor]) -> None:
        """Keep the tensors of a record."""
        save_tensors(self._path("records", key), tensors)

    def text(self, caption: str) -> Tensor | None:
        """The embedding of a caption (L, D)."""
        found = self._read(self._path("texts", caption))
        return None if found is None else found["text"]

    def has_text(self, caption: str) -> bool:
        """Whether the caption was encoded."""
        return self._path("texts", caption).exists()

    def put_text(self, caption: str, text: Tensor) -> None:
        """Keep the embedding of a caption."""
        save_tensors(self._path("texts", caption), {"text": text})

    def _path(self, kind: str, name: str) -> Path:
        digest = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
        return self.folder / kind / digest[:2] / f"{digest}.safetensors"

    @staticmethod
    def _read(path: Path) -> dict[str, Tensor] | None:
        try:
            return load_tensors(path)
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError) as error:
            raise InputError(f"the precomputed {path} is damaged ({error}): delete it and precompute again") from None
