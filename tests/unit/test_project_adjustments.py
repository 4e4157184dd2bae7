"""How masks are adjusted, as the document keeps it: for all objects or for one, undone, and read
from documents that know less of it.
"""

import dataclasses
import json

import pytest

from core.errors import InputError
from core.project import codec
from core.project.history import History
from core.project.project import Project, with_adjustment, with_object, with_region, with_track
from core.project.tracks import ALL_HOLES, MaskAdjustment
from core.project.video import Clip, VideoInfo


def make_project() -> Project:
    from fractions import Fraction

    clip = Clip("/videos/street.mp4", "0" * 64, VideoInfo(64, 48, Fraction(24), 20), 0, 20)
    project = Project("a" * 32, "street", clip, "2026-01-01T00:00:00+00:00")
    for name in ("car", "dog"):
        project, _ = with_object(project, name)
    return with_region(project, "files/r.masks")


def test_an_object_can_have_an_adjustment_of_its_own() -> None:
    own = MaskAdjustment("hull", 0, 4, 20, 2)
    project = with_adjustment(make_project(), own, 2)
    assert project.region is None
    assert [track.adjusted_by(project.adjustment) for track in project.tracks] == [project.adjustment, own]
    later = with_adjustment(project, MaskAdjustment("none"))
    assert [track.adjusted_by(later.adjustment) for track in later.tracks] == [MaskAdjustment("none"), own]
    with pytest.raises(InputError, match="no object 9"):
        with_adjustment(project, own, 9)


def test_each_object_may_have_a_soft_edge_of_its_own() -> None:
    project = with_adjustment(make_project(), MaskAdjustment("hull", feather=7), 1)
    project = with_region(project, "files/r.masks", ((4, "files/a.masks"), (7, "files/b.masks")))
    assert [track.adjusted_by(project.adjustment).feather for track in project.tracks] == [7, 4]
    later = with_adjustment(project, dataclasses.replace(project.adjustment, feather=11))
    assert [track.adjusted_by(later.adjustment).feather for track in later.tracks] == [7, 11]
    assert (later.region, later.feathers) == (None, ())
    assert with_adjustment(project, MaskAdjustment("hull", feather=8), 1).feathers == ()
    assert codec.loads(codec.dumps(History(project))).present == project


def test_the_width_of_the_whole_edge_is_that_of_what_is_edited() -> None:
    project = with_adjustment(make_project(), MaskAdjustment("hull", feather=7), 1)
    assert project.feather == 4  # nothing is tracked yet
    project = with_track(project, dataclasses.replace(project.tracks[0], masks="files/m.masks"))
    assert project.feather == 7
    project = with_track(project, dataclasses.replace(project.tracks[1], masks="files/n.masks"))
    assert project.feather == 4
    assert with_track(project, dataclasses.replace(project.tracks[1], edited=False)).feather == 7


def test_what_is_not_edited_or_adjusted_otherwise_changes_the_region() -> None:
    project = make_project()
    car = project.tracks[0]
    without = with_track(project, dataclasses.replace(car, edited=False))
    assert without.region is None
    assert [track.name for track in without.edited_tracks] == ["dog"]
    assert with_track(project, dataclasses.replace(car, hidden=True)).region == "files/r.masks"
    assert with_adjustment(project, project.adjustment) == project


def test_documents_from_before_are_read_and_new_ones_survive() -> None:
    project = with_adjustment(make_project(), MaskAdjustment("expand", 3, 2, ALL_HOLES, 2), 1)
    assert codec.loads(codec.dumps(History(project))).present == project
    data = json.loads(codec.dumps(History(make_project())))
    for name in ("holes", "smooth"):
        del data["project"]["adjustment"][name]
    for track in data["project"]["tracks"]:
        del track["edited"], track["adjustment"]
    del data["project"]["feathers"]
    assert codec.loads(json.dumps(data)).present == make_project()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("none,smooth:2", MaskAdjustment("none", smooth=2)),
        ("expand:-3,holes:200", MaskAdjustment("expand", -3, holes=200)),
        ("hull+expand:8,smooth:1,holes:all", MaskAdjustment("hull+expand", 8, holes=ALL_HOLES, smooth=1)),
    ],
)
def test_cleaning_as_the_command_line_writes_it(text: str, wanted: MaskAdjustment) -> None:
    assert MaskAdjustment.parse(text) == wanted


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("none,holes", "'' in"),
        ("none,holes:x", "'x'"),
        ("none,blur:3", "'blur:3'"),
        ("none,smooth:1,smooth:2", "'smooth:2'"),
        ("none,smooth:all", "'all'"),
        ("none,smooth:16", "16 frames"),
        ("none,holes:-5", "-5 pixels"),
        ("holes:5", "'holes:5'"),
    ],
)
def test_wrong_cleaning_is_named(text: str, named: str) -> None:
    with pytest.raises(InputError, match=named):
        MaskAdjustment.parse(text)
