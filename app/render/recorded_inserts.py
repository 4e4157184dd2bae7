"""Inserts in recipes: what one is recorded as, and back."""

from __future__ import annotations

import base64
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.render.recipe import RecipeInsert, unpacked
from core.project.codec import decode
from core.project.inserts import Corners

if TYPE_CHECKING:
    import numpy as np

    from core.inserts.carried import CarriedInsert
    from core.masks import MaskSequence


def recorded_insert(carried: CarriedInsert) -> RecipeInsert:
    """An insert as a recipe holds it."""
    from core.inserts.carried import encode_path
    from core.inserts.picture import encode_picture

    path = decode(tuple[tuple[int, Corners], ...], [[int(frame), corners] for frame, corners in encode_path(carried.path).items()])
    front = None if carried.front is None else base64.b64encode(carried.front.to_bytes()).decode()
    picture = base64.b64encode(encode_picture(carried.picture)).decode()
    return RecipeInsert(replace(carried.insert, picture=""), picture, path, front)


def carried_insert(recorded: RecipeInsert) -> CarriedInsert:
    """The insert that a recipe holds, as it was carried. InputError when it is damaged."""
    from core.inserts.carried import CarriedInsert, decode_path

    path = decode_path(dict(recorded.path))
    front = None if recorded.front is None else recorded_masks(recorded.front)
    return CarriedInsert(recorded.insert, recorded_picture(recorded), path, front)


def recorded_picture(recorded: RecipeInsert) -> np.ndarray:
    """The picture, uint8 (h, w, 4), of an insert in a recipe. InputError when it is damaged."""
    from core.inserts.picture import read_picture

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        path.write_bytes(unpacked(recorded.picture))
        return read_picture(path, "the picture in the recipe")[0]


def recorded_masks(masks: str) -> MaskSequence:
    """A mask sequence that a recipe holds in base64. InputError when it is damaged."""
    from core.masks import MaskSequence

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "region.masks"
        path.write_bytes(unpacked(masks))
        return MaskSequence.load(path)
