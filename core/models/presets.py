"""Draft and Final, the two ways to run a model: with as many steps as it was made for, or with few.

Final is the model as it is. What its Draft is stands in the catalogue, or in the vivid.json of its
folder. Such a model is called `NAME:draft`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.errors import InputError, ModelMissingError
from core.models.catalogue import MODELS
from core.models.model import Draft, ModelKind
from core.models.record import is_inside
from core.models.store import DRAFT, ModelStore

_FACTS = "vivid.json"
FIRST = "transformer"
"""The denoiser that a LoRA is for where its facts name none."""


def split_draft(name: str) -> tuple[str, bool]:
    """A model's name without what asks for its Draft, and whether that is asked for."""
    return name.removesuffix(DRAFT), name.endswith(DRAFT)


def draft_name(name: str) -> str:
    """What a model is called where its Draft is meant."""
    return split_draft(name)[0] + DRAFT


def draft_of(name: str, kind: ModelKind, store: ModelStore) -> Draft | None:
    """What the Draft of a model is.

    Args:
        name: A name of the catalogue, or a path.
        kind: What the model is for.
        store: Where models lie.

    Returns:
        The Draft; None where the model has none.

    Raises:
        ModelMissingError: What the model's folder says of it can't be used.
    """
    name, _ = split_draft(name)
    known = MODELS.get(name)
    if store.available(name, kind) and (own := _own_draft(store.locate(name, kind))) is not None:
        return own
    return None if known is None else known.draft


def draft_files(draft: Draft, folder: Path, store: ModelStore) -> dict[str, Path]:
    """The files that a Draft adds to the weights, by the denoiser that they are for.

    Args:
        draft: The Draft.
        folder: That of the model.
        store: Where models lie.

    Returns:
        The paths; none where it has fewer steps alone.

    Raises:
        ModelMissingError: The LoRA is not on this machine.
    """
    if draft.source is not None:
        found = store.locate(draft.source, "lora")
        folder = found.parent if found.is_file() else found
    return {denoiser: folder / file for denoiser, file in draft.lora}


def lora_of(facts: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The LoRAs that facts of a folder name: a file for the first denoiser, or for each one by its
    name. ValueError for a file outside the folder, where a change of it would go unseen.
    """
    named = facts.get("lora") or {}
    files = {FIRST: named} if isinstance(named, str) else dict(named)
    for file in files.values():
        if not is_inside(str(file)):
            raise ValueError(f"'lora' names '{file}': put the file into the model's folder")
    return tuple((str(denoiser), str(file)) for denoiser, file in files.items())


def _own_draft(folder: Path) -> Draft | None:
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8")).get("draft")
    except (OSError, ValueError, AttributeError):  # whoever loads the model says so
        return None
    if facts is None:
        return None
    try:
        shift = facts.get("shift")
        draft = Draft(
            int(facts["steps"]),
            float(facts["guidance"]),
            None if shift is None else float(shift),
            lora_of(facts),
            float(facts.get("lora_scale", 1)),
        )
        if not (1 <= draft.steps <= 1000 and 0 <= draft.guidance <= 50 and 0 < (draft.shift or 1) <= 100):
            raise ValueError("out of range")
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise ModelMissingError(
            f"the draft in '{folder / _FACTS}' can't be used ({error}): it says steps, guidance and, if they are needed, shift, lora "
            "(a file in the folder) and lora_scale"
        ) from error
    return draft


def check_has_draft(name: str, draft: Draft | None) -> Draft:
    """The Draft; InputError for a model that has none."""
    if draft is None:
        raise InputError(f"'{split_draft(name)[0]}' has no Draft of its own: leave --preset out, or give fewer --steps")
    return draft
