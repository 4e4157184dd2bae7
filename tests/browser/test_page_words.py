"""What the page says about a clip and about its steps, from the document alone."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from app.contract.clip_facts import clip_facts
from app.contract.project_view import step_states
from core.project import project as document
from core.project.edits import KeyframeEdit, SamplingSettings
from core.project.project import Project
from core.project.prompts import PointPrompt
from core.project.tracks import MaskAdjustment
from core.project.tries import with_accepted, with_edits
from core.project.video import AudioInfo, Clip, VideoInfo


def project(**facts: object) -> Project:
    info = VideoInfo(1920, 1080, Fraction(30000, 1001), 300, **facts)  # type: ignore[arg-type]
    return Project("0" * 32, "harbour", Clip("harbour.mp4", "", info, 0, 300), "2026-01-01T00:00:00+00:00")


def facts_of(made: Project) -> dict[str, tuple[str, str]]:
    return {fact["name"]: (fact["value"], fact["note"]) for fact in clip_facts(made.clip)}


def clicked(made: Project) -> Project:
    made, track = document.with_object(made)
    return document.with_prompt(made, PointPrompt(0, track.object_id, 5, 5))


def tracked(made: Project) -> Project:
    return document.with_track(made, dataclasses.replace(made.tracks[0], masks="m", tracked=(0, 300)))


def tried_and_accepted(made: Project) -> Project:
    edit = KeyframeEdit("e", 0, "add", "a red ball", 1, SamplingSettings(), "vivid-small", "e.png", "r")
    return with_accepted(with_edits(made, (edit,)), "e")


def test_an_exact_rate_keeps_its_fraction_in_sight() -> None:
    assert facts_of(project())["Rate"] == ("29.97 fps", "30000/1001")
    assert "varies" in facts_of(project(variable_rate=True))["Rate"][1]


def test_what_is_unusual_about_a_clip_is_said() -> None:
    found = facts_of(project(rotation=90, bit_depth=10, color_transfer="smpte2084", color_range="pc", audio=(AudioInfo("aac", 44100, 1),)))
    assert found["Size"] == ("1920 × 1080", "turned by 90°, shown upright")
    assert all(word in found["Picture"][1] for word in ("10 bit", "HDR", "full range"))
    assert found["Sound"][0] == "AAC 44.1 kHz mono"
    assert facts_of(project())["Sound"][0] == "none"


def test_steps_open_as_their_input_exists() -> None:
    made = project()
    assert [step for step, state in step_states(made).items() if state["open"]] == ["video", "select"]
    made = clicked(made)
    assert step_states(made)["adjust"]["open"]
    assert step_states(made)["keyframe"] == {"open": False, "reason": "Track the object in step 2 first.", "done": False, "stale": False}
    made = tracked(made)
    assert step_states(made)["keyframe"]["open"]
    assert not step_states(made)["propagate"]["open"]
    made = tried_and_accepted(made)
    assert step_states(made)["propagate"]["open"]


def test_going_back_marks_later_work_stale_and_keeps_it() -> None:
    made = document.with_adjustment(tried_and_accepted(tracked(clicked(project()))), MaskAdjustment("hull"))
    state = step_states(made)["keyframe"]
    assert state["stale"]
    assert state["done"]
    assert step_states(made)["propagate"]["open"]
