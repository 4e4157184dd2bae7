"""Models on workers of Ray: the same pixels as in this process, whatever dies on the way."""

from __future__ import annotations

import contextlib
import pickle
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from builders import DISC_BOX, finish, held_at
from command_line import contents, run_here
from test_app_propagate import masked_project, package, painted, QUICK, whole

from app.commands import cli
from app.editor.editor import Editor
from app.engine import Engine
from app.settings import Settings
from app.workers import pool
from app.workers.studio_workers import StudioWorkers
from app.workers.work import DescribeWork, SentModel
from core.curation.ray_executor import RayExecutor
from core.errors import DeviceMemoryError, InputError
from core.media import read_image, write_image
from core.progress import JobContext, PAUSED

__all__ = ["package", "whole"]
pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.skipif(find_spec("ray") is None, reason="the group data")]
"""Not importorskip: what Ray does with tokens depends on what is said before it is loaded."""
FRAMES = 40


@pytest.fixture(scope="module")
def workers(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioWorkers]:
    """Two, for all tests of this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.workers.pool.threads_for", lambda count: 1)
        workers = StudioWorkers(Settings(workspace=tmp_path_factory.mktemp("workers"), device="cpu", workers="local:2"))
        yield workers
        workers.close()


@pytest.fixture
def settings(tmp_path: Path, package: Path) -> Settings:
    return Settings(workspace=tmp_path / "workspace", model=str(package), device="cpu")


@pytest.fixture
def editor(settings: Settings, workers: StudioWorkers) -> Iterator[Editor]:
    editor = Editor(settings, workers)
    yield editor
    editor.close()


def test_tracks_and_tries_of_workers_are_those_of_this_process(editor: Editor, settings: Settings, clip: Path) -> None:
    def made(editor: Editor) -> tuple[list[np.ndarray], np.ndarray]:
        project_id = editor.projects.create(clip).project_id
        editor.clip.trim(project_id, 0, 4)
        editor.prompts.add_box(project_id, editor.objects.add(project_id)[1], 0, *DISC_BOX)
        finish(editor, editor.tracking.start(project_id))
        (edit_id,) = finish(editor, editor.keyframes.start_tries(project_id, 2, "modify", "a red cube", (1,), QUICK))["edits"]
        project = editor.projects.get(project_id)
        masks = editor.pictures.masks.readable(project, project.track(1).masks)
        picture = editor.workspace.file(project_id, project.edit(edit_id).image)
        return [masks[frame] for frame in range(4)], read_image(picture)

    here = Editor(settings)
    wanted_masks, wanted = made(here)
    here.close()
    masks, picture = made(editor)
    np.testing.assert_array_equal(masks, wanted_masks)
    np.testing.assert_array_equal(picture, wanted)


def test_videos_are_edited_side_by_side_and_a_bad_one_keeps_nobody_from_it(
    settings: Settings,
    workers: StudioWorkers,
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "clips").mkdir()
    videos = [tmp_path / "clips" / f"{name}.mp4" for name in ("one", "bad", "two")]
    for video in videos[::2]:
        shutil.copy(clip, video)
        mask = np.zeros((120, 160, 3), np.uint8)
        mask[40:80, 30:90] = 255
        write_image(tmp_path / f"{video.stem}.png", mask)
        (tmp_path / "masks" / video.stem).mkdir(parents=True)
        for frame in range(12):
            write_image(tmp_path / "masks" / video.stem / f"{frame:03d}.png", mask)
    videos[1].write_text("no video")
    words = ["--masks", tmp_path / "masks" / "{name}", "--keyframe", f"6:{tmp_path}/{{name}}.png", "--frames", "0:12", "--png"]
    words += ["--task", "modify", "--caption", "a ball", "--carry", "picture", "--steps", 1, "--model", settings.model, "--device", "cpu"]
    run_here("edit", videos[0], "--out", tmp_path / "here", *words)

    monkeypatch.setattr("app.commands.subcommands._workers", lambda settings: contextlib.nullcontext(workers))
    many = ["edit", *videos, "--out", tmp_path / "out", *words, "--workers", "local:2"]
    assert cli.main([str(word) for word in many]) == InputError.exit_code
    said = capsys.readouterr()
    assert "error: bad: " in said.err
    assert "error: 1 video of 3 could not be edited: bad" in said.err
    assert said.out.count("largest difference outside the region: 0") == 3
    wanted = contents(tmp_path / "here")
    for name in ("one", "two"):
        found = contents(tmp_path / "out" / name)
        same = [file for file in wanted if file.endswith(".png")]  # x264 does not write the same file each time
        assert [file for file in same if found.get(file) != wanted[file]] == []

    videos[1].unlink()
    assert cli.main([str(word) for word in [*many, "--skip-finished"]]) == InputError.exit_code
    assert "2 videos of 3 had a result and stay as they are" in capsys.readouterr().err


def test_a_job_waits_for_a_worker_and_can_be_paused(
    editor: Editor, workers: StudioWorkers, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id = masked_project(editor, clip)
    editor.keyframes.accept(project_id, painted(editor, project_id, 0, (20, 60, 220)))
    editor.engine.video_model()
    for worker in workers.pool._workers:
        monkeypatch.setattr(worker, "busy", True)
    with held_at("waiting for a worker", 0) as reached:
        job = editor.propagation.start(project_id, settings=QUICK)
        assert reached.wait(60)
        editor.jobs.pause(job)
    assert (editor.runner.wait(job, 60).state, editor.jobs.status(job).message) == ("cancelled", PAUSED)
    assert editor.projects.get(project_id).latest_propagation is not None


def test_errors_of_workers_say_where_and_other_code_or_weights_are_refused(
    settings: Settings, workers: StudioWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Engine(settings, workers)
    monkeypatch.setattr(other, "fingerprint", lambda kind, name: "0" * 64)
    with pytest.raises(InputError, match=r"the weights of the model .* differ from those on the machine that asks.*on the worker"):
        other.video_model()
    with pytest.raises(pool.WorkerFailure, match="AttributeError on the worker") as failure:
        list(workers.pool.run(DescribeWork(None), JobContext()))
    assert "self.model.check(engine)" in failure.value.__notes__[0]
    monkeypatch.setattr(pool, "code_digest", lambda: "other")
    known = list(workers.pool._workers)
    for worker in known:
        worker.awaited = worker.actor.about.remote()
    with pytest.raises(InputError, match=r"has another version of the program .*: bring both to the same"):
        list(workers.pool.run(DescribeWork(SentModel("video", settings.model, "")), JobContext()))
    workers.pool._refused.clear()
    workers.pool._workers += known


def test_what_names_no_workers_and_a_missing_ray_are_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("local", "local:0", "local:100"):
        with pytest.raises(InputError, match=f"'{wrong}' names no workers: write local:2"):
            Settings(workers=wrong)
    for nobody in ("127.0.0.1:1", "ray://127.0.0.1:1"):  # Ray itself would wait, and then end the program
        with pytest.raises(InputError, match=f"no Ray cluster answers at {nobody} .* or leave --workers out"):
            StudioWorkers(Settings(workers=nobody))
        with pytest.raises(InputError, match=f"no Ray cluster answers at {nobody} .* or leave --address out"):
            RayExecutor(address=nobody)
    with pytest.raises(InputError, match="part of no Ray cluster"):
        StudioWorkers(Settings(workers="auto"))
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match="install the group `data`, or leave --workers out"):
        StudioWorkers(Settings(workers="local:2"))


def test_errors_with_values_of_their_own_travel() -> None:
    error = pickle.loads(pickle.dumps(DeviceMemoryError("cuda:0", "all", "parts")))
    assert (str(error), error.next_mode) == (str(DeviceMemoryError("cuda:0", "all", "parts")), "parts")
