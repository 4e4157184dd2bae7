"""Crash reports: an internal error gives the person one sentence, and a report file in the
workspace to pass on.

Code that catches an unexpected exception logs it with `extra=core.errors.error_record(...)`. The
handler here writes such a record to a file, so that no other module has to know where reports are
kept.
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
"""Folder of the reports, inside the workspace."""

KEPT = 50
"""Number of reports that are kept; the oldest are deleted first."""

PACKAGES = ("torch", "diffusers", "transformers", "sam2", "av", "numpy", "gradio", "fastapi", "uvicorn")
LONGEST = 20_000
"""Characters of the request that are kept; a brush stroke can be longer than anyone would read."""

_ID = re.compile(r"[0-9a-f]{16}")
_SECRET = re.compile(r"\b([0-9a-f]{6})[0-9a-f]{26}\b")


class CrashReports(logging.Handler):
    """Writes FOLDER/crash-ID.txt for every log record of an internal error."""

    def __init__(self, folder: Path) -> None:
        super().__init__(logging.ERROR)
        self.folder = folder

    def emit(self, record: logging.LogRecord) -> None:
        """Write the report of a record that has a `report_id`."""
        report_id = getattr(record, "report_id", None)
        if report_id is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"crash-{report_id}.txt").write_text(self._text(record), encoding="utf-8")
            for old in sorted(self.folder.glob("crash-*.txt"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
                old.unlink(missing_ok=True)
        except OSError:
            self.handleError(record)

    def _text(self, record: logging.LogRecord) -> str:
        """The text of the report.

        Ids are shortened: anyone who knows a project's id can open it, and reports are passed on.
        """
        asked = json.dumps(getattr(record, "asked", {}), indent=2, default=repr, ensure_ascii=False)[:LONGEST]
        versions = "\n".join(f"{name} {version}" for name, version in versions_here().items())
        story = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds")
        text = f"VIVID Studio, crash report\n{when}\n\n{record.getMessage()}\n\nAsked for:\n{asked}\n\n{story}\n\n{versions}\n"
        return _SECRET.sub(r"\1...", text)


def versions_here() -> dict[str, str]:
    """Versions of the system, Python and the main packages, without importing them."""
    found = {"system": platform.platform(), "python": sys.version.split()[0]}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def report_path(folder: Path, report_id: str) -> Path:
    """The file of a report; InputError when there is none."""
    path = folder / f"crash-{report_id}.txt"
    if not _ID.fullmatch(report_id) or not path.is_file():
        raise InputError(f"there is no report '{report_id}'; only the newest {KEPT} are kept")
    return path


@contextlib.contextmanager
def crash_reports(folder: Path) -> Iterator[None]:
    """Write crash reports of the whole program to `folder` while the block runs."""
    handler = CrashReports(folder)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
