"""The disk of a workspace: what it holds, what may be removed, and what works when it is full."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from app.contract.program import Program
from app.contract.project_view import project_view
from app.editor.editor import Editor
from core.errors import InputError

FRAMES = 3
ROOT = Path(__file__).resolve().parents[2]


def test_an_example_becomes_a_project_with_its_first_change(editor: Editor, clip: Path) -> None:
    draft = editor.projects.create(clip, draft=True).project_id
    editor.scanner.start(editor.projects.get(draft))
    editor.scanner.wait()
    assert project_view(editor, draft)["draft"]
    assert editor.projects.thumbnail_jpeg(draft)[:2] == b"\xff\xd8"
    assert editor.projects.recent() == []
    assert not (editor.settings.workspace / "projects").exists()
    editor.objects.add(draft)
    assert not project_view(editor, draft)["draft"]
    assert [one.project_id for one in editor.projects.recent()] == [draft]

    gone = editor.projects.create(clip, draft=True).project_id
    editor.projects.delete(gone)
    with pytest.raises(InputError, match="not here"):
        editor.projects.get(gone)
    first = editor.projects.create(clip, draft=True).project_id
    for _ in range(64):  # pages that were opened and left again
        last = editor.projects.create(clip, draft=True).project_id
    assert editor.projects.get(last).name == "disc"
    with pytest.raises(InputError, match="not here"):
        editor.projects.get(first)


def test_the_workspace_says_what_it_holds_and_what_may_be_removed(editor: Editor, clip: Path, tmp_path: Path) -> None:
    small, large = (editor.projects.create(clip, name).project_id for name in ("small", "large"))
    exports = editor.workspace.folder(large) / "exports"
    exports.mkdir()
    (exports / "large.mp4").write_bytes(bytes(300_000))
    unused = editor.workspace.file(small, editor.workspace.add_file(small, bytes(50_000), ".png"))
    os.utime(unused, (0, 0))
    use = editor.storage.use()
    assert [one.name for one in use.projects] == ["large", "small"]
    assert use.bytes > 350_000
    assert {one.what: one.bytes for one in use.removable} == {"exports": 300_000, "unused": 50_000}
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "mine.mp4").write_bytes(bytes(1000))
    (editor.workspace.folder(small) / "exports").symlink_to(outside)
    assert [one.what for one in editor.storage.remove("exports").removable] == ["unused"]
    assert (outside / "mine.mp4").exists(), "what lies behind a link is not the program's"
    assert editor.storage.remove("unused").removable == ()
    assert not unused.exists()
    with pytest.raises(InputError, match="choose one of"):
        editor.storage.remove("projects")
    with pytest.raises(InputError, match="people at its machine"):
        Program(editor, shared=True).run("workspace_use")


def test_a_full_disk_still_shows_the_projects_and_deletes_them(editor: Editor, clip: Path) -> None:
    kept, doomed = (editor.projects.create(clip, name).project_id for name in ("kept", "doomed"))
    editor.close()
    code = f"""
        import resource, signal
        from pathlib import Path
        from app.contract.project_view import project_view
        from app.editor.editor import Editor
        from app.server.server import build_app
        from app.server.transfers import as_download
        from app.settings import Settings
        from app.storage.lock import workspace_lock
        from core.errors import StorageError
        from starlette.testclient import TestClient

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # no byte can be written any more
        root = Path({str(editor.settings.workspace)!r})
        with workspace_lock(root):
            editor = Editor(Settings(workspace=root, token=""))
            browser = TestClient(build_app(editor), base_url="http://127.0.0.1")
            print(sorted(one.name for one in editor.projects.recent()))
            print(project_view(editor, {kept!r})["name"])
            print(project_view(editor, editor.projects.create({str(clip)!r}, "example", draft=True).project_id)["draft"])
            try:
                editor.objects.add({kept!r})
            except StorageError as error:
                print(error)
            try:
                as_download(editor.settings, b"picture")
            except StorageError as error:
                print(error)
            sent = browser.post("/gradio_api/upload", files={{"files": ("new.mp4", bytes(9000))}})
            print(sent.status_code, sent.text)
            editor.projects.delete({doomed!r})
            print([one.name for one in editor.projects.recent()], len(editor.projects.get({kept!r}).tracks))
            editor.close()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    listed, opened, draft, refused, kept_back, sent, left = done.stdout.strip().splitlines()
    assert (listed, opened, draft, left) == ("['doomed', 'kept']", "kept", "True", "['kept'] 0")
    assert sent == "507 the disk is full: free some space, then send it again"
    assert "the disk is full" in refused
    assert "the disk is full" in kept_back
