"""Mask sequences, how they are adjusted to the region to edit, PNG in and out."""

from core.masks.bounding_box import bounding_box, depth_inside
from core.masks.deflicker import remove_flicker
from core.masks.doubt import Doubt, doubt_about, DOUBT_TEXTS, inverted
from core.masks.facts import MaskFacts
from core.masks.feather import Feather, feather_alpha, feather_of_objects, Widths
from core.masks.holes import fill_holes
from core.masks.operators import adjust, shaped
from core.masks.png import export_png, read_mask, write_mask
from core.masks.proposal import proposed_adjustment
from core.masks.quality import check_quality, FLAG_TEXTS, QualityFlag
from core.masks.region import adjusted, clean_mask, own_masks, region_at, RegionPart
from core.masks.sequence import MaskSequence

__all__ = [
    "DOUBT_TEXTS",
    "FLAG_TEXTS",
    "Doubt",
    "Feather",
    "MaskFacts",
    "MaskSequence",
    "QualityFlag",
    "RegionPart",
    "Widths",
    "adjust",
    "adjusted",
    "bounding_box",
    "check_quality",
    "clean_mask",
    "depth_inside",
    "doubt_about",
    "export_png",
    "feather_alpha",
    "feather_of_objects",
    "fill_holes",
    "inverted",
    "own_masks",
    "proposed_adjustment",
    "read_mask",
    "region_at",
    "remove_flicker",
    "shaped",
    "write_mask",
]
