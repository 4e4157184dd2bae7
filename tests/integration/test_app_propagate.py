"""The Propagate step, on a real but tiny model: windows that outlive the program, further
keyframes, the stack of accepted results.
"""

from __future__ import annotations

import dataclasses
import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import disc_clip, finish, held_at, shared_folder, tiny_vivid_package
from command_line import same_as_pngs
from filelock import FileLock

from app.commands.batch import edit_to_folder
from app.commands.edit_arguments import EditArguments
from app.commands.given_keyframes import GivenKeyframe
from app.commands.prompt_arguments import PromptArguments
from app.commands.replay import replay_to_folder
from app.commands.result_folder import LIST
from app.editor.editor import Editor
from app.engine import Engine
from app.jobs.estimates import Estimates
from app.render.recipe import Recipe
from app.settings import Settings
from core.errors import Cancelled, InputError
from core.masks import MaskSequence
from core.media import open_clip, read_image, write_image, write_png_frame
from core.progress import JobContext, PAUSED
from core.project import project as document
from core.project.edits import KeyframeEdit, Layer, SamplingSettings
from core.project.mix import Mix
from core.project.tracks import MaskAdjustment
from core.project.tries import with_edits

pytestmark = pytest.mark.usefixtures("one_thread")

FRAMES = 40
QUICK_STEPS = 2
QUICK = SamplingSettings(steps=QUICK_STEPS)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for all workers of pytest-xdist, as `whole` is."""
    folder = shared_folder(tmp_path_factory)
    with FileLock(folder / "package.lock"):
        return folder / "package" if (folder / "package").exists() else tiny_vivid_package(folder / "package")


@pytest.fixture
def editor(tmp_path: Path, package: Path):
    editor = Editor(Settings(workspace=tmp_path, model=str(package), device="cpu"))
    yield editor
    editor.close()


@pytest.fixture(scope="module")
def whole(one_thread: None, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project with a keyframe on frame 0 and its result. Not to be changed."""
    folder = shared_folder(tmp_path_factory)
    done = folder / "whole.done"
    with FileLock(folder / "whole.lock"):
        if not done.exists():
            editor = Editor(Settings(workspace=folder / "whole", model=str(package), device="cpu"))
            project_id = masked_project(editor, disc_clip(folder / "whole.mp4", frames=FRAMES))
            editor.keyframes.accept(project_id, painted(editor, project_id, 0, (20, 60, 220)))
            finish(editor, editor.propagation.start(project_id, settings=QUICK))
            editor.close()
            done.write_text(str(editor.workspace.folder(project_id)))
    return Path(done.read_text())


@pytest.fixture
def propagated(whole: Path, editor: Editor) -> str:
    """A copy of that project in the editor's workspace."""
    shutil.copytree(whole, editor.workspace.folder(whole.name))
    return whole.name


def masked_project(editor: Editor, clip: Path) -> str:
    """A project whose masks follow the disc exactly."""
    project_id = editor.projects.create(clip).project_id
    editor.objects.add(project_id)
    ys, xs = np.mgrid[:120, :160]
    masks = MaskSequence((160, 120), 0, [(xs - 55 - 2 * i) ** 2 + (ys - 61) ** 2 < 22**2 for i in range(FRAMES)])
    stored = editor.pictures.masks.store(project_id, masks)
    track = dataclasses.replace(editor.projects.get(project_id).track(1), masks=stored, tracked=(0, FRAMES))
    editor.workspace.change(project_id, "Masks", lambda p: document.with_track(p, track))
    editor.region.set_adjustment(project_id, MaskAdjustment("expand", 3))
    return project_id


def painted(editor: Editor, project_id: str, frame: int, colour: tuple[int, int, int]) -> str:
    """A keyframe try of one colour, as if the model had made it."""
    project = editor.projects.get(project_id)
    picture = editor.pictures.frames.frame(project, frame).copy()
    picture[editor.pictures.masks.region_mask(project, frame)] = colour
    image = editor.workspace.add_file(project_id, _png(picture), ".png")
    edit = KeyframeEdit(f"{frame}-{colour[0]}-{colour[1]}", frame, "modify", "a blue ball", 3, SamplingSettings(), "test", image, "r")
    editor.workspace.change(project_id, "Try", lambda p: with_edits(p, (edit,)))
    return edit.edit_id


def _png(picture: np.ndarray) -> bytes:
    from app.media.pictures import encode_png

    return encode_png(picture)


def pixels(editor: Editor, project_id: str) -> np.ndarray:
    """The latest result, uint8 (T, H, W, 3), as it is put together from its windows."""
    project = editor.projects.get(project_id)
    assert project.latest_propagation is not None
    return np.stack(list(editor.pictures.frames.result(project, project.latest_propagation).frames(0, FRAMES)))


def times(editor: Editor, project_id: str) -> dict[str, int]:
    folder = editor.workspace.folder(project_id) / "windows"
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npz")}


def test_a_paused_run_goes_on_after_a_restart_to_the_unbroken_runs_pixels(editor: Editor, propagated: str) -> None:
    project_id = propagated
    unbroken = pixels(editor, project_id)
    assert len(times(editor, project_id)) == 3
    editor.history.undo(project_id)
    assert editor.projects.get(project_id).propagations == ()
    for path in (editor.workspace.folder(project_id) / "windows").glob("*.npz"):
        path.unlink()

    with held_at("propagate", QUICK_STEPS + 1) as reached:
        job = editor.propagation.start(project_id, settings=QUICK)
        assert reached.wait(240)
        editor.jobs.pause(job)
    assert (editor.runner.wait(job, 60).state, editor.jobs.status(job).message) == ("cancelled", PAUSED)
    before = times(editor, project_id)
    assert len(before) == 1
    paused = editor.projects.get(project_id).latest_propagation
    assert paused is not None
    assert paused.result is None
    editor.close()

    again = Editor(editor.settings)
    done = [there for _, _, there in again.propagation.windows(project_id, paused.propagation_id)]
    assert done == [True, False, False]
    finish(again, again.propagation.resume(project_id, paused.propagation_id))
    assert before.items() <= times(again, project_id).items()
    report = again.results.report(project_id, paused.propagation_id)
    assert (report["windows"], report["windows_made"], report["max_difference_outside"]) == (3, 2, 0)
    assert (pixels(again, project_id) == unbroken).all()
    again.close()


def test_a_keyframe_in_a_later_window_is_gone_over_to_and_keeps_the_windows_there_were(editor: Editor, propagated: str) -> None:
    project_id = propagated
    first, before = pixels(editor, project_id), times(editor, project_id)
    editor.keyframes.add(project_id, painted(editor, project_id, 20, (220, 40, 30)))
    assert [edit.frame for edit in editor.projects.get(project_id).accepted_keyframes] == [0, 20]
    finish(editor, editor.propagation.start(project_id, settings=QUICK))
    second, after = pixels(editor, project_id), times(editor, project_id)
    # Of a blue keyframe to a red one, without a jump.
    apart = np.abs(first.astype(int) - second).mean((1, 2, 3))
    assert apart[0] == 0
    assert apart[1] < 0.1 * apart[19]
    assert max(np.diff(apart[:21])) < 0.25 * apart[20]
    assert (second[20] == read_image(editor.projects.file(project_id, editor.projects.get(project_id).accepted_keyframes[1].image))).all()
    assert all((one != two).any() for one, two in zip(first[20:], second[20:], strict=True))
    report = editor.results.report(project_id, editor.projects.get(project_id).propagations[-1].propagation_id)
    assert (report["windows"], report["windows_made"], report["keyframes"]) == (6, 4, [0, 20])
    assert {join["frame"] for join in report["joins"]} == {1, 4, 17, 20, 21, 37}
    assert before.items() <= after.items(), "the windows of the result before are still needed, and were not made again"
    editor.keyframes.remove(project_id, editor.projects.get(project_id).accepted_keyframes[1].edit_id)
    assert (pixels(editor, project_id) == first).all(), "the result of the keyframes that are accepted now is the one that is shown"


def test_an_accepted_result_is_what_the_next_edit_stands_on(editor: Editor, clip: Path) -> None:
    project_id = masked_project(editor, clip)
    source = np.stack([editor.pictures.frames.frame(editor.projects.get(project_id), i) for i in range(FRAMES)])
    editor.keyframes.accept(project_id, painted(editor, project_id, 5, (20, 60, 220)))
    finish(editor, editor.propagation.start(project_id, settings=QUICK, draft=True))
    draft = editor.projects.get(project_id).latest_propagation
    assert draft is not None
    assert draft.draft
    assert editor.results.report(project_id, draft.propagation_id)["working_size"] == [16, 16]
    finish(editor, editor.propagation.start(project_id, settings=QUICK))
    result, region = pixels(editor, project_id), editor.pictures.masks.adjusted(editor.projects.get(project_id))[0]
    final = editor.projects.get(project_id).propagations[-1].propagation_id
    before = editor.projects.get(project_id)
    after = editor.results.accept(project_id, final)
    assert (after.tracks, after.edits, after.accepted) == ((), (), None)
    stacked = np.stack([editor.pictures.frames.frame(after, i) for i in range(FRAMES)])
    assert (stacked == result).all()
    for frame in range(FRAMES):
        assert (stacked[frame][~region[frame]] == source[frame][~region[frame]]).all()
        assert (stacked[frame] != source[frame]).any()

    # a second edit on top, over the same place
    second = masks_again(editor, project_id, region)
    editor.keyframes.accept(project_id, painted(editor, project_id, 0, (220, 40, 30)))
    finish(editor, editor.propagation.start(project_id, settings=QUICK))
    top = editor.projects.get(project_id).propagations[-1]
    assert top.base == final
    editor.results.accept(project_id, top.propagation_id)
    both = np.stack([editor.pictures.frames.frame(editor.projects.get(project_id), i) for i in range(FRAMES)])
    assert (both[0][second[0]] == (220, 40, 30)).all(-1).mean() > 0.5
    layers = editor.projects.get(project_id).layers
    editor.results.set_layers(project_id, (layers[0], Layer(layers[1].propagation_id, enabled=False)))
    assert all((editor.pictures.frames.frame(editor.projects.get(project_id), i) == result[i]).all() for i in range(FRAMES))
    editor.results.set_layers(project_id, (layers[1], layers[0]))
    swapped = editor.pictures.frames.frame(editor.projects.get(project_id), 0)
    inner = cv2.erode(region[0].astype(np.uint8), np.ones((11, 11), np.uint8)) > 0
    assert (swapped[inner] == result[0][inner]).all(), "where both paint, the upper one shows"
    while editor.projects.get(project_id).layers:
        editor.history.undo(project_id)
    assert editor.projects.get(project_id).edits[0].edit_id == before.edits[0].edit_id
    assert (editor.pictures.frames.frame(editor.projects.get(project_id), 3) == source[3]).all()


def masks_again(editor: Editor, project_id: str, region: MaskSequence) -> MaskSequence:
    editor.objects.add(project_id)
    stored = editor.pictures.masks.store(project_id, region)
    track = dataclasses.replace(editor.projects.get(project_id).track(1), masks=stored, tracked=(0, FRAMES))
    editor.workspace.change(project_id, "Masks", lambda p: document.with_track(p, track))
    return region


def test_time_and_memory_are_foretold_and_then_measured(editor: Editor, clip: Path) -> None:
    project_id = masked_project(editor, clip)
    editor.keyframes.accept(project_id, painted(editor, project_id, 10, (20, 60, 220)))
    assert editor.estimates.propagation(project_id) is None
    finish(editor, editor.estimates.measure_propagation(project_id))
    guess = editor.estimates.propagation(project_id)
    assert guess is not None
    assert (guess.windows, guess.measured) == (3, False)
    assert guess.seconds > 0
    assert guess.memory_mb > 100
    Estimates(editor.settings.workspace / "timings.json").learn_rate("keyframe", editor.settings.model, 2.0, "cpu")
    (direct,) = finish(editor, editor.keyframes.start_direct(project_id, "modify", "a blue ball", 3, QUICK))["edits"]
    chosen = editor.projects.get(project_id)
    assert [(edit.edit_id, edit.frame, edit.direct) for edit in chosen.accepted_keyframes] == [(direct, 0, True)]
    finish(editor, editor.propagation.start(project_id))
    (made,) = editor.projects.get(project_id).propagations
    report = editor.results.report(project_id, made.propagation_id)
    assert (report["carried"], report["windows"], report["max_difference_outside"]) == ({"0": "direct"}, 3, 0)
    assert (made.settings.steps, made.keyframes[0].carried) == (QUICK_STEPS, "direct")
    source = editor.pictures.frames.frame(chosen, 0)
    assert (pixels(editor, project_id)[0] != source).any(), "the first frame is painted, too"
    known = editor.estimates.propagation(project_id)
    assert known is not None
    assert (known.windows, known.measured) == (3, True)
    cost = editor.estimates.kive(project_id)
    assert cost is not None
    assert (cost.one_try, cost.direct, cost.measured) == (2.0, known.seconds, False)
    assert cost.propagation > 0
    more = editor.estimates.propagation(project_id, SamplingSettings(steps=40))
    assert more is not None
    assert more.seconds > known.seconds


def test_stopping_for_good_takes_the_propagation_out_again(editor: Editor, clip: Path) -> None:
    project_id = masked_project(editor, clip)
    editor.keyframes.accept(project_id, painted(editor, project_id, 0, (20, 60, 220)))
    before = editor.projects.get(project_id)
    for carry, reached_at in (("picture", 0), ("change", 5)):
        with held_at("propagate", reached_at) as reached:
            job = editor.propagation.start(project_id, settings=SamplingSettings(steps=FRAMES), carry=carry)
            assert reached.wait(240)
            editor.jobs.cancel(job)
        assert editor.runner.wait(job, 60).state == "cancelled"
        after = editor.projects.get(project_id)
        assert after.propagations == ()
        assert dataclasses.replace(after, region=before.region, feathers=before.feathers) == before


def test_accepting_the_first_keyframe_again_finds_its_result_current(editor: Editor, propagated: str) -> None:
    project_id = propagated
    one, two = editor.projects.get(project_id).edits[0].edit_id, painted(editor, project_id, 0, (220, 40, 30))
    project = editor.keyframes.accept(project_id, two)
    assert not project.fits(project.propagations[0])
    project = editor.keyframes.accept(project_id, one)
    assert project.fits(project.propagations[0])
    assert not project.propagations[0].stale


def test_the_written_video_shows_the_windows(editor: Editor, propagated: str) -> None:
    (propagation,) = editor.projects.get(propagated).propagations
    assert propagation.result is not None
    with open_clip(editor.projects.file(propagated, propagation.result)) as video:
        assert np.abs(video.frame(20).astype(int) - pixels(editor, propagated)[20]).mean() < 3
    jpeg, final = editor.results.jpeg(propagated, propagation.propagation_id, 20)
    assert final
    assert jpeg[:2] == b"\xff\xd8"


def test_an_export_replays_headless_to_the_same_pixels(editor: Editor, clip: Path, tmp_path: Path) -> None:
    project_id = masked_project(editor, clip)
    editor.keyframes.accept(project_id, painted(editor, project_id, 5, (20, 60, 220)))
    editor.keyframes.add(project_id, painted(editor, project_id, 25, (220, 40, 30)))
    finish(editor, editor.propagation.start(project_id, settings=QUICK))
    region = editor.pictures.masks.adjusted(editor.projects.get(project_id))[0]
    own = editor.projects.get(project_id).propagations[-1].propagation_id
    below, whole = list(open_clip(clip).frames()), pixels(editor, project_id)
    half = finish(editor, editor.propagation.start_mix(project_id, own, Mix(0.5)))["propagation"]
    assert np.abs(pixels(editor, project_id) - (np.stack(below) / 2 + whole / 2)).max() <= 0.5
    assert editor.results.report(project_id, half)["max_difference_outside"] == 0
    assert finish(editor, editor.propagation.start_mix(project_id, half, Mix()))["propagation"] == own, "it is there"
    printed = finish(editor, editor.propagation.start_mix(project_id, half, Mix(0.75, "multiply")))["propagation"]
    assert editor.projects.get(project_id).propagation(printed).title == "a blue ball, multiply, 75 %"
    jpeg, final = editor.results.jpeg(project_id, own, 20, mix=Mix(0.75, "multiply"))
    assert (jpeg, final) == editor.results.jpeg(project_id, printed, 20)
    editor.results.accept(project_id, printed)
    masks_again(editor, project_id, region)
    post = editor.objects.add(project_id, "Post")[1]
    editor.shapes.draw(project_id, post, 0, [(90, 20), (110, 20), (110, 100), (90, 100)])
    editor.region.set_edited(project_id, post, False)
    editor.region.set_in_front(project_id, post)
    editor.keyframes.accept(project_id, painted(editor, project_id, 0, (20, 160, 20)))
    top = finish(editor, editor.propagation.start(project_id, settings=QUICK, draft=True))["propagation"]
    project = editor.projects.get(project_id)
    assert project.fits(project.propagation(top))
    shown, base = pixels(editor, project_id)[20], editor.pictures.frames.frame(project, 20)
    assert (shown[25:95, 94:106] == base[25:95, 94:106]).all(), "what stays in front is never hidden"
    assert (shown[55:65, 80:86] != base[55:65, 80:86]).any()
    done = finish(editor, editor.exports.start(project_id, "ffv1", top))
    recipe = editor.projects.file(project_id, done["recipe"])
    assert {name for name, _ in editor.exports.files(project_id)} == {Path(done["file"]).name, recipe.name}
    assert {file.result for file in editor.exports.listed(project_id)} == {top}
    kept = editor.projects.file(project_id, done["file"]).read_bytes()
    again = finish(editor, editor.exports.start(project_id, "ffv1", top))
    assert again["file"] != done["file"], "an export replaces no other"
    assert editor.projects.file(project_id, done["file"]).read_bytes() == kept

    moved = tmp_path / "elsewhere"
    moved.mkdir()
    assert [edit.speed for edit in Recipe.load(recipe).edits] == ["plain", "plain"]
    (moved / "recipe.json").write_text(recipe.read_text().replace('"speed": "plain"', '"speed": "attention=cudnn"', 1))
    report = replay_to_folder(Engine(editor.settings), moved / "recipe.json", moved / "out", JobContext())
    assert (report["own_video"], report["edits"]) == (True, 2)
    assert report["notes"] == ["an edit was made with the speed 'attention=cudnn', here with 'plain': pixels may differ a little"]
    with open_clip(editor.projects.file(project_id, done["file"])) as one, open_clip(moved / "out" / report["output"]) as two:
        assert len(one) == len(two) == FRAMES
        assert all((a == b).all() for a, b in zip(one.frames(), two.frames(), strict=True))
        assert all((a == b).all() for a, b in zip(one.frames(), pixels(editor, project_id), strict=True))
    assert sorted(path.name for path in (moved / "out").iterdir()) == [LIST, "output.mkv", "report.json"]
    with pytest.raises(InputError, match="not from prompts"):
        replay_to_folder(Engine(editor.settings), moved / "recipe.json", moved / "other", JobContext(), anew=True)
    (moved / "recipe.json").write_text("{}")
    with pytest.raises(InputError, match="not a recipe"):
        replay_to_folder(Engine(editor.settings), moved / "recipe.json", moved / "other", JobContext())


def test_pictures_are_exported_as_they_are(editor: Editor, propagated: str) -> None:
    project_id = propagated
    propagation_id = editor.projects.get(project_id).propagations[0].propagation_id
    done = finish(editor, editor.exports.start(project_id, "png", propagation_id))
    with zipfile.ZipFile(editor.projects.file(project_id, done["file"])) as archive:
        assert archive.namelist() == [f"{i:05d}.png" for i in range(FRAMES)]
        encoded = np.frombuffer(archive.read("00017.png"), np.uint8)
    assert (cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1] == pixels(editor, project_id)[17]).all()
    with pytest.raises(InputError, match="can't be written here"):
        editor.exports.start(project_id, "theora", propagation_id)


def test_the_command_line_goes_on_from_the_windows_it_had(editor: Editor, clip: Path, tmp_path: Path) -> None:
    ys, xs = np.mgrid[:120, :160]
    for i in range(FRAMES):
        disc = (xs - 55 - 2 * i) ** 2 + (ys - 61) ** 2 < 22**2
        write_png_frame(tmp_path / "given", i, np.repeat(disc[..., None] * np.uint8(255), 3, -1))
    image = tmp_path / "key.png"
    write_image(image, np.full((120, 160, 3), (20, 60, 220), np.uint8))
    asked = EditArguments(
        "modify", "a ball", MaskAdjustment("none"), 1, QUICK, tmp_path / "given", (GivenKeyframe(None, image),), None, True
    )
    stop = JobContext()
    stop.on_progress = lambda event: stop.token.cancel() if (event.stage, event.done) == ("propagate", 3) else None
    with pytest.raises(Cancelled):
        edit_to_folder(editor.engine, clip, [(PromptArguments(), asked)], tmp_path / "out", stop)
    assert not (tmp_path / "out" / "output.mp4").exists()
    report = edit_to_folder(editor.engine, clip, [(PromptArguments(), asked)], tmp_path / "out", JobContext())
    assert (report["windows"], report["windows_made"]) == (3, 2)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        LIST,
        "frames",
        "keyframe.png",
        "masks",
        "output.mp4",
        "recipe.json",
        "report.json",
    ]
    with open_clip(clip) as reader:
        key, source = read_image(tmp_path / "out" / "keyframe.png"), reader.frame(0)
    soft = (key != source).any(-1) & (key != (20, 60, 220)).any(-1)
    assert soft.any(), "a keyframe from elsewhere is softened at its edge like the others"
    replay_to_folder(editor.engine, tmp_path / "out" / "recipe.json", tmp_path / "again", JobContext(), codec="ffv1")
    assert same_as_pngs(tmp_path / "again" / "output.mkv", tmp_path / "out" / "frames")
