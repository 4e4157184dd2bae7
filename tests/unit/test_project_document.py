"""The document: what a person did survives saving, undo, old and newer versions."""

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import pytest

from core.errors import InputError
from core.project import codec
from core.project.edits import KeyframeEdit, Layer, PropagatedKeyframe, Propagation, SamplingSettings
from core.project.history import History, LIMIT
from core.project.project import (
    Project,
    SCHEMA_VERSION,
    trimmed,
    with_adjustment,
    with_layer,
    with_layers,
    with_object,
    with_prompt,
    with_propagation,
    with_region,
)
from core.project.prompts import BoxPrompt, check_prompt, MaskPrompt, PointPrompt, TextPrompt
from core.project.tracks import MaskAdjustment, MaskTrack
from core.project.tries import with_accepted, with_edits, with_keyframe, without_keyframe
from core.project.video import AudioInfo, Clip, VideoInfo


def make_project() -> Project:
    info = VideoInfo(64, 48, Fraction(30000, 1001), 20, color_range="tv", audio=(AudioInfo("aac", 48000, 2),))
    return Project("a" * 32, "street", Clip("/videos/street.mp4", "0" * 64, info, 0, 20), "2026-01-01T00:00:00+00:00")


def make_full_project() -> Project:
    project, _ = with_object(make_project(), "car")
    for prompt in (
        PointPrompt(0, 1, 3.5, 4.0),
        BoxPrompt(0, 1, 1, 2, 30, 40),
        MaskPrompt(2, 1, "files/m.png"),
        TextPrompt(0, 1, "the car"),
    ):
        project = with_prompt(project, prompt)
    edit = KeyframeEdit("e1", 0, "add", "a red ball", 7, SamplingSettings(10, 3.0), "vivid-small", "files/k.png", "files/r.masks")
    project = with_accepted(with_edits(with_region(project, "files/r.masks"), (edit,)), "e1")
    return with_propagation(
        project, Propagation("p1", "e1", "files/r.masks", 7, SamplingSettings(), "vivid-small", "results/p1/output.mp4")
    )


def test_everything_survives_saving_with_its_undo_steps() -> None:
    history = History(make_project()).did("Add object", make_full_project()).did("Trim", trimmed(make_full_project(), 2, 9)).undone()
    assert codec.loads(codec.dumps(history)) == history
    history = history.did("Trim", trimmed(make_full_project(), 1, 5)).undone().undone()  # states written before, on other sides now
    assert codec.loads(codec.dumps(history)) == history


def test_the_exact_rate_is_kept() -> None:
    assert codec.loads(codec.dumps(History(make_project()))).present.clip.info.rate == Fraction(30000, 1001)


def test_a_newer_version_is_refused_by_name() -> None:
    data = json.loads(codec.dumps(History(make_project()))) | {"schema": SCHEMA_VERSION + 1}
    with pytest.raises(InputError, match=f"schema {SCHEMA_VERSION + 1}"):
        codec.loads(json.dumps(data))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "not json", '{"schema": 1}', '{"schema": 0}', '{"schema": 1, "project": {}, "past": [], "future": []}']
)
def test_what_is_no_project_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as refused:
        codec.loads(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("rate", ["1/0", float("inf"), "nan", None, []])
def test_a_damaged_value_is_refused_in_one_line(rate: object) -> None:
    data = json.loads(codec.dumps(History(make_project())))
    data["project"]["clip"]["info"]["rate"] = rate
    with pytest.raises(InputError, match="damaged"):
        codec.loads(json.dumps(data))
    with pytest.raises(InputError, match="not a VIVID Studio project"):
        codec.loads("[" * 100_000)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("name",), 5),
        (("clip", "start"), "0"),
        (("clip", "info", "width"), 64.5),
        (("clip", "info", "audio", 0, "codec"), None),
        (("tracks", 0, "hidden"), 1),
        (("tracks", 0, "colour"), [1, 2]),
        (("tracks", 0, "prompts", 0, "x"), "3"),
        (("tracks", 0, "prompts", 0, "type"), "polygon"),
        (("tracks", 0, "tracked"), [1, "2"]),
        (("edits", 0, "task"), "paint"),
        (("edits", 0, "settings", "steps"), True),
        (("edits", 0, "seconds"), [1]),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(path: tuple[str | int, ...], value: object) -> None:
    data = json.loads(codec.dumps(History(make_full_project())))
    place = data["project"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(InputError, match="damaged") as refused:
        codec.loads(json.dumps(data))
    assert "\n" not in str(refused.value)
    assert str(path[0]) in str(refused.value)


def test_a_project_of_version_0_1_opens_and_is_written_as_it_was() -> None:
    text = (Path(__file__).parents[1] / "documents" / "project-0.1.json").read_text(encoding="utf-8")
    history = codec.loads(text)
    assert [step.label for step in (*history.past, *history.future)] == ["Add object", "Accept", "Try"]
    assert history.present.name == 'Straße "Nord" 日本'
    assert history.past[-1].project == make_full_project()
    again = codec.dumps(history)
    assert json.loads(again) == json.loads(text)
    assert codec.loads(again) == history
    assert len(again.splitlines()) == len(text.splitlines())
    assert again.replace(".0,", ",").replace(".0}", "}") == text.replace(".0,", ",").replace(".0}", "}")


def test_numbers_of_numpy_are_kept_as_plain_ones() -> None:
    numpy = pytest.importorskip("numpy")
    prompt = BoxPrompt(0, 1, *numpy.array([1.5, 2, 30, 40]))
    assert codec.encode(prompt) == {"type": "box", "frame": 0, "object_id": 1, "x0": 1.5, "y0": 2.0, "x1": 30.0, "y1": 40.0}
    assert codec.decode(BoxPrompt, codec.encode(prompt)) == prompt


def test_undo_and_redo_walk_the_same_documents() -> None:
    first, second, third = make_project(), trimmed(make_project(), 0, 10), trimmed(make_project(), 0, 5)
    history = History(first).did("one", second).did("two", third)
    assert history.undone().present == second
    assert history.undone().undone().present == first
    assert history.undone().undone().undone().present == first
    assert history.undone().undone().redone().redone() == history
    assert history.undone().did("other", first).future == ()


def test_a_dragged_slider_is_one_step() -> None:
    documents = [dataclasses.replace(make_project(), name=name) for name in "abc"]
    history = History(make_project()).did("Adjust", documents[0], merge=True).did("Adjust", documents[1], merge=True)
    assert history.undone().present == make_project()
    assert history.undone().redone().present == documents[1]
    assert history.undone().did("Adjust", documents[2], merge=True).undone().present == make_project()


def test_history_is_bounded() -> None:
    history = History(make_project())
    for i in range(LIMIT + 20):
        history = history.did(f"step {i}", dataclasses.replace(make_project(), name=f"name {i}"))
    assert len(history.past) == LIMIT


def test_a_changed_region_marks_later_work_stale_and_keeps_it() -> None:
    changed = with_adjustment(make_full_project(), MaskAdjustment("hull"))
    assert changed.region is None
    assert [e.stale for e in changed.edits] == [True]
    assert [p.stale for p in changed.propagations] == [True]
    assert changed.accepted == "e1"


def test_another_span_needs_another_region() -> None:
    wider = trimmed(trimmed(make_full_project(), 2, 9), 0, 20)
    assert wider.region is None
    assert wider.edits[0].stale


def test_a_new_box_on_a_frame_replaces_the_old_one_and_points_add_up() -> None:
    project, _ = with_object(make_project())
    for x in (1, 2):
        project = with_prompt(with_prompt(project, BoxPrompt(0, 1, x, 1, 20, 20)), PointPrompt(0, 1, x, 1))
    kinds = [type(p).__name__ for p in project.track(1).prompts]
    assert sorted(kinds) == ["BoxPrompt", "PointPrompt", "PointPrompt"]
    assert next(p for p in project.track(1).prompts if isinstance(p, BoxPrompt)).x0 == 2


def two_tries() -> Project:
    edits = tuple(
        KeyframeEdit(f"e{i}", frame, "add", "a red ball", 1, SamplingSettings(), "m", "k", "r") for i, frame in enumerate((4, 9, 9))
    )
    return with_accepted(with_edits(make_project(), edits), "e0")


def test_further_keyframes_are_carried_in_the_order_of_their_frames() -> None:
    project = with_keyframe(two_tries(), "e1")
    assert [e.edit_id for e in project.accepted_keyframes] == ["e0", "e1"]
    assert [e.edit_id for e in with_keyframe(project, "e2").accepted_keyframes] == ["e0", "e2"], "one keyframe a frame"
    assert [e.edit_id for e in with_accepted(project, "e2").accepted_keyframes] == ["e2"], "the accepted one takes its frame"
    assert [e.edit_id for e in without_keyframe(project, "e1").accepted_keyframes] == ["e0"]
    left = without_keyframe(project, "e0")
    assert (left.accepted, left.keyframes) == ("e1", ())
    assert without_keyframe(left, "e1").accepted is None
    with pytest.raises(InputError, match="not a keyframe"):
        without_keyframe(left, "e0")
    assert codec.loads(codec.dumps(History(project))).present == project


def finished(number: int, project: Project) -> Propagation:
    kept = tuple(PropagatedKeyframe(e.edit_id, e.frame, e.image, e.task, e.caption, e.seed) for e in project.accepted_keyframes)
    span = (project.clip.start, project.clip.stop)
    settings = SamplingSettings()
    return Propagation(f"p{number}", kept[0].edit_id, "r", 1, settings, "m", result="o.mp4", span=span, keyframes=kept, base=project.base)


def test_a_result_is_current_again_when_its_keyframe_is_accepted_again() -> None:
    first = with_propagation(two_tries(), finished(1, two_tries()))
    other = with_accepted(first, "e1")
    second = with_propagation(other, finished(2, other))
    assert second.latest_propagation is second.propagations[1]
    again = with_accepted(second, "e0")
    assert again.latest_propagation is again.propagations[0]
    assert again.fits(again.propagations[0])
    assert not again.propagations[0].stale
    assert not trimmed(again, 0, 15).fits(again.propagations[0])


def test_results_are_stacked_reordered_and_switched_off() -> None:
    project = with_propagation(two_tries(), finished(1, two_tries()))
    stacked = with_layer(project, "p1")
    assert (stacked.base, stacked.accepted, stacked.edits, stacked.latest_propagation) == ("p1", None, (), None)
    with pytest.raises(InputError, match="already"):
        with_layer(stacked, "p1")
    second = with_accepted(with_edits(stacked, two_tries().edits), "e1")
    second = with_propagation(second, finished(2, second))
    assert second.propagation("p2").base == "p1"
    both = with_layer(second, "p2")
    assert both.base == "p1+p2"
    assert with_layers(both, both.layers[::-1]).base == "p2+p1"
    off = with_layers(both, (both.layers[0], Layer("p2", enabled=False)))
    assert off.base == "p1"
    with pytest.raises(InputError, match="another stack"):
        with_layer(with_layers(second, (Layer("p1", enabled=False),)), "p2")
    with pytest.raises(InputError, match="only once"):
        with_layers(both, (both.layers[0], both.layers[0]))
    with pytest.raises(InputError, match="not finished"):
        with_layer(with_propagation(project, dataclasses.replace(finished(3, project), result=None)), "p3")
    assert codec.loads(codec.dumps(History(both))).present == both


@pytest.mark.parametrize(
    ("text", "form", "pixels"),
    [
        ("none", "none", 0),
        ("hull", "hull", 0),
        ("box", "box", 0),
        ("expand:8", "expand", 8),
        ("expand:-3", "expand", -3),
        ("box+expand:12", "box+expand", 12),
    ],
)
def test_adjustments_as_the_command_line_writes_them(text: str, form: str, pixels: int) -> None:
    adjustment = MaskAdjustment.parse(text)
    assert (adjustment.form, adjustment.pixels) == (form, pixels)


@pytest.mark.parametrize("text", ["expand", "hull:3", "expand:x", "grow:3", "", "box+expand"])
def test_a_wrong_adjustment_is_named(text: str) -> None:
    with pytest.raises(InputError, match=r"unknown mask adjustment|not a whole number"):
        MaskAdjustment.parse(text)


@pytest.mark.parametrize(
    "make",
    [
        lambda: BoxPrompt(0, 1, 5, 5, 5, 9),
        lambda: check_prompt(BoxPrompt(0, 1, 5, 5, 65, 9), 64, 48, 20),
        lambda: check_prompt(PointPrompt(0, 1, -1, 5), 64, 48, 20),
        lambda: check_prompt(PointPrompt(20, 1, 1, 5), 64, 48, 20),
        lambda: trimmed(make_project(), 5, 5),
        lambda: trimmed(make_project(), 1.5, 5),  # type: ignore[arg-type]
        lambda: trimmed(make_project(), 0, 21),
        lambda: SamplingSettings(steps=0),
        lambda: KeyframeEdit("e", 0, "add", " ", 0, SamplingSettings(), "m", "i", "r"),
        lambda: MaskTrack(1, " ", (0, 0, 0)),
        lambda: VideoInfo(0, 4, Fraction(25), 3),
        lambda: VideoInfo(4, 4, Fraction(25), 0),
    ],
)
def test_bad_values_are_refused_when_made(make) -> None:
    with pytest.raises(InputError):
        make()
