"""Two programs can't work in one workspace, and one that died holds nobody up."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.storage.lock import workspace_lock
from core.errors import InputError

HOLD = """
import pathlib, sys
from app.storage.lock import workspace_lock
with workspace_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_program_is_told_who_is_there(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
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
