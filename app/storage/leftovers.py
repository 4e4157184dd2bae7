"""What a program that was killed has left in the workspace."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.errors import InputError
from core.files import check_regular
from core.project.plain import parse_json

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
    """The uploads that no document names; none while a document can't be read, since nobody knows
    what its copy names, which a person may put back.
    """
    unused = {path.name: path for path in _inside(root / "uploads") if UPLOAD.fullmatch(path.name)}
    documents = []
    for project in _inside(root / "projects") if unused else ():
        if not project.is_dir() or _is_gone(project):
            continue
        try:
            check_regular(project / "project.json")
            documents.append((project / "project.json").read_bytes())
        except (OSError, InputError) as error:
            log.info("no upload is removed while a project can't be read (%s)", error)
            return []
        for name in [name for name in unused if name.encode() in documents[-1]]:
            del unused[name]
    return list(unused.values()) if unused and all(map(_names_its_video, documents)) else []


def _names_its_video(document: bytes) -> bool:
    try:
        return isinstance(parse_json(document)["project"]["clip"]["source"], str)
    except (ValueError, TypeError, LookupError):
        return False


def _unfinished(root: Path) -> Iterator[Path]:
    for path in [*_inside(root), *_inside(root / "facts")]:
        if _PARTIAL.fullmatch(path.name) and path.is_file():
            yield path
    for project in _inside(root / "projects"):
        if _is_gone(project):
            yield project
            continue
        for path in below(project):
            if _PARTIAL.fullmatch(path.name) or (_DRAFTS.fullmatch(path.name) and path.is_dir()):
                yield path


def _is_gone(project: Path) -> bool:
    """Whether a project was deleted, with what a job wrote to it afterwards, or has folders only:
    its first file could not be written.
    """
    if _DELETED.fullmatch(project.name):
        return True
    if not project.is_dir() or project.is_symlink():
        return False
    since = project.with_name(f".deleted-{project.name}").is_dir() and not (project / "project.json").exists()
    return since or all(path.is_dir() for path in below(project))


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
