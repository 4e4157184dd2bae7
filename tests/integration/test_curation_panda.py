"""Panda-70M as the source of a build."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from builders import noise_frames, video_file
from command_line import run_here

from core.curation.sources import list_sources
from core.dataset.index import DatasetIndex
from core.errors import InputError


def test_a_list_of_panda_70m_describes_what_was_downloaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And the whole build is tried out with made-up models."""
    videos = tmp_path / "panda" / "00000"
    videos.mkdir(parents=True)
    for number, name in enumerate(("0000000_00000", "0000000_00001", "0000000_00002", "0000002_00000", "0000007_00000", "holiday")):
        video_file(videos / f"{name}.mp4", noise_frames(4, 48, 64, seed=number))
    rows = [
        [
            "https://example.org/a",
            "[['0', '1'], ['1', '2'], ['2', '3']]",
            "[0.5, 0.4, 0.3]",
            "['desirable', '1_still_foreground_image', 'desirable']",
        ],
        ["https://example.org/b", "[['0', '1']]", "[0.5]", "['desirable']"],
        ["https://example.org/c", "[['0', '1']]", "[", "['desirable']"],
    ]
    path = tmp_path / "panda" / "list.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["url", "timestamp", "matching_score", "desirable_filtering"], *rows])
    small = ["--set", "least_side=32", "least_seconds=0.1", "image_share=0", "least_matching=0.35", "device=cpu"]
    run_here("data", "build", path, "--fake-models", "--out", tmp_path / "set", *small)
    said = capsys.readouterr().err
    for words in (
        "5 clips listed, 5 of them here",
        "1 clip in the folders that no list has",
        "1 clip of which the list says too little",
        "made up",
    ):
        assert words in said, said
    dropped = [json.loads(line) for file in (tmp_path / "set" / "stages" / "clips").glob("*.dropped.jsonl") for line in file.open()]
    assert {(row["filter"], row["key"][-17:-4]) for row in dropped} == {
        ("desirable: 1_still_foreground_image", "0000000_00001"),
        ("least_matching", "0000000_00002"),
    }
    samples = list(DatasetIndex(tmp_path / "set" / "data").samples())
    sources = {sample.clip.source.name for sample in samples}
    assert sources == {"https://example.org/a", "https://example.org/c", "panda/0000007", "panda/00000/holiday.mp4"}
    assert {sample.task for sample in samples} == {"add", "modify", "delete"}
    assert json.loads((tmp_path / "set" / "build.json").read_text())["settings"]["tracker"] == "fake"
    path.write_text("address\nhttps://example.org/a\n")
    with pytest.raises(InputError, match="not a list of Panda-70M: it has no column timestamp and url"):
        list_sources([str(path)], "")
