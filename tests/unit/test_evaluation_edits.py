"""The paper's measures of any program's results: `evaluate edits` on sets and results in all their
layouts.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import video_file
from tiny_models import write_clip

from app.commands.cli import main
from core.evaluation.result_sets import at_rate, matched_frames
from core.masks import write_mask
from core.media import write_image

pytestmark = pytest.mark.usefixtures("one_thread")

FRAMES, LIGHTER = 12, 10
RANDOM = np.random.default_rng(0)
SOURCE = RANDOM.integers(40, 200, (FRAMES, 32, 48, 3), dtype=np.uint8)
SOURCE[1::2, :, ::2] //= 4  # neighbours differ more than every fourth frame does
REGION = np.zeros((FRAMES, 32, 48), bool)
REGION[:, 8:20, 10:30] = True


def lossless(path: Path, frames: np.ndarray, rate: Fraction | int = 30) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    video_file(path, frames, codec="ffv1", pix_fmt="bgr0", rate=rate)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SET with an addition and a deletion, and RESULTS of four programs, each in another layout."""
    folder = tmp_path_factory.mktemp("edits")
    for name, task, caption in (("one", "add", "a red ball"), ("two", "delete", "")):
        lossless(folder / "set" / name / "video.mkv", SOURCE)
        (folder / "set" / name / "edit.json").write_text(json.dumps({"task": task, "caption": caption}))
    (folder / "set/one/masks").mkdir()
    for index, mask in enumerate(REGION):
        write_mask(folder / f"set/one/masks/{index:05d}.png", mask)
    lossless(folder / "set/two/masks.mkv", np.repeat(REGION[..., None], 3, -1) * np.uint8(255))
    lossless(folder / "set/two/truth.mkv", SOURCE)

    lighter = SOURCE + np.uint8(LIGHTER)
    composited = np.where(REGION[..., None], lighter, SOURCE)
    for name in ("one", "two"):
        lossless(folder / f"results/ours/raw/{name}.mkv", lighter)
        lossless(folder / f"results/ours/composited/{name}.mkv", composited)
    slow = np.repeat(np.repeat(SOURCE[::4, ::2, ::2], 2, 1), 2, 2)[:, ::2, ::2]  # every fourth frame, half the size
    lossless(folder / "results/slow/one.mkv", slow, Fraction(15, 2))
    (folder / "results/slow/two.mp4").write_text("no video")
    (folder / "results/still/one").mkdir(parents=True)
    lossless(folder / "results/still/one/output.mkv", SOURCE[:1].repeat(FRAMES, 0))
    (folder / "results/pictures/two").mkdir(parents=True)
    for index, frame in enumerate(SOURCE):
        write_image(folder / f"results/pictures/two/{index:05d}.png", frame)
    return folder


def tables(report: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of the tables of tasks, by table and program."""
    found = {}
    for table in report["suites"][0]["tables"]:
        if table["columns"][0] == "program":
            found |= {(table["title"], row[0]): dict(zip(table["columns"], row, strict=True)) for row in table["rows"]}
    return found


def test_programs_are_scored_side_by_side(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write_clip(tmp_path)
    words = ["evaluate", "edits", str(folder / "results"), "--set", str(folder / "set"), "--device", "cpu"]
    assert main([*words, "--json", "--out", str(tmp_path / "out"), "--clip-model", str(clip)]) == 0
    report = json.loads(capsys.readouterr().out)
    rows = tables(report)
    assert set(rows) == {
        *(("Addition", name) for name in ("ours", "slow", "still")),
        *(("Deletion", name) for name in ("ours", "pictures")),
    }
    ours, slow, still = (rows["Addition", name] for name in ("ours", "slow", "still"))
    assert (ours["BP raw"], ours["BP composited"]) == (LIGHTER, 0)
    assert ours["BP as delivered"] is None
    assert slow["BP as delivered"] > 1  # half its pixels are gone
    assert slow["TC"] == slow["TC 7.5 fps"]  # it has no more frames
    assert ours["TC"] != ours["TC 7.5 fps"]
    assert still["TC"] == still["TC 7.5 fps"] == still["TC region"] == pytest.approx(100, abs=1e-3)
    assert all(-100 <= row["TA"] <= 100 for row in (ours, slow, still))
    deleted, exact = rows["Deletion", "ours"], rows["Deletion", "pictures"]
    assert "TA" not in deleted  # the caption of a deletion is fixed
    assert deleted["PSNR region"] == pytest.approx(20 * np.log10(255 / LIGHTER), abs=0.01)
    assert (exact["PSNR region"], exact["BP as delivered"]) == (100, 0)
    notes = "\n".join(report["suites"][0]["notes"])
    assert "slow, one: 24x16, brought to 48x32" in notes
    assert "slow, one: 3 frames for 12, matched by time" in notes
    assert "slow, two: not scored" in notes
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert page.count("<video") == 2
    assert all(f"<span>{name}</span>" in page for name in ("source and region", "the truth", "ours", "slow", "still", "pictures"))


def test_without_clip_one_line_says_what_is_missing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "edits", str(folder / "results/ours"), "--set", str(folder / "set"), "--device", "cpu"]) == 0
    printed = capsys.readouterr().out
    assert "  ours     1 of 1   10.00           0.00" in printed
    assert [line for line in printed.splitlines() if "--clip-model" in line] == [line for line in printed.splitlines() if "TA" in line]
    assert "TC 7.5" not in printed


def test_what_can_not_be_scored_is_said_in_one_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, edit_set = str(folder / "results"), str(folder / "set")
    (tmp_path / "bad" / "one").mkdir(parents=True)
    (tmp_path / "bad" / "one" / "edit.json").write_text('{"task": "paint", "caption": "a ball"}')
    for words, said in (
        (["edits", results], "--set"),
        (["edits", results, "--set", results], "not an evaluation set"),
        (["edits", results, "--set", str(tmp_path / "bad")], "paint"),
        (["edits", str(tmp_path), "--set", edit_set], "named after"),
        (["edits", results, "--set", edit_set, "--run", "theirs"], "theirs"),
        (["tracking", "--set", edit_set], "suite edits"),
    ):
        assert main(["evaluate", *words]) == 2, words
        error = capsys.readouterr().err
        assert said in error
        assert len(error.splitlines()) == 1


def test_frames_are_matched_by_number_or_by_time() -> None:
    source = [Fraction(index, 30) for index in range(12)]
    assert at_rate(source, Fraction(15, 2)) == [0, 4, 8]
    assert at_rate([Fraction(index, 5) for index in range(6)], Fraction(15, 2)) == list(range(6))
    assert matched_frames([Fraction(index, 8) for index in range(12)], source) == [(index, index) for index in range(12)]
    assert matched_frames([Fraction(2 * index, 15) for index in range(4)], source) == [(0, 0), (1, 4), (2, 8)]
    longer = [Fraction(index, 30) for index in range(20)]
    assert matched_frames(longer, source) == [(index, index) for index in range(12)]
