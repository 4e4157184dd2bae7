"""Checks the pinned versions against the advisories in requirements/advisories.json.

    python -m scripts.check_advisories

Fails when a pin is a version with a known advisory that is high or critical. The list is kept by
hand, since the check has to work without a network: whoever moves pins looks for new advisories
(`pip-audit -r requirements/main.txt` names them) and adds them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
SEVERE = ("high", "critical")


def pins(folder: Path = REQUIREMENTS) -> list[tuple[str, str]]:
    """Name and version of every pin."""
    lines = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt")))
    return re.findall(r"^([a-z0-9-]+)==([\w.+!]+)", lines, re.MULTILINE)


def findings(pinned: list[tuple[str, str]], advisories: list[dict[str, Any]]) -> Iterator[str]:
    """One line for each pin with a severe advisory that nothing keeps there."""
    for name, version in pinned:
        for one in advisories:
            vulnerable = SpecifierSet(one["vulnerable"])
            if one["package"] != name or one["severity"] not in SEVERE:
                continue
            if not vulnerable.contains(Version(version).public, prereleases=True):
                continue
            if "held_by" in one and _keeps_away(one["held_by"], name, vulnerable):
                continue
            yield f"{name} {version} has {one['id']} ({one['severity']}: {one['about']}): pin a version outside {one['vulnerable']}"


def _keeps_away(holder: str, name: str, vulnerable: SpecifierSet) -> bool:
    """Whether the requirement of an installed package allows no version that is mended."""
    mended = [Version(one.version) for one in vulnerable if one.operator == "<"]
    asked = [Requirement(line) for line in metadata.requires(holder) or ()]
    return bool(mended) and any(one.name.lower() == name and not one.specifier.contains(max(mended)) for one in asked)


def main() -> int:
    """Print what was found; returns the exit code."""
    advisories = json.loads((REQUIREMENTS / "advisories.json").read_text(encoding="utf-8"))["advisories"]
    found = list(findings(pins(), advisories))
    print("\n".join(found) or f"no pin has a severe advisory of the {len(advisories)} that are listed")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
