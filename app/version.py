"""Which version of the program this is. Standard library only, so that it can be said before anything is installed."""

from __future__ import annotations

import tomllib
from pathlib import Path


def version() -> str:
    """As in pyproject.toml, like "VIVID Studio 0.1.0"."""
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    return f"VIVID Studio {tomllib.loads(text)['project']['version']}"
