"""Faults of ours: the person gets one sentence and a report to pass on, written into the workspace.

Whoever catches an exception that nobody foresaw logs it with `extra=core.errors.fault_record(...)`; the handler here turns such a record
into a file. So no room has to know where reports go.
"""

from __future__ import annotations

import contextlib
import json
import logging
import platform
import re
import sys
from collections.abc import Iterator
from datetime import datetime, UTC
from importlib import metadata
from pathlib import Path

from core.errors import InputError

LOGS = "logs"
"""Folder of the reports in the workspace."""

KEPT = 50
"""Reports that are kept; the oldest go first."""

PACKAGES = ("torch", "diffusers", "transformers", "sam2", "av", "numpy", "gradio", "fastapi", "uvicorn")
LONGEST = 20_000
"""Characters of what was asked; a stroke of the brush can be longer than anybody would read."""

_ID = re.compile(r"[0-9a-f]{16}")
_SECRET = re.compile(r"\b([0-9a-f]{6})[0-9a-f]{26}\b")


class FaultReports(logging.Handler):
    """Writes FOLDER/fault-ID.txt for every log record that carries a fault."""

    def __init__(self, folder: Path) -> None:
        super().__init__(logging.ERROR)
        self.folder = folder

    def emit(self, record: logging.LogRecord) -> None:
        fault_id = getattr(record, "fault", None)
        if fault_id is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"fault-{fault_id}.txt").write_text(self._text(record), encoding="utf-8")
            for old in sorted(self.folder.glob("fault-*.txt"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
                old.unlink(missing_ok=True)
        except OSError:
            self.handleError(record)

    def _text(self, record: logging.LogRecord) -> str:
        """The report. Whoever knows a project's id may open the project, so ids are cut short: a report may be passed on."""
        asked = json.dumps(getattr(record, "asked", {}), indent=2, default=repr, ensure_ascii=False)[:LONGEST]
        versions = "\n".join(f"{name} {version}" for name, version in versions_here().items())
        story = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds")
        text = f"VIVID Studio, report of a fault\n{when}\n\n{record.getMessage()}\n\nAsked for:\n{asked}\n\n{story}\n\n{versions}\n"
        return _SECRET.sub(r"\1...", text)


def versions_here() -> dict[str, str]:
    """What this program runs on; nothing is imported for it."""
    found = {"system": platform.platform(), "python": sys.version.split()[0]}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def report_path(folder: Path, fault_id: str) -> Path:
    """The file of a report; InputError when there is none."""
    path = folder / f"fault-{fault_id}.txt"
    if not _ID.fullmatch(fault_id) or not path.is_file():
        raise InputError(f"there is no report '{fault_id}' (any more); the newest {KEPT} are kept")
    return path


@contextlib.contextmanager
def fault_reports(folder: Path) -> Iterator[None]:
    """While the block runs, faults of the whole program are reported to `folder`."""
    handler = FaultReports(folder)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
