"""What is drawn for a sample each time it is seen: mask form, keyframe or not, caption.

Pure functions of seed, record and visit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.project.tracks import FORMS, MaskAdjustment
from core.training.datasets.config import DataConfig
from core.training.datasets.sample_schedule import Kind


@dataclass(frozen=True)
class Conditions:
    """`adjustment` turns the instance masks into the region; `keyframe`: frame 0 is given, its mask
    is zero (KIVE)."""

    adjustment: MaskAdjustment
    keyframe: bool


def generator_for(seed: int, key: str, *numbers: int) -> np.random.Generator:
    """A generator of its own for one record and purpose, the same on every machine."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, np.uint32).tolist(), *numbers])


def draw_conditions(config: DataConfig, key: str, kind: Kind, variant: int) -> Conditions:
    """Draw how the mask of a sample becomes its region, and whether its keyframe is given.

    Args:
        config: How far masks are widened and how often the keyframe is given.
        key: Of the record.
        kind: Only videos have a keyframe.
        variant: Number of the draw; the same one draws the same.

    Returns:
        One of the paper's six mask forms (without `mask_forms` the mask itself), and the keyframe
        or not.
    """
    draw = generator_for(config.seed, key, 1, variant)
    form = FORMS[int(draw.integers(len(FORMS)))]  # drawn in any case: what is drawn after it stays the same
    pixels = int(draw.integers(config.expand_from, config.expand_to + 1)) if form.endswith("expand") else 0
    keyframe = bool(draw.random() < config.keyframe_probability)
    adjustment = MaskAdjustment(form, pixels) if config.mask_forms else MaskAdjustment()
    return Conditions(adjustment, kind == "video" and keyframe)


def draw_caption(config: DataConfig, key: str, captions: Sequence[str], visit: int) -> str:
    """Draw one of a record's captions, each length alike, or none.

    Args:
        config: How often the caption is empty.
        key: Of the record.
        captions: Of the record.
        visit: How often the record was seen before.

    Returns:
        A caption or the empty one.
    """
    draw = generator_for(config.seed, key, 2, visit)
    if draw.random() < config.caption_drop:
        return ""
    return captions[int(draw.integers(len(captions)))]
