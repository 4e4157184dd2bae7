"""Settings: flags over environment over defaults."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

ASSETS = Path(__file__).resolve().parent.parent / "assets"


def default_workspace() -> Path:
    """The platform's folder for a user's data: XDG on Linux, Application Support on macOS, LOCALAPPDATA on Windows."""
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "VIVID Studio"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "VIVID Studio"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "vivid-studio"


def _from_environment(name: str, default: str) -> str:
    return os.environ.get(f"VIVID_{name}") or default


@dataclass(frozen=True)
class Settings:
    """What the program needs to know before it does anything. `device` is auto, cpu, cuda, cuda:N or mps."""

    workspace: Path = field(default_factory=lambda: Path(_from_environment("WORKSPACE", str(default_workspace()))))
    device: str = field(default_factory=lambda: _from_environment("DEVICE", "auto"))
    host: str = field(default_factory=lambda: _from_environment("HOST", "127.0.0.1"))
    port: int = field(default_factory=lambda: int(_from_environment("PORT", "7860")))
    open_browser: bool = True
    segmenter: str = field(default_factory=lambda: _from_environment("SEGMENTER", "embedded"))
    model: str = field(default_factory=lambda: _from_environment("MODEL", "vivid-small"))

    @property
    def models_root(self) -> Path:
        """Where downloaded weights live."""
        return self.workspace / "models"
