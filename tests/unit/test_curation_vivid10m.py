"""VIVID-10M as its authors' demo files are called: what is understood, and what is said of the
rest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from builders import counted_frames, video_file

from app.commands.cli import main
from core.curation.vivid10m import mask_form, read_captions
from core.dataset.index import DatasetIndex

FRAMES = 5


def mask_video(path: Path, left: int, frames: int = FRAMES) -> None:
    pictures = np.zeros((frames, 64, 96, 3), np.uint8)
    pictures[:, 16:48, left : left + 32] = 255
    video_file(path, pictures)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    one = folder / "part_1" / "AbC"
    (one / "local_caption" / "v2").mkdir(parents=True)
    video_file(one / "source_video.mp4", counted_frames(FRAMES))
    for name in (
        "instance0000_ori_mask",
        "instance0000_convexHull_mask_dilated",
        "instance0000_rectangle_mask",
        "instance0000_smooth_mask",
    ):
        mask_video(one / f"mask_clip0000_{name}.mp4", 8)
    mask_video(one / "mask_clip0000_remove0000_ori_mask.mp4", 40)
    mask_video(one / "mask_clip0000_instance0001_ori_mask.mp4", 8, FRAMES - 1)
    (one / "local_caption" / "v2" / "local_caption_clip0000.txt").write_text("a large brown dog\n\na dog\na brown dog\n")
    (one / "source_video.md5").write_text("?")
    kite = folder / "part_2" / "kite"  # masks in a folder of their own, captions that name no clip
    (kite / "masks").mkdir(parents=True)
    video_file(kite / "kite.mp4", counted_frames(FRAMES))
    mask_video(kite / "masks" / "mask_clip0001_instance0000_ori_mask.mp4", 8)
    (kite / "captions").mkdir()
    (kite / "captions" / "kite.json").write_text('{"instance": {"captions": ["a kite", "a big red kite"]}}')
    two = folder / "part_1" / "two"
    two.mkdir()
    mask_video(two / "mask_clip0000_instance0000_ori_mask.mp4", 8)
    (folder / "README.md").write_text("?")
    return folder


def test_published_files_become_samples_and_the_rest_is_said(published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "set"
    assert main(["data", "import", "vivid-10m", str(published), "--out", str(out), "--licence", "CC BY-NC 4.0", "--validation", "0"]) == 0
    said = capsys.readouterr()
    assert "6 samples of 2 clips" in said.out
    assert "1 file: masks whose form their name doesn't say" in said.err
    samples = list(DatasetIndex(out / "data").samples())
    assert {(sample.task, sample.form) for sample in samples} == {
        *(("modify", form) for form in ("none", "hull+expand", "box")),
        ("delete", "none"),
    }
    assert "1 file: masks with captions whose name says no clip" in said.err
    assert {sample.clip.key for sample in samples} == {"part_1-abc", "part_2-kite"}
    assert samples[-1].read().captions == ("a kite", "a big red kite")
    assert {sample.clip.source.licence for sample in samples} == {"CC BY-NC 4.0"}
    drawn = next(sample for sample in samples if sample.form == "box")
    facts = drawn.read()
    assert facts.captions == ("a dog", "a brown dog", "a large brown dog")
    assert facts.masks.unpack()[:, 16:48, 8:40].all()
    assert facts.values["area"] == pytest.approx(32 * 32 / (64 * 96), abs=0.005)
    assert {"foreground_motion", "background_motion", "relative_motion"} <= set(facts.values)
    lines = [json.loads(line) for line in (out / "quarantine" / "import.jsonl").read_text().splitlines()]
    reasons = {Path(line["input"]).relative_to(published).as_posix(): line["reason"] for line in lines}
    assert set(reasons) == {
        "README.md",
        "part_1/AbC/source_video.md5",
        "part_1/AbC/mask_clip0000_instance0001_ori_mask.mp4",
        "part_1/two/mask_clip0000_instance0000_ori_mask.mp4",
    }
    assert reasons["README.md"] == "not understood"
    assert "4 masks for 5 frames" in reasons["part_1/AbC/mask_clip0000_instance0001_ori_mask.mp4"]
    assert "no source video" in reasons["part_1/two/mask_clip0000_instance0000_ori_mask.mp4"]


def test_our_own_augmentation_takes_the_tracked_masks_alone(published: Path, tmp_path: Path) -> None:
    assert main(["data", "import", "vivid-10m", str(published), "--out", str(tmp_path), "--augment"]) == 0
    samples = list(DatasetIndex(tmp_path / "data").samples())
    assert {(sample.task, sample.form) for sample in samples} == {("modify", "tracked"), ("delete", "tracked")}


def test_a_folder_that_is_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "video.mp4").write_text("?")
    assert main(["data", "import", "vivid-10m", str(tmp_path / "other"), "--out", str(tmp_path / "out")]) == 2
    assert "mask_clip0000" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_names_and_captions_are_read_liberally() -> None:
    assert mask_form("mask_clip0000_instance0003_ori_mask") == "none"
    assert mask_form("mask_clip0000_instance0003_dilated_mask") == "expand"
    assert mask_form("mask_clip0000_remove0000_rectangle_mask_dilated") == "box+expand"
    assert mask_form("mask_clip0001_instance0003_wobbly") == ""
    assert read_captions('{"long": "a big red kite", "short": "a kite"}') == ("a kite", "a big red kite")
    assert read_captions('["b c d", "a", "b c", "a b c d e"]') == ("a", "b c d", "a b c d e")
    assert read_captions("  \n") == ()
