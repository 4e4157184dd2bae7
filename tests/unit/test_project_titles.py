"""What a project is called before a person names it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.project.titles import title_of


@pytest.mark.parametrize("stem", ["harbour", "IMG_2041", "video of the dog", "20261130_090000", "20261130090000", "facade"])
def test_a_file_name_that_says_something_is_kept(stem: str) -> None:
    assert title_of(stem, Path("holiday")) == stem


@pytest.mark.parametrize("stem", ["video", "Clip 2", "movie (1)", "untitled", " ", "003", "1f0c9a7e2b", "0b5f9a52-7c1e-4f0e-9d7b"])
def test_one_that_says_nothing_gives_way_to_the_folder_or_has_day_and_time(stem: str) -> None:
    assert title_of(stem, Path("films/holiday")) == "holiday"
    for nothing in (None, Path("Downloads"), Path("/tmp"), Path("2222222222222222")):
        assert re.fullmatch(r"\S.*, \d\d \S+ \d\d:\d\d", title_of(stem, nothing))
