"""What propagations will take: each way of carrying at its own cost, from what runs took here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from builders import tiny_vivid_package, video_file

from app.contract.values import Estimate
from app.editor.editor import Editor
from app.jobs.estimates import Estimates
from app.jobs.timing import Making, StepClock, timing_key, Way
from app.settings import Settings
from core.masks import MaskSequence
from core.progress import JobContext
from core.project import project as document
from core.project.edits import Carried, KeyframeEdit, SamplingSettings, Task
from core.project.tries import with_edits

FRAMES = 40


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    folder = tmp_path_factory.mktemp("estimates")
    editor = Editor(Settings(workspace=folder, device="cpu", model=str(tiny_vivid_package(folder / "package"))))
    yield editor
    editor.close()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    grey = np.full((FRAMES, 120, 160, 3), 90, np.uint8)
    return video_file(tmp_path_factory.mktemp("clip") / "grey.mp4", grey)


def project_with(editor: Editor, clip: Path, task: Task, carried: Carried, shown: int = FRAMES) -> str:
    """A project with one accepted try; its object is to be seen on the first frames."""
    project_id = editor.projects.create(clip).project_id
    editor.objects.add(project_id)
    mask = np.zeros((120, 160), bool)
    mask[40:80, 50:90] = True
    stored = editor.pictures.masks.store(project_id, MaskSequence((160, 120), 0, [mask & (i < shown) for i in range(FRAMES)]))
    track = dataclasses.replace(editor.projects.get(project_id).track(1), masks=stored, tracked=(0, FRAMES))
    edit = KeyframeEdit("try", 0, task, "a ball", 3, SamplingSettings(), "test", "none.png", "none", carried=carried)
    editor.workspace.change(project_id, "Try", lambda p: with_edits(document.with_track(p, track), (edit,)))
    editor.keyframes.accept(project_id, "try")
    return project_id


def learn(estimates: Estimates, key: str, making: Making, step: float, frame: float) -> None:
    """What two windows of such a run tell, each step and frame of it so many seconds long."""
    clock = StepClock(JobContext(), key, "cpu", making)
    besides, clock.total = frame * making.frames / 2, 2 * making.runs
    clock.stamps = [(done, step * done + besides * -(-done // making.runs)) for done in range(clock.total + 1)]
    estimates.learn(clock, {"propagate": clock.stamps[-1][1], "render": 0.0}, {"frames": making.frames, "size": (160, 120)})


def forecasts(editor: Editor, project_id: str, settings: SamplingSettings | None = None) -> tuple[Estimate, Estimate]:
    """The final's and the quick look's."""
    final, draft = (editor.estimates.propagation(project_id, settings, draft) for draft in (False, True))
    assert final is not None
    assert draft is not None
    return final, draft


@pytest.mark.parametrize(("task", "carried", "way"), [("modify", "change", "change"), ("delete", "picture", "delete")])
def test_where_no_model_runs_a_quick_look_is_never_offered(editor: Editor, clip: Path, task: Task, carried: Carried, way: Way) -> None:
    """A removal is filled from other frames, a change carried along the thing: at full size."""
    project_id = project_with(editor, clip, task, carried)
    final, draft = forecasts(editor, project_id)
    assert not final.measured
    assert not draft.is_quick_look_of(final)
    estimates = Estimates(editor.settings.workspace / "timings.json")
    learn(estimates, timing_key(way), Making(way, FRAMES, 40 * 40 / 1e6, 1, 0), 0.0, 0.5)
    final, draft = forecasts(editor, project_id)
    assert (final.seconds, final.measured, draft.seconds) == (pytest.approx((FRAMES - 1) * 0.5, rel=0.01), True, final.seconds)
    assert not draft.is_quick_look_of(final)
    as_picture = editor.estimates.propagation(project_id, carry="picture")
    assert (as_picture is None) == (task == "modify"), "a removal is carried in one way only; of the model nothing is known"
    half = editor.estimates.propagation(project_with(editor, clip, task, carried, FRAMES // 2))
    assert half is not None
    assert half.seconds == pytest.approx(final.seconds / 2, rel=0.1), "where nothing is to be seen, nothing is made"


def test_a_quick_look_is_offered_where_the_model_takes_nearly_all_of_the_time(editor: Editor, clip: Path) -> None:
    project_id = project_with(editor, clip, "modify", "picture")
    assert editor.estimates.propagation(project_id) is None, "nothing is known of this model yet"
    model, usual = editor.engine.of_size(editor.settings.model), SamplingSettings(steps=20)
    estimates = Estimates(editor.settings.workspace / "timings.json")
    key = timing_key("picture", model, False, editor.engine.weights())
    for frame, offered in ((0.4, False), (0.001, True)):
        (editor.settings.workspace / "timings.json").unlink(missing_ok=True)
        learn(estimates, key, Making("picture", 2 * (model.window_frames - 1), 40 * 40 / 1e6, 20, 20), 1.0, frame)
        final, draft = forecasts(editor, project_id, usual)
        assert final.seconds == pytest.approx(final.windows * 20 + FRAMES * frame, rel=0.1)
        assert (final.measured, draft.measured, draft.is_quick_look_of(final)) == (True, False, offered)
    direct = editor.estimates.propagation(project_with(editor, clip, "modify", "direct"), usual)
    assert direct is not None
    assert not direct.measured, "another way than what was measured"
