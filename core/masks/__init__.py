"""Mask sequences, the six operators, PNG in and out."""

from core.masks.health import examine, Suspect, SYMPTOMS
from core.masks.operators import adjust, bounding_span, feather
from core.masks.png import export_png, import_png, read_mask, write_mask
from core.masks.region import adjusted
from core.masks.sequence import MaskSequence

__all__ = [
    "SYMPTOMS",
    "MaskSequence",
    "Suspect",
    "adjust",
    "adjusted",
    "bounding_span",
    "examine",
    "export_png",
    "feather",
    "import_png",
    "read_mask",
    "write_mask",
]
