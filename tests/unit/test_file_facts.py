"""What was found out about files is remembered until they change, and kept for the next start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import file_facts
from core.errors import InputError
from core.file_facts import FileMemory, keep_fact, keep_facts_in, kept_fact


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    before = file_facts._folder
    keep_facts_in(tmp_path / "workspace" / "facts")
    yield tmp_path / "workspace" / "facts"
    file_facts._folder = before


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"one")
    return path


def test_a_fact_is_kept_until_the_file_changes(file: Path) -> None:
    assert kept_fact(file, "frames") is None
    keep_fact(file, "frames", b"1 2 3")
    assert kept_fact(file, "frames") == b"1 2 3"
    assert kept_fact(file, "frames of another decoder") is None
    file.write_bytes(b"another")
    assert kept_fact(file, "frames") is None


def test_what_is_damaged_or_cannot_be_written_is_no_error(file: Path, folder: Path) -> None:
    keep_fact(file, "frames", b"1 2 3")
    [kept] = folder.iterdir()
    for damaged in (kept.read_bytes()[:-3], b"", b"no zlib"):
        kept.write_bytes(damaged)
        assert kept_fact(file, "frames") is None
    keep_facts_in(file / "no folder")
    keep_fact(file, "frames", b"1 2 3")
    assert kept_fact(file, "frames") is None


def test_only_the_facts_of_the_files_used_last_are_kept(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_facts, "_MOST", 2)
    for number in range(4):
        (tmp_path / f"{number}").write_bytes(b"x")
        keep_fact(tmp_path / f"{number}", "frames", b"")
    assert len(list(folder.iterdir())) == 2


def test_nothing_is_remembered_of_what_was_cancelled(file: Path) -> None:
    memory: FileMemory[str] = FileMemory(2)

    def stopped(_: Path) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        memory.get(file, stopped)
    assert memory.get(file, lambda path: path.name) == "clip.mp4"
    assert memory.get(file, lambda _: "asked again") == "clip.mp4"
    with pytest.raises(InputError, match="there is no file"):
        memory.get(file.with_name("gone"), lambda _: "")
