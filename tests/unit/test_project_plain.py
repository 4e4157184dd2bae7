"""What comes from outside is checked before it becomes part of a document, and again when it is
read.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from test_project_document import make_full_project, make_project

from app.contract.arguments import Arguments
from app.storage.workspace import Workspace
from core.errors import InputError
from core.project import codec
from core.project.history import History
from core.project.plain import check_plain, parse_json
from core.project.project import Project, renamed, with_adjustment
from core.project.prompts import MaskPrompt
from core.project.tracks import MaskAdjustment

BAD: list[Any] = ["a\ud800b", float("nan"), float("inf"), 2**63, [[["\udfff"]]], {"\ud800": 1}, {"b": {"c": -(2**70)}}]


def tower(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("value", [*BAD, tower(100)], ids=repr)
def test_what_can_not_be_kept_is_refused_when_it_comes_in(value: Any) -> None:
    with pytest.raises(ValueError, match=r"it |not a number|too large"):
        check_plain(value)


def draw(project_id: str, frame: int, stroke: Sequence[tuple[float, float]], width: float = 1.0) -> tuple[Any, ...]:
    return project_id, frame, stroke, width


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"project_id": "p", "frame": float("nan"), "stroke": []}, "frame can't be used"),
        ({"project_id": "p", "frame": 10**30, "stroke": []}, "frame can't be used"),
        ({"project_id": "p", "frame": 1, "stroke": [[float("inf"), 0]]}, "stroke can't be used"),
        ({"project_id": "p", "frame": 1, "stroke": "line"}, "stroke can't be used"),
        ({"project_id": "\ud800", "frame": 1, "stroke": []}, "project_id can't be used"),
        ({"project_id": ["p"], "frame": 1, "stroke": []}, "project_id can't be used"),
        ({"project_id": "p", "frame": 1, "stroke": [], "width": tower(2000)}, "width can't be used"),
        ({"project_id": "p", "frame": 1}, "stroke is missing"),
        ({"project_id": "p", "frame": 1, "stroke": [], "colour": 3}, "colour is unknown"),
    ],
)
def test_arguments_of_another_kind_are_one_line(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        Arguments.of(draw).checked(given)
    assert "\n" not in str(refused.value)


def test_arguments_that_fit_pass() -> None:
    given = {"project_id": "p", "frame": 3, "stroke": [[1, 2.5], [3, 4]]}
    assert draw(**Arguments.of(draw).checked(given))[2] == [(1.0, 2.5), (3.0, 4.0)]


def test_a_change_that_could_not_be_read_back_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.add(make_project())
    broken = [
        lambda p: renamed(p, "a\ud800b"),
        lambda p: dataclasses.replace(p, name=5),
        lambda p: with_adjustment(p, MaskAdjustment("expand", float("nan"))),  # type: ignore[arg-type]
        lambda p: dataclasses.replace(p, created=float("inf")),
    ]
    for change in broken:
        with pytest.raises(InputError):
            workspace.change("a" * 32, "Break", change)
        assert Workspace(tmp_path).project("a" * 32) == make_project()


def stored(**changes: Any) -> str:
    data = json.loads(codec.dumps(History(make_full_project())))
    data["project"] |= changes
    return json.dumps(data)


def test_a_project_whose_name_is_no_text_opens_and_can_be_written() -> None:
    project = codec.loads(stored(name="a\ud800b")).present
    assert project.name == "a\ufffdb"


def test_references_that_lead_nowhere_are_left_out() -> None:
    whole = make_full_project()
    layers = [{"propagation_id": "p9"}, {"propagation_id": "p1"}, {"propagation_id": "p1"}]
    tracks = [codec.encode(track) for track in (*whole.tracks, *whole.tracks)]
    project = codec.loads(stored(accepted="gone", keyframes=["gone", "e1"], layers=layers, tracks=tracks)).present
    assert (project.accepted, project.keyframes, project.base, len(project.tracks)) == ("e1", (), "p1", 1)
    assert codec.loads(stored()).present == whole


@pytest.mark.parametrize(
    ("field", "value"), [("frames", 10**12), ("width", 10**9), ("rate", "1e400000000"), ("rate", "0"), ("pixel_aspect", "-1/2")]
)
def test_a_clip_of_impossible_size_is_damaged(field: str, value: Any) -> None:
    clip = codec.encode(make_project().clip)
    clip["info"][field] = value
    with pytest.raises(InputError):
        codec.loads(stored(clip=clip))


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1e999}', '{"a": ' + "9" * 5000 + "}", "[" * 40 + "]" * 40, "[" * 100_000])
def test_json_that_no_document_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a number|digits|nested"):
        parse_json(text)


@pytest.mark.parametrize("file", ["/etc/hostname", "//etc/hostname", "../x.png", "files/../../x.png", "C:\\x.png", "", "a\0b"])
def test_a_mask_prompt_lies_beside_its_project(file: str) -> None:
    with pytest.raises(InputError):
        MaskPrompt(0, 1, file)


def test_a_document_of_another_id_stays_in_its_own_folder(tmp_path: Path) -> None:
    folder = tmp_path / "projects" / ("b" * 32)
    folder.mkdir(parents=True)
    (folder / "project.json").write_text(stored(project_id="a" * 32))
    project: Project = Workspace(tmp_path).project("b" * 32)
    assert project.project_id == "b" * 32
