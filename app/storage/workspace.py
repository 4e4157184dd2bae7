"""Projects on disk: a folder each, `project.json` and content-addressed files beside it. Saved
after every change, atomically.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, UTC
from pathlib import Path

from app.contract.values import ProjectSummary
from core.errors import InputError, StorageError
from core.files import check_regular, Sync, write_bytes, write_text
from core.project.codec import dumps, loads
from core.project.history import History
from core.project.plain import printable
from core.project.project import Project

_ID = re.compile(r"[0-9a-f]{32}")
_DOCUMENT = "project.json"
_NAMED = re.compile(rb"[0-9a-f]{32}\.[a-z]{1,8}(?![a-z0-9])")
"""A stored file, wherever it is named: in the document, or in a file that the document names."""
_LISTS = (".masks", ".json")
"""Stored files that may name others."""
_MOST_BYTES = 2**28
"""Of a document: a hundred times what weeks of work come to."""
_MOST_DRAFTS = 64
"""Of pages that were opened and left again."""
GRACE = 600.0
"""Seconds for which a stored file is kept that nothing names: whoever stored it is about to."""
COLLECT_EVERY = 100
"""Changes of a project between two looks for files that nothing names."""


def now() -> str:
    """The time as the document writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_id() -> str:
    """An id nobody can guess: who does not know it can't open the project."""
    return secrets.token_hex(16)


class Workspace:
    """All projects under `root`. Safe to use from several threads. While a project is `busy`,
    nothing of it is collected.
    """

    def __init__(self, root: Path, busy: Callable[[str], bool] = lambda _: False) -> None:
        self.root = root
        self._busy = busy
        self._open: dict[str, History] = {}
        self._drafts: dict[str, None] = {}  # the oldest first
        self._changes: Counter[str] = Counter()
        self._deleted: set[str] = set()
        self._lock = threading.RLock()

    def folder(self, project_id: str) -> Path:
        """The project's folder; InputError for what is no project id."""
        if not _ID.fullmatch(project_id):
            raise InputError(f"'{project_id:.40}' is not a project; open a video or another project")
        return self.root / "projects" / project_id

    def add(self, project: Project, *, draft: bool = False) -> Project:
        """Save a new project; a draft with its first change only, and until then it is known to
        this program alone.
        """
        with self._lock:
            if draft:
                self._drafts[project.project_id] = None
                self._open[project.project_id] = History(project)
                while len(self._drafts) > _MOST_DRAFTS:
                    oldest = next(iter(self._drafts))
                    del self._drafts[oldest], self._open[oldest]
            else:
                self._store(project.project_id, History(project))
        return project

    def is_draft(self, project_id: str) -> bool:
        """Whether a project is not on the disk yet, since nobody has changed it."""
        return project_id in self._drafts

    def keep(self, project_id: str) -> None:
        """Save a draft now, since something of it is about to be on the disk.

        InputError when there is no such project (any more): its folder would come back without it.
        """
        with self._lock:
            history = self.history(project_id)
            if self.is_draft(project_id):
                self._save(project_id, history)

    def write(self, project_id: str, name: str, data: bytes, *, sync: Sync = "disk") -> None:
        """Write a file beside the document.

        Args:
            project_id: The project.
            name: The file's name.
            data: All of its content.
            sync: What is flushed to the disk before the call returns.

        Raises:
            InputError: There is no such project (any more).
            StorageError: The disk refused.
        """
        with self._lock:  # a project that is deleted meanwhile must not come back as a folder
            self.keep(project_id)
            write_bytes(self.folder(project_id) / name, data, sync=sync)

    def history(self, project_id: str) -> History:
        """The project with its undo steps, read from disk the first time."""
        with self._lock:
            if project_id not in self._open:
                path = self.document(project_id)
                try:
                    check_regular(path)
                    if path.stat().st_size > _MOST_BYTES:
                        raise InputError(f"the project {project_id} is too large to be read: put back a copy of '{path}'")
                    found = loads(path.read_text(encoding="utf-8"))
                    self._open[project_id] = found.changed_everywhere(lambda project: _called(project, project_id))
                except FileNotFoundError:
                    raise InputError(
                        f"the project {project_id[:6]}... is not here (it may have been removed); open a video or another project"
                    ) from None
                except UnicodeDecodeError:
                    raise InputError(
                        f"the project {project_id} is damaged: '{path}' is not text, put back a copy of that file or open another project"
                    ) from None
                except OSError as error:
                    raise InputError(
                        f"the project {project_id} can't be read: '{path}' ({error.strerror or error}), fix that or open another project"
                    ) from error
            return self._open[project_id]

    def project(self, project_id: str) -> Project:
        """The project as it is now."""
        return self.history(project_id).present

    def change(self, project_id: str, label: str, change: Callable[[Project], Project], *, merge: bool = False) -> Project:
        """Apply a change that a person made, and save it.

        Args:
            project_id: The project.
            label: What the change is called where it can be undone.
            change: From the present document to the next.
            merge: Whether it is undone together with the changes of the same label just before.

        Returns:
            The project after the change.

        Raises:
            InputError: There is no such project, or the change refuses.
            StorageError: The disk refused; the document stays as it was.
        """
        with self._lock:
            history = self.history(project_id)
            return self._store(project_id, history.did(label, change(history.present), merge))

    def amend(self, project_id: str, change: Callable[[Project], Project]) -> Project:
        """Apply what a job found out; it belongs to the step that started it."""
        with self._lock:
            history = self.history(project_id)
            return self._store(project_id, history.amended(change(history.present)))

    def change_everywhere(self, project_id: str, change: Callable[[Project], Project]) -> Project:
        """Apply what holds for every state of the project, those that undo leads to as well."""
        with self._lock:
            return self._store(project_id, self.history(project_id).changed_everywhere(change))

    def delete(self, project_id: str) -> None:
        """Remove the project with all its files, for good; what jobs still write goes when they
        end.
        """
        folder = self.folder(project_id)
        with self._lock:
            if self._drafts.pop(project_id, "") is None:
                del self._open[project_id]
                return
            if not self.document(project_id).exists():
                self._open.pop(project_id, None)
                self.history(project_id)  # says that there is none
            self._open.pop(project_id, None)
            try:
                # out of sight in one step: half a project is never left
                doomed = folder.rename(_doomed(folder))
                if doomed.is_symlink():  # what it points to is not the program's
                    doomed.unlink()
                    doomed.mkdir()
            except OSError as error:
                raise StorageError(
                    f"the project could not be removed ({error.strerror or error}): close what uses its files, then try again"
                ) from error
            self._deleted.add(project_id)
            self.sweep(project_id)

    def sweep(self, project_id: str) -> None:
        """Remove what is there of a deleted project: for whoever may have written to it since.

        While a job of it runs, an empty folder marks it as deleted: after a crash the next start
        sees by that what to remove.
        """
        with self._lock:
            if project_id not in self._deleted:
                return
            folder = self.folder(project_id)
            for path in (folder, _doomed(folder)):
                shutil.rmtree(path, ignore_errors=True)
            if self.is_busy(project_id):
                with contextlib.suppress(OSError):
                    _doomed(folder).mkdir(exist_ok=True)

    def undo(self, project_id: str) -> Project:
        """Take the last change back."""
        with self._lock:
            return self._store(project_id, self.history(project_id).undone())

    def redo(self, project_id: str) -> Project:
        """Make the change again that was taken back last."""
        with self._lock:
            return self._store(project_id, self.history(project_id).redone())

    def recent(self, ids: Iterable[str] | None = None, most: int | None = None) -> list[ProjectSummary]:
        """Projects, the last changed first; only those of `ids` when given, and `most` at most: no
        others are read.

        One that can't be read has a `problem` and takes nobody's place.
        """
        folders = (
            (self.root / "projects").glob("[!.]*") if ids is None else (self.folder(i) for i in dict.fromkeys(ids) if _ID.fullmatch(i))
        )
        changed = []
        for path in (folder / _DOCUMENT for folder in folders):
            with contextlib.suppress(OSError):
                changed.append((path.stat().st_mtime, path.parent.name))
        found: list[ProjectSummary] = []
        for seconds, project_id in sorted(changed, reverse=True):
            if len(found) - sum(bool(one.problem) for one in found) == most:
                break
            modified = datetime.fromtimestamp(seconds, UTC).isoformat()
            try:
                project = self.project(project_id)
            except (InputError, OSError) as error:
                if _ID.fullmatch(project_id):
                    found.append(ProjectSummary(project_id, f"Project {project_id[:6]}", modified, 0, 0, 0, printable(str(error))))
                continue
            info = project.clip.info
            found.append(ProjectSummary(project_id, project.name, modified, info.frames, *info.size))
        return found

    def document(self, project_id: str) -> Path:
        """Where the document of a project lies, readable or not."""
        return self.folder(project_id) / _DOCUMENT

    def names(self, text: str, besides: str) -> bool:
        """Whether a document other than that of the project `besides` holds a text, in any of its
        states. One that can't be read is taken for one that does.
        """
        others = (path for path in (self.root / "projects").glob(f"*/{_DOCUMENT}") if path.parent.name != besides)
        return any(text.encode() in data if (data := _read(path)) else True for path in others)

    def add_file(self, project_id: str, data: bytes, suffix: str) -> str:
        """Store bytes under their own hash; the same bytes are stored once.

        Args:
            project_id: The project that they belong to.
            data: The content.
            suffix: The end of the name, such as ".png".

        Returns:
            The path, relative to the project.

        Raises:
            StorageError: The disk refused.
        """
        self.keep(project_id)
        name = f"{hashlib.sha256(data).hexdigest()[:32]}{suffix}"
        if name not in self.keep_files(project_id, (name,)):
            write_bytes(self.folder(project_id) / "files" / name, data)
            self.sweep(project_id)  # where it was deleted meanwhile
        return f"files/{name}"

    def keep_files(self, project_id: str, names: Iterable[str]) -> set[str]:
        """Those of the names under which a file is stored; it is not collected before somebody had
        the time to refer to it.
        """
        folder = str(self.folder(project_id) / "files")
        there = set()
        for name in names:
            with contextlib.suppress(OSError):
                os.utime(f"{folder}/{name}")
                there.add(name)
        return there

    def collect(self, project_id: str, grace: float = GRACE) -> int:
        """Delete the `unused` files of a project; returns how many."""
        gone = 0
        with self._lock:
            for path in self.unused(project_id, grace):
                with contextlib.suppress(OSError):
                    path.unlink()
                    gone += 1
        return gone

    def unused(self, project_id: str, grace: float = GRACE) -> list[Path]:
        """Stored files that neither the document nor any of its undo steps leads to.

        Younger ones than `grace` seconds stay, and all while a job of the project runs: their names
        are on the way into the document. All stay as well while a list of files can't be read.
        """
        with self._lock:
            history = self.history(project_id)
            folder = self.folder(project_id) / "files"
            if self.is_busy(project_id) or not folder.is_dir():
                return []
            before = time.time() - grace
            needed: set[str] = set()
            found = _names_in(dumps(history).encode())
            while found:
                needed |= found
                lists = [_read(folder / name) for name in found if name.endswith(_LISTS)]
                if not all(lists):
                    return []
                found = set().union(*map(_names_in, lists)) - needed
            others = [path for path in folder.iterdir() if _NAMED.fullmatch(path.name.encode()) and path.name not in needed]
            return [path for path in others if _age(path) < before]

    def is_busy(self, project_id: str) -> bool:
        """Whether a job of the project runs."""
        return self._busy(project_id)

    def file(self, project_id: str, relative: str) -> Path:
        """A file of the project; InputError for a path that leaves the project or does not
        exist.
        """
        folder = self.folder(project_id).resolve()
        try:
            path = (folder / relative).resolve()
            if path.is_relative_to(folder) and path.is_file():
                return path
        except (OSError, ValueError, TypeError):  # what can be no path
            pass
        raise InputError(f"the project has no file '{relative}' (any more): make it again")

    def _store(self, project_id: str, history: History) -> Project:
        if self._open.get(project_id) is not history:
            self._save(project_id, history)
            self._changes[project_id] += 1
            if self._changes[project_id] % COLLECT_EVERY == 0:
                self.collect(project_id)
        return history.present

    def _save(self, project_id: str, history: History) -> None:
        write_text(self.document(project_id), dumps(history))
        self._drafts.pop(project_id, None)
        self._open[project_id] = history


def _doomed(folder: Path) -> Path:
    """What the folder of a deleted project is called until it is gone."""
    return folder.with_name(f".deleted-{folder.name}")


def _called(project: Project, project_id: str) -> Project:
    """The project under the id of its folder: what it says itself may be the id of another."""
    return project if project.project_id == project_id else dataclasses.replace(project, project_id=project_id)


def _names_in(data: bytes) -> set[str]:
    return {name.decode() for name in _NAMED.findall(data)}


def _age(path: Path) -> float:
    """When a file was changed last; never, when it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return float("inf")


def _read(path: Path) -> bytes:
    try:
        check_regular(path)
        return path.read_bytes()
    except (OSError, InputError):
        return b""
