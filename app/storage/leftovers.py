"""What a program that was killed has left in the workspace."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

UPLOAD = re.compile(r"[0-9a-f]{16}")
"""The name of a folder among the uploads: each has one video, or masks that are on their way."""

_PARTIAL = re.compile(r"[.].*[.][0-9a-f]{8}[.]part")
_DRAFTS = re.compile(r"[.]new-.*")
_DELETED = re.compile(r"[.]deleted-.*")


def remove_leftovers(root: Path) -> None:
    """Delete what no project needs and no program works on: only for who holds the workspace.

    These are uploads that no document names, projects whose deletion was not finished, and files
    that were not written to their end.
    """
    for path in [*_unused_uploads(root), *_unfinished(root)]:
        log.info("removing '%s', which was left by a program that was stopped", path)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _unused_uploads(root: Path) -> list[Path]:
    uploads = [path for path in _inside(root / "uploads") if UPLOAD.fullmatch(path.name)]
    if not uploads:
        return []
    needed: set[str] = set()
    for project in _inside(root / "projects"):
        if _DELETED.fullmatch(project.name) or not project.is_dir():
            continue
        try:
            document = (project / "project.json").read_bytes()
        except FileNotFoundError:
            continue
        except OSError:  # whatever it names is kept
            return []
        needed |= {path.name for path in uploads if path.name.encode() in document}
    return [path for path in uploads if path.name not in needed]


def _unfinished(root: Path) -> Iterator[Path]:
    for path in _inside(root):
        if _PARTIAL.fullmatch(path.name) and path.is_file():
            yield path
    for project in _inside(root / "projects"):
        nothing = project.is_dir() and not project.is_symlink() and all(path.is_dir() for path in below(project))
        if _DELETED.fullmatch(project.name) or nothing:  # its first file could not be written
            yield project
            continue
        for path in below(project):
            if _PARTIAL.fullmatch(path.name) or (_DRAFTS.fullmatch(path.name) and path.is_dir()):
                yield path


def _inside(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(folder.iterdir())
    return []


def below(folder: Path) -> Iterator[Path]:
    """Everything below a folder; links are not followed."""
    for path in _inside(folder):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from below(path)
