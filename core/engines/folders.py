"""What a folder in diffusers' layout says of the model in it, and what a person may say besides."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypedDict

from core.errors import ModelMissingError
from core.models.tensors import DAMAGED
from core.vivid.contract import Declaration, SAMPLED, Sampling
from core.vivid.loading import FACTS, read_facts, sampling_of_facts


class OwnSettings(TypedDict):
    """How an engine is run: what it declares, with a folder's own facts before it."""

    working_size: tuple[int, int]
    window_frames: int
    tasks: Mapping[str, Sampling]


def config_of(folder: Path, part: str) -> dict[str, Any]:
    """The configuration of a part of a pipeline; empty where there is none to read."""
    try:
        found = json.loads((folder / part / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def facts_of(folder: Path) -> dict[str, Any]:
    """The folder's vivid.json, which other engines than VIVID can do without.

    ModelMissingError for one that can't be read.
    """
    return read_facts(folder) if (folder / FACTS).exists() else {}


def own_settings(folder: Path, declared: Declaration) -> OwnSettings:
    """Working size, window and sampling of the model in a folder.

    Raises ModelMissingError when its vivid.json can't be used.
    """
    facts = facts_of(folder)
    with settings_reported(folder):
        height, width = facts.get("working_size", declared.working_size)
        tasks = {name: sampling_of_facts(own) for name, own in facts.get("tasks", {}).items()}
        return OwnSettings(
            working_size=(int(height), int(width)),
            window_frames=int(facts.get("window_frames", declared.window_frames)),
            tasks={name: tasks.get(name, declared.tasks[name]) for name in SAMPLED},
        )


@contextlib.contextmanager
def settings_reported(folder: Path) -> Iterator[None]:
    """Take over what a folder's vivid.json says.

    Yields:
        Nothing; do it inside the block.

    Raises:
        ModelMissingError: It can't be used.
    """
    try:
        yield
    except DAMAGED as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelMissingError(f"'{folder / FACTS}' can't be used ({line:.300}): correct it or take it away") from error
