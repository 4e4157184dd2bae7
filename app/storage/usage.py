"""How much room the workspace takes, and what of it nobody needs to keep."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from app.contract.values import ProjectSize, Removable, WorkspaceUse
from app.storage.leftovers import below
from app.storage.workspace import Workspace
from core.errors import InputError

EXPORTS, REPORTS, UNUSED = "exports", "reports", "unused"
_TITLES = {
    EXPORTS: "Exported files, which can be exported again",
    REPORTS: "Crash reports",
    UNUSED: "Masks and pictures that no project leads to any more",
}
_REPORTS_FOLDER = "logs"


class WorkspaceUsage:
    """Counts what lies in a workspace. Safe to use from several threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def use(self) -> WorkspaceUse:
        """How large the workspace is, its projects, the largest first, and what may be removed."""
        root = self._workspace.root
        projects = []
        for summary in self._workspace.recent():
            size = sum(map(_bytes, below(self._workspace.folder(summary.project_id))))
            projects.append(ProjectSize(summary.project_id, summary.name, size))
        free = None
        with suppress(OSError):
            free = shutil.disk_usage(root).free
        removable = [Removable(what, title, sum(map(_bytes, self._files(what)))) for what, title in _TITLES.items()]
        whole = sum(map(_bytes, below(root)))
        projects.sort(key=lambda one: one.bytes, reverse=True)
        return WorkspaceUse(str(root), whole, free, tuple(projects), tuple(one for one in removable if one.bytes))

    def remove(self, what: str) -> WorkspaceUse:
        """Delete what may be removed, as `use` names it; how it is then."""
        if what not in _TITLES:
            raise InputError(f"'{what:.40}' can't be removed: choose one of {', '.join(_TITLES)}")
        for path in list(self._files(what)):
            with suppress(OSError):
                path.unlink()
        return self.use()

    def _files(self, what: str) -> Iterator[Path]:
        if what == REPORTS:
            yield from _own_files(self._workspace.root / _REPORTS_FOLDER)
            return
        for summary in self._workspace.recent():
            if summary.problem or self._workspace.is_busy(summary.project_id):
                continue
            if what == UNUSED:
                yield from self._workspace.unused(summary.project_id)
            else:
                yield from _own_files(self._workspace.folder(summary.project_id) / EXPORTS)


def _own_files(folder: Path) -> Iterator[Path]:
    """The files below a folder of the workspace; none where a link leads out of it."""
    if not (folder.is_symlink() or folder.parent.is_symlink()):
        yield from (path for path in below(folder) if path.is_file())


def _bytes(path: Path) -> int:
    with suppress(OSError):
        return path.lstat().st_size
    return 0
