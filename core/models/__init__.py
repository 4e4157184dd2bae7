"""Catalogue of weights and where they lie on disk."""

from core.models.catalogue import entry, MODELS, names
from core.models.model import ModelEntry, ModelKind
from core.models.store import ModelStore

__all__ = ["MODELS", "ModelEntry", "ModelKind", "ModelStore", "entry", "names"]
