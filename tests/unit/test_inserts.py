"""A picture of one's own on a clip: how it is read, where it lies on each frame, in which light."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import FrameList
from PIL import Image

from core.errors import InputError
from core.geometry import FrameRange
from core.inserts.carried import CarriedInsert, decode_path, encode_path, LaidInsert
from core.inserts.drawing import InsertDrawer
from core.inserts.path import carry, follows_of, footprint, footprints
from core.inserts.picture import lay, moved_corners, read_picture
from core.inserts.shadow import lay_shadow, shadow_of_shot
from core.masks import MaskSequence
from core.progress import JobContext
from core.project.inserts import area_of, CastShadow, Corners, Insert, placed_corners
from core.propagation.laid import joined_path

SIZE = (240, 160)
FRAMES = 9


def texture(seed: int, width: int = 400, height: int = 300) -> np.ndarray:
    """Something that motion can be read from, uint8 (h, w, 3)."""
    noise = np.random.default_rng(seed).standard_normal((height, width, 3)).astype(np.float32)
    even = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return np.clip(128 + 40 * even / even.std(), 0, 255).astype(np.uint8)


def camera(index: int) -> np.ndarray:
    """3x3, from the wall's pixels to those of a frame: it comes nearer and tilts."""
    zoom = 1 + 0.012 * index
    return np.array([[zoom, 0.002 * index, -60 - 2.0 * index], [0, zoom, -50 - index], [0.00003 * index, 0, 1]])


def wall() -> np.ndarray:
    picture = texture(1)
    return np.stack([cv2.warpPerspective(picture, camera(index), SIZE) for index in range(FRAMES)])


def sign(height: int = 20, width: int = 40) -> np.ndarray:
    """uint8 (h, w, 4): red, transparent in its right half's lower corner."""
    picture = np.zeros((height, width, 4), np.uint8)
    picture[...] = (200, 40, 40, 255)
    picture[height // 2 :, width // 2 :, 3] = 0
    return picture


def at(x: float, y: float, width: float, height: float, **more: object) -> Insert:
    return replace(Insert(placed_corners(x, y, width, height), light=0.0, grain=False), **more)  # type: ignore[arg-type]


def test_a_picture_lies_where_its_corners_are() -> None:
    laid = lay(sign(), np.array(placed_corners(10, 30, 40, 20)), SIZE)
    assert laid is not None
    frame = np.zeros((SIZE[1], SIZE[0]), np.float32)
    frame[laid.box.slices] = laid.alpha
    assert (frame[31:39, 11:49] == 1).all(), "opaque to the edge"
    assert (frame[41:49, 31:49] == 0).all(), "its own hole"
    assert frame[:29].max() == frame[51:].max() == frame[:, :9].max() == frame[:, 51:].max() == 0
    assert lay(sign(), np.array(placed_corners(300, 30, 40, 20)), SIZE) is None
    turned = np.array(placed_corners(0, 0, 40, 20, 90))
    assert np.allclose(turned, [(30, -10), (30, 30), (10, 30), (10, -10)])


@pytest.mark.parametrize(
    ("corners", "why"),
    [
        (((0, 0), (10, 10), (10, 0), (0, 10)), "cross or bend"),
        (((0, 0), (1, 0), (1, 1), (0, 1)), "smaller than"),
        (((0, 0), (1e6, 0), (1e6, 9), (0, 9)), "too far away"),
        (((0, 0), (float("nan"), 0), (9, 9), (0, 9)), "too far away"),
    ],
)
def test_corners_that_no_picture_can_lie_on_are_refused_in_a_line(corners: Corners, why: str) -> None:
    with pytest.raises(InputError, match=why):
        Insert(corners)
    assert area_of(placed_corners(3, 4, 5, 6)) == pytest.approx(30)


def test_what_is_no_picture_to_lay_is_said_in_a_line(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8, 4), np.uint8)).save(tmp_path / "empty.png")
    Image.fromarray(sign()[..., :3]).save(tmp_path / "photo.jpg")
    (tmp_path / "words.png").write_text("no picture")
    with pytest.raises(InputError, match=r"'empty\.png' is transparent everywhere"):
        read_picture(tmp_path / "empty.png", "empty.png")
    with pytest.raises(InputError, match=r"'words\.png' is not a picture"):
        read_picture(tmp_path / "words.png", "words.png")
    picture, notes = read_picture(tmp_path / "photo.jpg", "photo.jpg")
    assert picture.shape == (20, 40, 4)
    assert notes == ("'photo.jpg' has no transparency: all of its rectangle is laid on the frame.",)
    Image.new("RGBA", (5000, 50), (9, 9, 9, 90)).save(tmp_path / "wide.png")
    picture, notes = read_picture(tmp_path / "wide.png", "wide.png")
    assert picture.shape == (41, 4096, 4)
    assert tuple(picture[20, 2000]) == (9, 9, 9, 90)
    assert "4096 × 41" in notes[0]


def test_on_a_wall_it_moves_in_perspective_with_the_wall() -> None:
    key = 4
    insert = at(100, 60, 50, 30)
    carried = carry(FrameList(wall()), LaidInsert(insert, sign(), key), None, FrameRange(0, FRAMES), JobContext())
    assert sorted(carried.path) == list(range(FRAMES))
    for index, corners in carried.path.items():
        true = moved_corners(np.array(insert.corners), camera(index) @ np.linalg.inv(camera(key)))
        assert np.abs(corners - true).max() < 0.6, index
    assert np.array_equal(carried.path[key], insert.corners)
    assert (decode_path(encode_path(carried.path))[0] == carried.path[0]).all(), "what is stored is what is drawn"
    region = footprints(carried, SIZE, FrameRange(0, FRAMES))
    assert region[0].sum() == pytest.approx(0.75 * abs(area_of(tuple(map(tuple, carried.path[0])))), rel=0.15)  # type: ignore[arg-type]


def test_on_a_thing_it_moves_with_the_thing_and_before_a_place_the_thing_stays_in_front() -> None:
    frames, masks = wall(), []
    thing = texture(2, 70, 60)
    for index in range(FRAMES):
        x, y = 60 + 5 * index, 50 + 2 * index
        frames[index, y : y + 60, x : x + 70] = thing
        masks.append(np.zeros((SIZE[1], SIZE[0]), bool))
        masks[-1][y : y + 60, x : x + 70] = True
    things, reader = MaskSequence(SIZE, 0, masks), FrameList(frames)
    on_thing, beside = at(75, 65, 30, 20), at(150, 5, 30, 20)
    assert follows_of(on_thing, sign(), masks[0]) == "thing"
    assert follows_of(beside, sign(), masks[0]) == follows_of(beside, sign(), None) == "place"
    with pytest.raises(InputError, match="no object on this frame"):
        follows_of(replace(beside, follows="thing"), sign(), None)
    carried = carry(reader, LaidInsert(on_thing, sign(), 0), things, FrameRange(0, FRAMES), JobContext())
    for index, corners in carried.path.items():
        assert np.abs(corners - np.array(on_thing.corners) - (5 * index, 2 * index)).max() < 0.8, index
    assert carried.front is None
    behind = replace(at(110, 60, 40, 30), follows="place")
    carried = carry(reader, LaidInsert(behind, sign(30, 40), 0), things, FrameRange(0, FRAMES), JobContext())
    true = moved_corners(np.array(behind.corners), camera(8) @ np.linalg.inv(camera(0)))
    assert np.abs(carried.path[8] - true).max() < 1.5, "not with the thing that passes"
    front = carried.before(6)
    assert front is not None
    assert (front <= masks[6]).all()
    drawn = InsertDrawer(LaidInsert(behind, sign(30, 40), 0), frames[0], None).draw(6, frames[6], carried.places(6, SIZE), front)
    inner = cv2.erode(front.astype(np.uint8), np.ones((7, 7))) > 0
    assert inner.any()
    assert np.abs(drawn[inner].astype(int) - frames[6][inner]).max() <= 1
    still = carry(reader, LaidInsert(replace(beside, follows="frame"), sign(), 0), things, FrameRange(0, 3), JobContext())
    assert all(np.array_equal(corners, beside.corners) for corners in still.path.values())


def test_two_keyframes_of_it_lead_from_the_one_place_to_the_other() -> None:
    here, there = (np.array(placed_corners(x, 0, 10, 10)) for x in (0, 100))
    path = joined_path({0: dict.fromkeys(range(9), here), 8: dict.fromkeys(range(9), there)})
    assert [float(path[frame][0, 0]) for frame in (0, 4, 8)] == [0, 50, 100]


def test_it_has_the_light_of_the_shot_and_follows_its_changes() -> None:
    insert = at(100, 60, 50, 30, light=1.0)
    bright = np.clip(texture(1)[:160, :240].astype(int) + 60, 0, 255).astype(np.uint8)
    dark = (bright * 0.5).astype(np.uint8)
    laid = LaidInsert(insert, np.full((30, 50, 4), 255, np.uint8), 0)
    corners = np.array(insert.corners)
    inside = np.s_[66:84, 106:144]
    shown = InsertDrawer(laid, bright, None).draw(0, bright, [corners])[inside]
    assert bright.max() - 30 < shown.mean() <= bright.max(), "white is the shot's own white"
    night = InsertDrawer(laid, dark, None).draw(0, dark, [corners])[inside]
    assert night.mean() < 0.65 * shown.mean()
    dimmed = InsertDrawer(laid, bright, None).draw(1, dark, [corners])[inside]
    assert dimmed.mean() == pytest.approx(0.5 * shown.mean(), rel=0.15)
    as_it_is = InsertDrawer(replace(laid, insert=at(100, 60, 50, 30)), dark, None).draw(0, dark, [corners])[inside]
    assert as_it_is.min() == 255
    half = at(100, 60, 50, 30, opacity=0.5)
    mixed = InsertDrawer(replace(laid, insert=half), dark, None).draw(0, dark, [corners])[inside]
    assert np.abs(mixed - (dark[inside].astype(float) + 255) / 2).max() <= 1
    printed = at(100, 60, 50, 30, blend="multiply")
    assert (InsertDrawer(replace(laid, insert=printed), dark, None).draw(0, dark, [corners])[inside] == dark[inside]).all()


def test_its_motion_blurs_it_over_the_time_that_the_shutter_is_open() -> None:
    insert, white = at(60, 60, 40, 30, shutter=0.5), np.full((30, 40, 4), 255, np.uint8)
    path = {frame: np.array(insert.corners) + np.array([20 * frame, 0]) for frame in range(3)}
    moving, black = CarriedInsert(insert, white, path), np.zeros((160, 240, 3), np.uint8)
    drawer = InsertDrawer(LaidInsert(insert, white, 0), black, None)
    row = drawer.draw(1, black, moving.places(1, (240, 160)))[75, :, 0].astype(float) / 255
    assert row[86:115].min() > 0.99, "what is covered all the time"
    ramp = row[74:86]
    assert (np.diff(ramp) > 0).all(), "half of 20 pixels on either side, from none to all"
    assert ramp.mean() == pytest.approx(0.6, abs=0.12)
    assert row[:74].max() == row[127:].max() == 0
    covered = footprints(moving, (240, 160), FrameRange(0, 3))[1]
    assert covered[75, 76:125].all()
    assert len(CarriedInsert(replace(insert, shutter=0.0), white, path).places(1, (240, 160))) == 1
    jumped = {0: path[0], 1: path[0] + np.array([150, 0])}
    assert len(CarriedInsert(insert, white, jumped).places(0, (240, 160))) == 1, "that is no motion"


def test_its_shadow_falls_from_its_foot_and_is_softer_where_it_is_far() -> None:
    picture = np.full((60, 20, 4), (200, 40, 40, 255), np.uint8)
    corners = np.array(placed_corners(60, 20, 20, 60))
    shadow = CastShadow(angle=0, length=1.5, softness=0.5, strength=0.6)
    assert lay_shadow(picture, corners, shadow, SIZE) is None, "along the foot it has no room"
    laid = lay_shadow(picture, corners, replace(shadow, angle=45), SIZE)
    assert laid is not None
    box, amount = laid
    dark = np.zeros((SIZE[1], SIZE[0]))
    dark[box.slices] = amount
    foot, end = (dark[82:88].max(), dark[130:136].max())
    assert 0.5 < foot <= 0.61
    assert 0.2 < end < 0.85 * foot, "fainter where it is far"
    assert dark[:70].max() == 0, "what stands casts none beside itself"
    steepest = [np.abs(np.diff(dark[row])).max() / dark[row].max() for row in (88, 130)]
    assert steepest[1] < 0.7 * steepest[0], "and softer"
    flat = lay_shadow(picture, corners, CastShadow(0, 0.2, 0.1, 0.6, stands=False), SIZE)
    assert flat is not None
    assert flat[1].max() == pytest.approx(0.6, abs=0.01)
    insert = at(60, 20, 20, 60, shadow=replace(shadow, angle=45))
    grey = np.full((SIZE[1], SIZE[0], 3), 100, np.uint8)
    laid_insert = LaidInsert(insert, picture, 0)
    drawn = InsertDrawer(laid_insert, grey, None).draw(0, grey, [corners])
    changed = (drawn != grey).any(-1)
    assert (changed <= footprint(picture, corners, SIZE, insert.shadow)).all(), "nothing else changes"
    assert drawn[84:88].min() < 60
    with pytest.raises(InputError, match="a shadow's length"):
        CastShadow(length=9)


def test_the_shadow_of_the_shot_tells_how_its_own_falls() -> None:
    frame = np.full((SIZE[1], SIZE[0], 3), 120, np.uint8)
    thing, seen = np.zeros((SIZE[1], SIZE[0]), bool), np.zeros((SIZE[1], SIZE[0]), bool)
    thing[40:100, 50:70] = True
    cv2.fillConvexPoly(shape := np.zeros(seen.shape, np.uint8), np.array([(50, 100), (70, 100), (150, 130), (130, 130)]), 1)
    seen = (shape > 0) & ~thing
    frame[seen] = 60
    found = shadow_of_shot(FrameList(frame[None]), MaskSequence(SIZE, 0, [thing]), 0, seen)
    assert found is not None
    assert found.angle == pytest.approx(21, abs=8)
    assert found.length == pytest.approx(1.4, abs=0.4)
    assert found.strength == pytest.approx(0.5, abs=0.05)
    assert shadow_of_shot(FrameList(frame[None]), MaskSequence(SIZE, 0, [thing]), 0, np.zeros_like(thing)) is None
