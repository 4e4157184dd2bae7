"""Mask sequences, how they are adjusted to the region to edit, PNG in and out."""

from core.masks.bounding_box import bounding_box
from core.masks.deflicker import steady
from core.masks.facts import MaskFacts
from core.masks.feather import Feather, feather, united, Widths
from core.masks.holes import fill_holes
from core.masks.operators import adjust, shaped
from core.masks.png import export_png, import_png, read_mask, write_mask
from core.masks.quality import examine, Suspect, SYMPTOMS
from core.masks.region import adjusted, clean_mask, region_at, RegionPart
from core.masks.sequence import MaskSequence

__all__ = [
    "SYMPTOMS",
    "Feather",
    "MaskFacts",
    "MaskSequence",
    "RegionPart",
    "Suspect",
    "Widths",
    "adjust",
    "adjusted",
    "bounding_box",
    "clean_mask",
    "examine",
    "export_png",
    "feather",
    "fill_holes",
    "import_png",
    "read_mask",
    "region_at",
    "shaped",
    "steady",
    "united",
    "write_mask",
]
