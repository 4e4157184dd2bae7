"""The campaign knows what it has tried, and its files are what their cases say."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from core.media import probe
from scripts.campaign import documents, masks, media
from scripts.campaign.boxes import parts_of
from scripts.campaign.corpus_cases import all_cases
from scripts.campaign.corpus_checks import compare_pictures, compare_sounds, Heard, Picture, picture_of, sounds_of
from scripts.campaign.corpus_files import make
from scripts.campaign.ledger import chosen, Finding, in_time, Ledger, part
from scripts.campaign.soak import slope
from scripts.campaign.worker import faults_of


def test_every_case_has_a_name_of_its_own() -> None:
    cases = all_cases()
    assert len({case.name for case in cases}) == len(cases) >= 300
    some = [chosen(cases, Namespace(sample=20, seed=seed, part=(1, 1))) for seed in (3, 3, 4)]
    assert some[0] == some[1] != some[2]
    parts = [chosen(cases, Namespace(sample=20, seed=3, part=part(f"{number}/3"))) for number in (1, 2, 3)]
    assert sorted(case.name for one in parts for case in one) == sorted(case.name for case in some[0])


def test_a_stopped_campaign_goes_on(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "corpus")
    ledger.add(Finding("one"))
    ledger.add(Finding("two", ("off by a frame",)))
    with (tmp_path / "corpus.jsonl").open("a") as file:
        file.write('{"name": "thr')  # the program was killed here
    again = Ledger(tmp_path, "corpus")
    assert {name: found.faults for name, found in again.findings.items()} == {"one": (), "two": ("off by a frame",)}
    assert (again.report(["one"]), again.report(["one", "two", "three"])) == (0, 1)
    assert list(in_time(all_cases(), -1.0)) == []


def test_a_file_is_what_its_case_says(tmp_path: Path) -> None:
    case = next(case for case in all_cases() if case.name == "pattern-mov-pcm_s16le-two")
    path = tmp_path / f"clip.{case.suffix}"
    make(case, path)
    info, seen = probe(path), picture_of(path, case.frames)
    assert (info.size, info.frames, len(info.audio)) == (case.size, case.frames, 2)
    heard = sounds_of(path, seen.start)
    assert [one.language for one in heard] == ["eng", "fra"]
    assert compare_pictures(seen, seen, case.size, case.suffix) == compare_sounds(heard, heard, 0.5) == []


def test_what_is_wrong_is_named() -> None:
    tags = ("tv", "bt709", "bt709", "bt709")
    one, other = Picture([0, 0.1, 0.2], 0, (96, 64), tags), Picture([0, 0.11, 0.2], 0, (96, 64), ("pc", *tags[1:]))
    assert compare_pictures(one, other, (96, 64), "mp4") == ["a frame is 10.0 ms off", "range tv became pc"]
    sound = Heard("aac", "5.1", 6, "eng", [0.1, 0.2])
    faults = compare_sounds([sound], [Heard("aac", "stereo", 2, "eng", [0.1, 0.4])], 0.5)
    assert len(faults) == 3
    assert "5.1 became stereo" in faults[0]


@pytest.mark.parametrize(("campaign", "count"), [(documents, 12), (masks, 12), (media, 60)])
def test_damage_is_answered_by_a_sentence(tmp_path: Path, campaign: ModuleType, count: int) -> None:
    name = campaign.__name__.rpartition(".")[2]
    for number in range(count):
        assert faults_of(campaign.attempts(f"{name}-{number}", tmp_path / name)) == []


def test_what_is_no_sentence_is_a_fault() -> None:
    def attempts() -> Iterator[tuple[str, Callable[[], object]]]:
        yield "well", lambda: 1
        yield "wrong", lambda: 1 / 0

    (fault,) = faults_of(attempts())
    assert fault.startswith("wrong: ZeroDivisionError")


@pytest.mark.parametrize(
    "name", ["picture-mp4-libx264-yuv420p", "stamps-mkv-late", "picture-avi-mjpeg-yuvj420p", "picture-wmv-wmv2-yuv420p"]
)
def test_the_parts_of_a_file_fill_it(tmp_path: Path, name: str) -> None:
    case = next(case for case in all_cases() if case.name == name)
    path = tmp_path / f"clip.{case.suffix}"
    make(case, path)
    data = path.read_bytes()
    parts = parts_of(data)
    assert {0, len(data)} <= {end for part in parts for end in (part.start, part.stop)}
    assert len({part.start for part in parts if part.length_bytes}) == len(parts) > 6


def test_growing_memory_is_told_from_what_goes_up_and_down() -> None:
    up_and_down = [500.0 + 7 * (index % 3) for index in range(30)]
    assert abs(slope(up_and_down)[0]) < 0.1
    rate, steepest = slope([one + 2 * index for index, one in enumerate(up_and_down)])
    assert 1.9 < rate <= steepest < 2.4
