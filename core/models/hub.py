"""What a folder of weights in the layout of transformers says that it is."""

from __future__ import annotations

import json
from pathlib import Path

SAM3 = "sam3_video"
"""The model type of SAM 3, which finds things by words as well as tracking them."""


def model_type(folder: Path) -> str | None:
    """The type in a folder's config.json; None for a folder that transformers did not write."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError):
        return None
    return None if found is None else str(found)
