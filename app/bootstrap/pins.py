"""What the environment holds and what the pinned requirements want it to hold."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
STAMP = VENV / "vivid-setup.json"  # says what was installed completely; written last
WORK = ROOT / ".venv-setup"  # lock and log: outside .venv, which may have to be remade
LOG = WORK / "setup.log"
REQUIREMENTS = ROOT / "requirements"
PROGRAM = ("build", "torch-cpu", "torch", "cuda", "main")
GROUPS = {"test": "what the tests need", "data": "Ray, for building data sets and for workers"}
"""What is installed only where it is asked for: a requirements file each."""


def venv_python() -> Path:
    """The environment's interpreter, there or not."""
    return VENV / "Scripts" / "python.exe" if os.name == "nt" else VENV / "bin" / "python"


def pins_hash(parts: tuple[str, ...]) -> str:
    """SHA-256 over the pinned requirements files of these parts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() + b"\0" + (REQUIREMENTS / f"{part}.txt").read_bytes() + b"\0")
    return digest.hexdigest()


def read_stamp() -> dict[str, str]:
    """What the last complete set-up installed, by part; empty when there was none or its Python has
    been replaced since.
    """
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and stamp.get("python") == os.path.realpath(venv_python()) and venv_python().exists() else {}


def write_stamp(stamp: dict[str, str]) -> None:
    written = STAMP.with_suffix(".new")
    written.write_text(json.dumps(stamp), encoding="utf-8")
    written.replace(STAMP)


def missing_parts(*groups: str) -> list[str]:
    """Which of "program" and these groups ("test", "data") are not installed as pinned now."""
    stamp = read_stamp()
    wanted = {"program": pins_hash(PROGRAM)} | {group: pins_hash((group,)) for group in groups}
    return [part for part, pins in wanted.items() if stamp.get(part) != pins]


def running_inside() -> bool:
    """Whether this very process runs on the environment's interpreter."""
    return Path(sys.prefix).resolve() == VENV.resolve()
