"""`launch.py evaluate` on the models that ship: each suite in little, from clips on disk to its
figures.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.commands.cli import main
from core.data.courtyard import draw_courtyard
from core.errors import Cancelled, InputError
from core.evaluation.autoencoder import evaluate_autoencoder
from core.evaluation.classifier import Classifier
from core.evaluation.clips import ClipFolder, EvaluationClip, EXAMPLES
from core.evaluation.deletion import cover, evaluate_deletion, MaskTrack, pairs
from core.evaluation.edit_programs import PROGRAMS, run_programs
from core.evaluation.edit_set import read_edit_set
from core.evaluation.edit_set_builder import build_edit_set
from core.evaluation.edit_suite import evaluate_edits
from core.evaluation.keyframe import evaluate_keyframe
from core.evaluation.procedural import draw_samples, tracked_clips, unseen_world
from core.evaluation.propagation import evaluate_propagation
from core.evaluation.result_sets import find_programs
from core.evaluation.suites import EvaluationRequest, names_of, SUITES
from core.masks import write_mask
from core.models import ModelStore
from core.progress import JobContext
from core.vivid.contract import Sampling
from core.vivid.model import load_vivid, VividModel
from tests.builders import DISC_BOX, disc_clip, video_file

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of the moving disc, one in each layout, with true masks and a manifest for the
    first.
    """
    folder = tmp_path_factory.mktemp("clips")
    (folder / "first").mkdir()
    disc_clip(folder / "first" / "video.mp4", frames=5)
    disc_clip(folder / "second.mp4", frames=5)
    ys, xs = np.mgrid[:120, :160]
    for where in (folder / "first" / "masks", folder / "second_masks"):
        where.mkdir()
        for index in range(5):
            write_mask(where / f"{index:05d}.png", (xs - 55 - 2 * index) ** 2 + (ys - 61) ** 2 < 20**2)
    (folder / "manifest.json").write_text(json.dumps([{"name": "first", "box_frame0_xyxy": DISC_BOX, "click_frame0_xy": [50, 60]}]))
    return folder


def figures(text: str) -> dict[str, float]:
    """The figures of a report in JSON, by key."""
    return {figure["key"]: figure["value"] for suite in json.loads(text)["suites"] for figure in suite["figures"]}


def test_a_folder_of_clips_is_read_in_both_layouts(clips: Path) -> None:
    first, second = ClipFolder(clips, need_masks=True)
    assert (first.name, second.name) == ("first", "second")
    assert first.box == DISC_BOX
    assert first.click == (50, 60)
    assert second.box == (36, 42, 75, 81)  # from the mask
    assert second.masks is not None
    assert second.frames.shape == (5, 120, 160, 3)
    assert ClipFolder(clips, need_masks=True).total_frames == 10
    assert {clip.name for clip in ClipFolder(EXAMPLES, need_masks=True, frames_at_most=1)} == {"meadow", "street"}


def test_tracking_of_given_clips(clips: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["evaluate", "tracking", "--clips", str(clips), "--json", "--out", str(tmp_path), "--device", "cpu"]) == 0
    printed = capsys.readouterr().out
    found = figures(printed)
    assert found["tracking.box.j"] > 0.8
    assert found["tracking.click.j"] > 0.8
    assert found["tracking.first_mask.j"] > 0.8
    assert found["tracking.grabcut.j"] > 0.5
    assert 0.5 < found["tracking.copy.j"] < 1
    assert found["tracking.speed"] > 0
    assert json.loads((tmp_path / "evaluation.json").read_text()) == json.loads(printed)
    rows = json.loads(printed)["suites"][0]["tables"][0]["rows"]
    assert len(rows) == 2 * 5


@pytest.fixture(scope="module")
def little() -> VividModel:
    """The model that ships, on a quarter of the pixels, in windows of nine frames and two steps:
    what is left takes seconds.
    """
    model = load_vivid("vivid-small", "cpu", ModelStore())
    return replace(model, window_frames=9, working_size=(64, 64), tasks=dict.fromkeys(model.tasks, Sampling(2, 1.0)))


def test_the_autoencoder_in_little(little: VividModel, clips: Path) -> None:
    result = evaluate_autoencoder(little, ClipFolder(clips, need_masks=False), 2, JobContext(), samples=1)
    assert result.value("synthetic.image.psnr") > 15
    assert result.value("clips.image.psnr") > 20  # a disc on a gradient, of too few frames for more
    assert result.value("synthetic.video.psnr") > 15
    assert len(result.tables[0].rows) == 3


def test_keyframes_in_little(little: VividModel, clips: Path) -> None:
    result = evaluate_keyframe(little, Classifier.load(), ClipFolder(clips, need_masks=False), 2, JobContext(), samples=2)
    assert result.value("procedural.colour") in (0, 50, 100)
    assert result.value("boxes.kind") in (0, 50, 100)
    assert 0 <= result.value("boxes.ciede2000") < 100
    assert [len(gallery.tiles) for gallery in result.galleries] == [2, 2]
    assert any("--clip-model" in note for note in result.notes)


def test_propagation_in_little(little: VividModel) -> None:
    result = evaluate_propagation(little, Classifier.load(), JobContext(), samples=1)
    assert result.value("first_frame") >= 30  # the keyframe itself is delivered, whatever the model makes of it
    assert result.value("background.psnr") == 100
    assert result.value("background.ssim") == pytest.approx(1)
    assert result.value("psnr") > 8
    assert all(math.isfinite(figure.value) for figure in result.figures)
    assert [len(frames) for exhibit in result.exhibits for _, frames in exhibit.panels] == [9] * 4 + [25] * 3


def test_a_set_is_built_edited_and_scored(little: VividModel, tmp_path: Path) -> None:
    assert build_edit_set(tmp_path / "set", JobContext(), samples=1, frames=9, size=little.working_size) == 8
    samples = read_edit_set(tmp_path / "set")
    assert [sample.name for sample in samples if sample.truth is not None] == ["drawn-00-add", "drawn-00-delete"]
    assert {sample.task for sample in samples} == {"add", "modify", "delete"}
    with pytest.raises(InputError, match="already"):
        build_edit_set(tmp_path / "set", JobContext())
    drawn, results = samples[:2], tmp_path / "results"
    run_programs(tuple(PROGRAMS), drawn, results, lambda: little, JobContext())
    made = {path.relative_to(results).as_posix(): path.stat().st_mtime_ns for path in results.rglob("*.mkv")}
    assert len(made) == 3 + 4 + 2  # ours, one without raw output; direct; the two that only delete
    run_programs(tuple(PROGRAMS), drawn, results, lambda: little, JobContext())
    assert {path.relative_to(results).as_posix(): path.stat().st_mtime_ns for path in results.rglob("*.mkv")} == made
    result = evaluate_edits(drawn, find_programs([results], drawn), None, JobContext())
    added, deleted, _ = result.tables
    ours = dict(zip(added.columns, added.rows[1], strict=True))
    assert ours["BP composited"] == 0
    assert float(ours["BP raw"]) > 0.5  # what an autoencoder loses
    assert [row[0] for row in added.rows] == ["direct", "ours"]
    direct = dict(zip(added.columns, added.rows[0], strict=True))
    assert direct["BP composited"] == 0
    assert math.isnan(float(direct["s a try"]))
    assert float(direct["BP raw"]) > 0.5
    assert any(note.startswith("N tries and one propagation take N x") for note in result.notes)
    assert [row[0] for row in deleted.rows] == ["background", "direct", "inpaint", "ours"]
    raw = [float(row[deleted.columns.index("BP raw")]) for row in deleted.rows]
    assert [math.isnan(value) for value in raw] == [True, False, True, True]  # ours doesn't ask the small model for a deletion
    assert all(float(row[deleted.columns.index("PSNR region")]) > 10 for row in deleted.rows)


def test_samples_are_the_same_for_more_of_them() -> None:
    world = unseen_world((64, 64), solids_per_kind=2, backgrounds=4)
    one, three = draw_samples(world, 1, 5, seed=1), draw_samples(world, 3, 5, seed=1)
    assert np.array_equal(one[0].frames, three[0].frames)
    assert one[0].caption == three[0].caption
    assert one[0].kind in one[0].caption
    assert not np.array_equal(three[0].frames, three[1].frames)
    assert all(sample.region.any((1, 2)).all() for sample in three)


def test_deletion_under_the_mask_of_another_clip(little: VividModel) -> None:
    drawn = draw_courtyard(8, (192, 108), camera="still")
    clip = EvaluationClip("yard", drawn.behind)
    walker = MaskTrack("walker", drawn.masks)
    (pair,) = pairs([clip], [MaskTrack("yard", drawn.masks), walker], each=2)
    assert pair.name == "yard + walker"
    result = evaluate_deletion(little, [pair], 1, JobContext())
    assert result.value("psnr") > 26
    assert result.value("gain") > 3
    assert 0.7 < result.value("gradient") < 1.2
    assert result.value("seconds") > 0
    assert len(result.tables[0].rows[0]) == len(result.tables[0].columns)


def test_a_mask_is_laid_on_a_clip_of_another_size_and_length() -> None:
    masks = np.zeros((6, 60, 80), bool)
    masks[2:, 20:40, 30:50] = True
    own = np.zeros((5, 120, 160), bool)
    own[:, 60:70, 90:100] = True
    pair = cover(EvaluationClip("base", np.zeros((5, 120, 160, 3), np.uint8), own), MaskTrack("other", masks))
    assert pair.holes.shape == (3, 120, 160)  # from the first frame that covers something
    assert pair.holes[:, 40:80, 60:100].all()
    assert pair.holes[0].sum() == 40 * 40
    assert not pair.background[:, 60:70, 90:100].any()  # a moving thing of the clip itself is no background
    assert pair.background[:, 41, 61].all()


def test_a_procedural_clip_to_track_shows_its_thing() -> None:
    (clip,) = tracked_clips(1, frames=2, size=96)
    assert clip.masks is not None
    assert clip.frames.shape == (2, 96, 96, 3)
    assert 0.01 <= clip.masks[0].mean() <= 0.4
    assert clip.click is not None
    assert clip.masks[0][int(clip.click[1]), int(clip.click[0])]


def test_what_can_not_be_measured_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "tracking", "--clips", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert main(["evaluate", "deletion", "--clips", str(tmp_path)]) == 2
    assert "no clip" in capsys.readouterr().err
    video_file(tmp_path / "bare.mp4", np.zeros((3, 32, 32, 3), np.uint8))
    assert main(["evaluate", "all", "--clips", str(tmp_path)]) == 2
    assert "true masks" in capsys.readouterr().err
    assert main(["evaluate", "beauty"]) == 2
    error = capsys.readouterr().err
    assert "beauty" in error
    assert "tracking" in error
    assert len(error.splitlines()) == 1
    assert main(["evaluate", "deletion", "--samples", "0"]) == 2


def test_masks_have_to_be_as_many_as_frames(tmp_path: Path) -> None:
    disc_clip(tmp_path / "disc.mp4", frames=4)
    (tmp_path / "disc_masks").mkdir()
    for index in range(3):
        write_mask(tmp_path / "disc_masks" / f"{index:05d}.png", np.ones((120, 160), bool))
    with pytest.raises(InputError, match="4 frames and 3 masks"):
        list(ClipFolder(tmp_path, need_masks=True))


def test_stopping_is_soon(clips: Path) -> None:
    from core.evaluation.tracking import track_clip
    from core.segment import load_segmenter

    context = JobContext()
    context.token.cancel()
    (clip, _) = ClipFolder(clips, need_masks=True)
    with pytest.raises(Cancelled):
        track_clip(load_segmenter("embedded", "cpu", ModelStore()), clip, "box", context)


def test_all_stands_for_every_suite() -> None:
    assert names_of("all") == [name for name in SUITES if name != "edits"]  # that one needs results
    with pytest.raises(InputError, match="samples"):
        EvaluationRequest(samples=0)
