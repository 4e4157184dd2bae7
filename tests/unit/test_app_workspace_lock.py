"""Two programs can't work in one workspace, and one that died holds nobody up."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.storage.lock import workspace_lock
from core.errors import InputError, StorageError

HOLD = """
import pathlib, sys
from app.storage.lock import workspace_lock
with workspace_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


EARLIER = """
import fcntl, os, pathlib, sys
handle = os.open(pathlib.Path(sys.argv[1]) / ".in-use", os.O_RDWR | os.O_CREAT, 0o644)
fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
os.ftruncate(handle, 0)
os.pwrite(handle, f"{os.getpid()}\\n".encode(), 0)
print("held", flush=True)
sys.stdin.read()
"""
"""What versions before 0.2 do."""


@pytest.mark.parametrize("program", [HOLD, EARLIER])
@pytest.mark.skipif(sys.platform == "win32", reason="the lock file can't be read there")
def test_a_second_program_is_told_who_is_there(tmp_path: Path, program: str) -> None:
    command = [sys.executable, "-c", program, str(tmp_path)]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=f"process {other.pid}.*--workspace"), workspace_lock(tmp_path):
            pass
        other.send_signal(signal.SIGKILL)
    with workspace_lock(tmp_path):
        pass
    with workspace_lock(tmp_path):
        pass


def test_an_earlier_version_is_kept_out_as_well(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    with workspace_lock(tmp_path), (tmp_path / ".in-use").open("r+b") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="can't be written to"), workspace_lock(tmp_path / "nowhere"):
        pass
