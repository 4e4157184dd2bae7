"""Models on a Ray cluster of several machines, here as many nodes on this one, each with what a GPU
is to Ray: a worker for each GPU, and the same pixels when a machine is lost on the way."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from builders import finish, held_at
from test_app_propagate import package, pixels, QUICK, QUICK_STEPS, times, whole

from app.editor.editor import Editor
from app.settings import Settings
from app.workers.studio_workers import StudioWorkers
from core.clusters import TOKEN
from core.curation.ray_executor import RayExecutor
from core.curation.settings import CurationSettings

__all__ = ["package", "whole"]
pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.skipif(find_spec("ray") is None, reason="the group data")]
ROOT = Path(__file__).parents[2]


class Cluster:
    """A first machine, which no work goes to, and those that joined it."""

    def __init__(self, folder: str, workspace: Path) -> None:
        # as `launch.py worker` does; one thread each
        if not TOKEN.exists():
            TOKEN.parent.mkdir(exist_ok=True)
            TOKEN.write_text(secrets.token_hex(32))
        given = {"PYTHONPATH": ROOT, "VIVID_WORKSPACE": workspace, "VIVID_DEVICE": "cpu", "OMP_NUM_THREADS": 1, "RAY_AUTH_MODE": "token"}
        self._environment = {**os.environ, **{name: str(value) for name, value in given.items()}}
        port, clients = free_port(), free_port()
        self.address = f"127.0.0.1:{port}"
        self._nodes: list[subprocess.Popen[bytes]] = []
        head = [f"--port={port}", f"--ray-client-server-port={clients}", f"--temp-dir={folder}", "--node-ip-address=127.0.0.1"]
        self._start("--head", "--num-cpus=0", "--include-dashboard=false", *head)
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.1)
        raise AssertionError("the first machine did not start")

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        tool = Path(sys.executable).with_name("ray")
        command = [str(tool), "start", "--block", "--disable-usage-stats", "--object-store-memory=100000000", *words]
        self._nodes.append(subprocess.Popen(command, env=self._environment, start_new_session=True, stdout=subprocess.DEVNULL))
        return self._nodes[-1]

    def join(self, gpus: int) -> subprocess.Popen[bytes]:
        """One more machine, with so many GPUs."""
        return self._start(f"--address={self.address}", "--num-cpus=1", f"--num-gpus={gpus}")

    def lose(self, node: subprocess.Popen[bytes]) -> None:
        """Kill -9 of all processes of a machine: they end with the one that started them."""
        os.killpg(node.pid, signal.SIGKILL)
        node.wait()
        self._nodes.remove(node)

    def close(self) -> None:
        for node in reversed(list(self._nodes)):
            self.lose(node)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:  # names of sockets have to be short
        cluster = Cluster(folder, tmp_path / "workers")
        yield cluster
        cluster.close()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def gpus_of(workers: StudioWorkers) -> list[str]:
    """The GPUs that Ray gave to the workers, once there are so many."""
    for _ in range(1200):
        workers.pool.size  # noqa: B018  (looks after them)
        found = [re.search(r"GPU (\S+)\)", one.name) for one in workers.pool._workers if one.awaited is None]
        if len(found) > 1:
            return sorted(one[1] if one else "" for one in found)
        time.sleep(0.1)
    raise AssertionError("there is only one worker")


def test_a_lost_machine_costs_a_window_and_each_gpu_has_a_worker(
    cluster: Cluster, package: Path, whole: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = cluster.join(1)
    settings = Settings(workspace=tmp_path / "workspace", model=str(package), device="cpu", workers=cluster.address)
    workers = StudioWorkers(settings)
    editor = Editor(settings, workers)
    project_id = whole.name
    shutil.copytree(whole, editor.workspace.folder(project_id))
    unbroken = pixels(editor, project_id)
    editor.history.undo(project_id)
    for path in (editor.workspace.folder(project_id) / "windows").glob("*.npz"):
        path.unlink()

    with held_at("propagate", QUICK_STEPS + 1) as reached:
        job = editor.propagation.start(project_id, settings=QUICK)
        assert reached.wait(240)
        kept = times(editor, project_id)
        assert len(kept) in (1, 2)  # of three
        assert workers.size == 1
        cluster.lose(first)
        cluster.join(2)
    finish(editor, job)
    assert "another goes on from what is finished" in caplog.text
    assert kept.items() <= times(editor, project_id).items()
    np.testing.assert_array_equal(pixels(editor, project_id), unbroken)
    assert gpus_of(workers) == ["0", "1"]
    editor.close()
    workers.close()

    executor = RayExecutor(address=cluster.address)
    for networks, device, actors in ((True, "cuda:1", 2), (True, "cpu", 1), (False, "auto", 1)):
        assert len(executor._actors_for(networks, 9, CurationSettings(device=device))) == actors
    executor.close()
