"""What the program is called and which version it is.

Standard library only: both are known before anything is installed.
"""

from __future__ import annotations

import sys
import tomllib
from importlib import metadata
from pathlib import Path


def version() -> str:
    """As pyproject.toml has it, like "VIVID Studio 0.2.0"; an installed program has it in its
    metadata.
    """
    project = Path(__file__).parents[1] / "pyproject.toml"
    if project.exists():
        return f"VIVID Studio {tomllib.loads(project.read_text(encoding='utf-8'))['project']['version']}"
    return f"VIVID Studio {metadata.version('vivid-studio')}"


def command_name() -> str:
    """The command that a person types: "vivid-studio" where the program is installed, "launch.py"
    in a checkout.
    """
    name = Path(sys.argv[0]).stem
    return name if name == "vivid-studio" else "launch.py"
