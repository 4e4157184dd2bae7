"""Models on workers of Ray: the same pixels as in this process, whatever dies on the way."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from builders import finish, held_at
from test_app_propagate import package, pixels, QUICK, QUICK_STEPS, times, whole

from app.editor.editor import Editor
from app.settings import Settings
from app.workers.studio_workers import StudioWorkers

__all__ = ["package", "whole"]
pytest.importorskip("ray")
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def workers(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioWorkers]:
    """Two, for all tests of this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.workers.local_ray.threads_for", lambda count: 1)
        workers = StudioWorkers(Settings(workspace=tmp_path_factory.mktemp("workers"), device="cpu", workers="local:2"))
        yield workers
        workers.close()


@pytest.fixture
def editor(tmp_path: Path, package: Path, workers: StudioWorkers) -> Iterator[Editor]:
    editor = Editor(Settings(workspace=tmp_path, model=str(package), device="cpu"), workers)
    yield editor
    editor.close()


def busy(workers: StudioWorkers) -> int:
    """The process of the worker that is at work."""
    (worker,) = [one for one in workers.pool._workers if one.busy]
    found = re.search(r"process (\d+)", worker.name)
    assert found is not None
    return int(found[1])


def test_a_killed_worker_loses_its_window_only(
    editor: Editor, workers: StudioWorkers, whole: Path, caplog: pytest.LogCaptureFixture
) -> None:
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
        assert len(kept) == 1
        os.kill(busy(workers), signal.SIGKILL)
    finish(editor, job)
    assert "another goes on from what is finished" in caplog.text
    assert kept.items() <= times(editor, project_id).items()
    np.testing.assert_array_equal(pixels(editor, project_id), unbroken)
