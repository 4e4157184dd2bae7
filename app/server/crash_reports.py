"""Crash reports: an internal error gives the person one sentence, and a report file in the
workspace to pass on.

Code that catches an unexpected exception logs it with `extra=core.errors.error_record(...)`. The
handler here writes such a record to a file, so that no other module has to know where reports are
kept. An error that comes again and again costs the disk next to nothing.
"""

from __future__ import annotations

import contextlib
import json
import logging
import platform
import re
import sys
from collections import deque, OrderedDict
from collections.abc import Iterator
from datetime import datetime, UTC
from importlib import metadata
from pathlib import Path

from core.errors import InputError

LOGS = "logs"
"""Folder of the reports, inside the workspace."""

KEPT = 50
"""Number of reports that are kept; the oldest are deleted first."""

A_MINUTE = 20
"""Different errors of a minute that are written; more are only counted."""

PACKAGES = ("torch", "diffusers", "transformers", "sam2", "av", "numpy", "gradio", "fastapi", "uvicorn")
LONGEST = 20_000
"""Characters of the request, and of the story of the error, that are kept; a brush stroke can be
longer than anyone would read.
"""

REMEMBERED = 1000
"""Errors whose number is known; the one that came longest ago is forgotten first."""

_ID = re.compile(r"[0-9a-f]{16}")
_SECRET = re.compile(r"\b([0-9a-f]{6})[0-9a-f]{26}\b")


class CrashReports(logging.Handler):
    """Writes FOLDER/crash-ID.txt for log records of internal errors. One that comes again, with the
    same id, is counted in the report that is there.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(logging.ERROR)
        self.folder = folder
        self._times: OrderedDict[str, int] = OrderedDict()
        self._written: deque[float] = deque(maxlen=A_MINUTE)
        self._left_out = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write the report of a record that has a `report_id`, or count it there."""
        report_id = getattr(record, "report_id", None)
        if report_id is None:
            return
        path = self.folder / f"crash-{report_id}.txt"
        times = self._times.pop(report_id, 0) + 1
        self._times[report_id] = times
        if len(self._times) > REMEMBERED:
            self._times.popitem(last=False)
        try:
            if times > 1 and path.is_file():
                if times & (times - 1) == 0:  # 2, 4, 8...: an endless error writes a few lines
                    with path.open("a", encoding="utf-8") as file:
                        file.write(f"{_when(record)}: for the {times}th time\n".replace(" 2th", " 2nd"))
                return
            if len(self._written) == A_MINUTE and record.created - self._written[0] < 60:
                self._left_out += 1
                return
            self._written.append(record.created)
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_text(self._text(record), encoding="utf-8")
            self._left_out = 0
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
        story = _middle_out(logging.Formatter().formatException(record.exc_info)) if record.exc_info else ""
        more = f"{self._left_out} other errors shortly before were not written down.\n\n" if self._left_out else ""
        head = f"VIVID Studio, crash report\n{_when(record)}\n\n{_middle_out(record.getMessage())}\n\n"
        text = f"{head}Asked for:\n{asked}\n\n{story}\n\n{more}{versions}\n"
        return _SECRET.sub(r"\1...", text)


def _when(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds")


def _middle_out(text: str) -> str:
    """The beginning and the end of a text that is too long."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]}\n[{len(text) - 2 * half} characters are left out]\n{text[-half:]}"


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
        raise InputError(f"there is no report '{report_id}'; {A_MINUTE} a minute are written, and the newest {KEPT} kept")
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
