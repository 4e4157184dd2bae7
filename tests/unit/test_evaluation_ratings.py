"""Ratings by people: what their files say, and how far raters agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InputError
from core.evaluation.ratings import as_json, as_text, read_ratings


def ratings_file(path: Path, rater: str, answers: list[tuple[str, str, str]]) -> Path:
    lines = [f'"{rater}","{item}","{question}","{answer}"' for item, question, answer in answers]
    path.write_text("\n".join(["rater,item,question,answer", *lines]))
    return path


def test_the_share_of_high_quality_and_how_far_raters_agree(tmp_path: Path) -> None:
    one = ratings_file(tmp_path / "1.csv", "Ann", [(f"i{n}", q, "good") for n in range(4) for q in ("MG", "TA")])
    two = ratings_file(tmp_path / "2.csv", "Ben", [("i0", "TA", "bad"), ("i0", "MG", "good")])
    found = as_json(read_ratings([one, two]))
    assert (found["raters"], found["items"], found["high_quality"]) == (2, 4, 0.75)  # of a tie nobody knows
    generation, alignment = found["questions"]
    assert (generation["share"], generation["agreement"], generation["alpha"]) == ({"good": 1.0}, 1.0, None)
    assert (alignment["share"], alignment["agreement"]) == ({"good": 0.8}, 0.0)
    assert alignment["alpha"] == 0  # only one item has two raters, who say two things


def test_win_or_draw_of_two_programs(tmp_path: Path) -> None:
    answers = [("a", "BP", "ours"), ("b", "BP", "draw"), ("c", "BP", "theirs"), ("d", "BP", "ours")]
    first = ratings_file(tmp_path / "1.csv", "Ann", answers)
    again = ratings_file(tmp_path / "2.csv", "Ann", [("d", "BP", "draw")])  # Ann thinks again
    other = ratings_file(tmp_path / "3.csv", "Ben", answers)
    assert as_json(read_ratings([first, again]))["questions"][0]["win_or_draw"] == {"ours": 0.75, "theirs": 0.75}
    found = as_json(read_ratings([first, other]))["questions"][0]
    assert found["win_or_draw"] == {"ours": 0.75, "theirs": 0.5}
    assert (found["agreement"], found["alpha"]) == (1, 1)
    assert "BP: win or draw ours 75 %, theirs 50 % (4 items; raters agree 100 %, alpha 1.00)" in as_text(read_ratings([first, other]))


def test_a_file_without_ratings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="rater, item, question, answer"):
        read_ratings([tmp_path / "no.csv"])
    with pytest.raises(InputError, match=r"gone\.csv"):
        read_ratings([tmp_path / "gone.csv"])
