"""Projects on disk: saved after every change, whole at any moment, reopened by id."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from test_project_document import make_full_project, make_project

from app.jobs.journal import JobJournal, JournalEntry
from app.jobs.runner import JobRunner
from app.storage.leftovers import remove_leftovers
from app.storage.workspace import new_id, Workspace
from core.errors import InputError, StorageError
from core.progress import JobContext
from core.project.project import trimmed


def test_a_change_is_on_disk_before_the_call_returns(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(make_project())
    workspace.change("a" * 32, "Trim", lambda p: trimmed(p, 3, 8))
    reopened = Workspace(tmp_path)
    assert (reopened.project("a" * 32).clip.start, reopened.project("a" * 32).clip.stop) == (3, 8)
    assert reopened.undo("a" * 32) == make_project()
    assert Workspace(tmp_path).redo("a" * 32).clip.start == 3


def test_a_failed_change_leaves_the_document_alone(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(make_project())
    with pytest.raises(InputError):
        workspace.change("a" * 32, "Trim", lambda p: trimmed(p, 9, 3))
    assert workspace.project("a" * 32) == make_project() == Workspace(tmp_path).project("a" * 32)


def test_a_process_killed_while_it_saves_leaves_a_whole_project(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(make_full_project())
    code = f"""
        from pathlib import Path
        from app.storage.workspace import Workspace
        from core.project.project import trimmed
        workspace = Workspace(Path({str(tmp_path)!r}))
        print("ready", flush=True)
        n = 0
        while True:
            n += 1
            workspace.change("a" * 32, "Trim", lambda p: trimmed(p, 0, 1 + n % 20))
    """
    for delay in (0.02, 0.05, 0.11):
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        assert process.stdout is not None
        process.stdout.readline()
        signal_after(process, delay)
        project = Workspace(tmp_path).project("a" * 32)
        assert project.edits == make_full_project().edits or project.edits[0].stale


def signal_after(process: subprocess.Popen, delay: float) -> None:
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("project_id", ["", "../x", "A" * 32, "b" * 31])
def test_what_is_no_id_is_refused(tmp_path: Path, project_id: str) -> None:
    with pytest.raises(InputError):
        Workspace(tmp_path).folder(project_id)


def test_files_stay_inside_the_project(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(make_project())
    relative = workspace.add_file("a" * 32, b"picture", ".png")
    assert workspace.add_file("a" * 32, b"picture", ".png") == relative
    assert workspace.file("a" * 32, relative).read_bytes() == b"picture"
    (tmp_path / "secret").write_text("x")
    for path in ("../../secret", str(tmp_path / "secret"), "files/none.png"):
        with pytest.raises(InputError):
            workspace.file("a" * 32, path)


def test_recent_projects_say_what_cannot_be_read(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(make_project())
    for damaged in (b"{", b"\xff\xfe\x00", b'{"schema": 0}'):
        broken = tmp_path / "projects" / new_id()
        broken.mkdir()
        (broken / "project.json").write_bytes(damaged)
    listed = Workspace(tmp_path).recent()
    assert [s.project_id for s in listed if not s.problem] == ["a" * 32]
    assert len([s for s in listed if "put back a copy" in s.problem]) == 3
    kept = [s.project_id for s in Workspace(tmp_path).recent(most=1) if not s.problem]
    assert kept == ["a" * 32], "what can't be read takes nobody's place"
    named = Workspace(tmp_path).recent(["a" * 32, "../x", "a" * 32])
    assert [s.project_id for s in named] == ["a" * 32], "once, however often it is named"
    for summary in listed:
        Workspace(tmp_path).delete(summary.project_id)
    assert Workspace(tmp_path).recent() == []
    with pytest.raises(InputError, match="not here"):
        Workspace(tmp_path).delete("a" * 32)


def test_a_write_that_fails_keeps_the_old_file_and_says_so(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    code = f"""
        import resource
        from pathlib import Path
        from core.files import write_bytes
        from core.errors import StorageError
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_bytes(Path({str(target)!r}), b"x" * 5000)
        except StorageError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    )
    assert "could not be written" in done.stdout
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_what_cant_be_opened_is_bad_input(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    (workspace.folder("b" * 32) / "project.json").mkdir(parents=True)
    with pytest.raises(InputError, match="can't be read"):
        workspace.project("b" * 32)
    assert [bool(s.problem) for s in workspace.recent()] == [True]
    workspace.add(make_project())
    for relative in ("a\0b", "x" * 300, "../project.json", ""):
        with pytest.raises(InputError, match="has no file"):
            workspace.file("a" * 32, relative)


def test_a_draft_outlives_a_refusal_of_the_disk(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(make_project(), draft=True)
    (tmp_path / "projects").write_text("in the way")
    with pytest.raises(StorageError):
        workspace.add_file("a" * 32, b"picture", ".png")
    assert workspace.project("a" * 32) == make_project()
    (tmp_path / "projects").unlink()
    workspace.add_file("a" * 32, b"picture", ".png")
    assert not workspace.is_draft("a" * 32)
    assert Workspace(tmp_path).project("a" * 32) == make_project()


def test_nothing_is_written_for_a_project_that_was_deleted(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    journal = JobJournal(workspace)
    workspace.add(make_project())
    journal.note("a" * 32, JournalEntry("job", "track", "start_tracking", {}))
    workspace.delete("a" * 32)
    journal.forget("a" * 32, "job")
    with pytest.raises(InputError, match="not here"):
        workspace.add_file("a" * 32, b"picture", ".png")
    assert not list((tmp_path / "projects").iterdir())


def test_what_a_job_writes_of_a_deleted_project_goes_when_it_ends(tmp_path: Path) -> None:
    runner = JobRunner()
    workspace = Workspace(tmp_path, runner.is_busy)
    runner.on_end = JobJournal(workspace).job_ended
    workspace.add(make_project())
    started, deleted = threading.Event(), threading.Event()

    def propagate(context: JobContext) -> dict[str, Any]:
        started.set()
        deleted.wait(60)
        results = workspace.folder("a" * 32) / "results" / "1"
        results.mkdir(parents=True)
        (results / "output.mp4").write_bytes(b"x")
        return {}

    job_id = runner.submit("propagate", "a" * 32, propagate, device="cpu")
    started.wait(60)
    workspace.delete("a" * 32)
    assert [path.name for path in (tmp_path / "projects").iterdir()] == [f".deleted-{'a' * 32}"], "a killed program has to know"
    deleted.set()
    runner.wait(job_id)
    assert not list((tmp_path / "projects").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes among its files")
def test_a_pipe_in_a_project_holds_nobody_up(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(make_project())
    for name in ("b" * 32, "c" * 32):
        (tmp_path / "projects" / name).mkdir()
    os.mkfifo(tmp_path / "projects" / ("b" * 32) / "project.json")
    os.mkfifo(tmp_path / "projects" / ("a" * 32) / "jobs.json")
    assert JobJournal(workspace).of_project("a" * 32) == []
    assert workspace.names("x", "a" * 32), "what can't be read may name anything"
    (tmp_path / "uploads" / ("1" * 16)).mkdir(parents=True)
    remove_leftovers(tmp_path)
    assert (tmp_path / "uploads" / ("1" * 16)).exists()
