"""A change that a keyframe makes to the source's own thing, carried along that thing's motion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.carrying.bounds import ThingBounds
from core.carrying.change import ChangeCarrier, KeyframeChange
from core.carrying.colours import ColourMap
from core.carrying.decision import carried_as
from core.carrying.motion import ThingMotion
from core.carrying.occluders import Occluders
from core.carrying.pose import ThingPose
from core.data.carrying_clips import carrying_clip, CarryingClip
from core.evaluation.carrying import carried
from core.evaluation.clips import as_sequence, FramesInMemory
from core.evaluation.fidelity import psnr
from core.masks import bounding_box, depth_inside
from core.progress import JobContext
from core.propagation.result import EditedWindow
from core.propagation.support import runs_of

FRAMES = 14


@pytest.fixture(scope="module")
def ball() -> CarryingClip:
    return carrying_clip("turning ball", FRAMES)


def _boxes(masks: np.ndarray, pixels: int) -> np.ndarray:
    """The boxes of masks (T, H, W) and so many pixels around them, as the editor's usual region."""
    boxes = np.zeros_like(masks)
    for mask, box in zip(masks, boxes, strict=True):
        found = bounding_box(mask)
        assert found is not None
        box[found.grow(pixels, mask.shape).slices] = True
    return boxes


@pytest.fixture(scope="module")
def region(ball: CarryingClip) -> np.ndarray:
    return np.stack([cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0 for mask in ball.masks])


def _another_thing(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The thing's place filled with another one, with stripes of its own."""
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]]
    painted = np.where(((columns - rows) // 9 % 2 == 0)[..., None], np.uint8((230, 60, 40)), np.uint8((120, 20, 10)))
    return np.where(mask[..., None], painted, frame)


def test_a_recoloured_a_striped_and_a_signed_thing_is_a_change(ball: CarryingClip, region: np.ndarray) -> None:
    for name, changed in ball.changed.items():
        assert carried_as(ball.frames[0], changed[0], region[0]) == "change", name


def test_a_hat_is_carried_with_the_thing_that_it_sits_on(ball: CarryingClip) -> None:
    def top(mask: np.ndarray) -> np.ndarray:
        rows, columns = np.nonzero(mask)
        return np.array([columns[rows == rows.min()].mean(), rows.min()])

    x, y = top(ball.masks[0]).astype(int)
    keyframe = ball.frames[0].copy()
    keyframe[y - 20 : y + 6, x - 20 : x + 20] = (230, 20, 200)
    boxes = _boxes(ball.masks, 30)
    assert carried_as(ball.frames[0], keyframe, boxes[0]) == "change"
    result = carried(ball.frames, boxes, {0: keyframe}, JobContext(), ball.masks)
    for index in (4, FRAMES - 1):
        hat = np.abs(result[index].astype(int) - (230, 20, 200)).max(-1) < 40
        assert hat.sum() > 0.7 * 26 * 40
        # The ball's surface turns below it, so it goes farther than the ball.
        moved, went = top(ball.masks[index]) - (x, y), np.argwhere(hat)[:, ::-1].mean(0) - (x, y - 7)
        assert np.abs(went - moved).max() < 0.7 * np.linalg.norm(moved) + 3


def test_another_thing_in_its_place_is_a_picture(ball: CarryingClip, region: np.ndarray) -> None:
    assert carried_as(ball.frames[0], _another_thing(ball.frames[0], ball.masks[0]), region[0]) == "picture"
    assert carried_as(ball.frames[0], _another_thing(ball.frames[0], region[0]), region[0]) == "picture"


def test_a_recolouring_and_a_pattern_turn_with_the_thing_in_a_box_that_is_much_wider(ball: CarryingClip) -> None:
    boxes = _boxes(ball.masks, 8)
    beside = boxes & ~np.stack([cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0 for mask in ball.masks])
    for name, least in (("recoloured", 36), ("striped", 27), ("checked", 25)):
        truth = ball.changed[name]
        result = carried(ball.frames, boxes, {0: truth[0]}, JobContext(), ball.masks)
        assert psnr(result[1:], truth[1:], ball.masks[1:]) >= least, name
        assert (result[~boxes] == ball.frames[~boxes]).all()
        spilt = np.abs(result[1:].astype(int) - ball.frames[1:]).max(-1)[beside[1:]] > 8
        assert spilt.mean() < 0.002, name
        if name == "recoloured":
            assert _old_rim(result, truth, ball) < 0.02


def _old_rim(result: np.ndarray, truth: np.ndarray, clip: CarryingClip) -> float:
    """The share of pixels within 3 of the thing's outline that are nearer to what they were."""
    source, wanted = clip.frames[1:].astype(float), truth[1:] - clip.frames[1:].astype(float)
    length = (wanted**2).sum(-1)
    changed = ((result[1:] - source) * wanted).sum(-1) / np.maximum(length, 1)
    rim = np.stack([mask & (depth_inside(mask) <= 3) for mask in clip.masks[1:]]) & (length > 400)
    return float((changed[rim] < 0.5).mean())


def test_what_the_mask_misses_of_the_thing_is_changed_as_the_keyframe_shows_it(ball: CarryingClip) -> None:
    frames, masks, truth = ball.frames[:6], ball.masks[:6].copy(), ball.changed["recoloured"][:6]
    for mask in masks:
        box = bounding_box(mask)
        assert box is not None
        mask[:, box.x1 - 20 :] = False
    result = carried(frames, _boxes(masks, 24), {0: truth[0]}, JobContext(), masks)
    missed = ball.masks[1:6] & ~masks[1:]
    far = np.abs(truth[1:].astype(int) - frames[1:]).max(-1) > 40
    near = np.abs(result[1:].astype(int) - truth[1:]).max(-1) < 20
    assert near[missed & far].mean() > 0.85
    # Two keyframes mix there as they do elsewhere, though only one says that it is the thing.
    last = np.where(ball.masks[5][..., None], 255 - truth[5], frames[5])
    both = carried(frames, _boxes(masks, 24), {0: truth[0], 5: last}, JobContext(), masks)
    inside = ball.masks[2] & (depth_inside(ball.masks[2]) > 6)
    went = np.abs(both[2].astype(int) - result[2]).mean(-1)
    assert 0.5 < went[inside & ~masks[2]].mean() / went[inside & masks[2]].mean() < 1.6
    # The mask is right elsewhere, and nothing is added to it there.
    beside = np.stack([cv2.dilate(mask.astype(np.uint8), np.ones((11, 11), np.uint8)) == 0 for mask in ball.masks[1:6]])
    assert (np.abs(result[1:].astype(int) - frames[1:]).max(-1) > 8)[beside].mean() < 1e-4


def test_an_outline_that_turns_keeps_no_line_of_the_old_colour() -> None:
    board = carrying_clip("tilting board", 9)
    truth = board.changed["recoloured"]
    result = carried(board.frames, _boxes(board.masks, 8), {0: truth[0]}, JobContext(), board.masks)
    assert _old_rim(result, truth, board) < 0.02
    assert psnr(result[1:], truth[1:], board.masks[1:]) > 38


def test_a_turn_of_hues_is_known_from_grays_too() -> None:
    """A smooth map could not turn grays that differ by a level to different hues."""
    random = np.random.default_rng(3)
    gray = random.integers(40, 220, (60, 60, 1)) + random.integers(-6, 7, (60, 60, 3))

    def turned(picture: np.ndarray) -> np.ndarray:
        hue, saturation, value = cv2.split(cv2.cvtColor(picture, cv2.COLOR_RGB2HSV))
        hue, saturation = (hue.astype(int) + 80) % 180, np.clip(saturation.astype(int) + 60, 0, 255)
        return cv2.cvtColor(cv2.merge([hue.astype(np.uint8), saturation.astype(np.uint8), value]), cv2.COLOR_HSV2RGB)

    seen, other = gray[:, :30].astype(np.uint8), np.clip(gray[:, 30:] + (20, 0, -10), 0, 255).astype(np.uint8)
    pairs = [picture.reshape(-1, 3).astype(np.float32) for picture in (seen, turned(seen))]
    found = ColourMap(*pairs, np.ones(len(pairs[0]), np.float32)).of(other)
    assert np.abs(found - turned(other)).mean() < 4


def test_a_colour_map_goes_on_where_the_keyframe_was_clipped_and_ignores_what_is_beside_the_thing() -> None:
    gray = np.repeat(np.linspace(60, 200, 3000, dtype=np.float32)[:, None], 3, 1)
    after = np.clip(np.stack([gray[:, 0] * 1.5 + 40, gray[:, 0] * 0.35, gray[:, 0] * 0.3], -1), 0, 255)
    after[2900:2930] = gray[2900:2930]  # a gap in the thing, as it was
    found = ColourMap(gray, after, np.ones(len(gray), np.float32)).of(np.full((2, 2, 3), 235, np.uint8))
    assert np.abs(found - (255, 82, 70)).max() < 12


def test_a_change_goes_backwards_from_a_late_keyframe(ball: CarryingClip, region: np.ndarray) -> None:
    truth = ball.changed["recoloured"]
    result = carried(ball.frames, region, {FRAMES - 1: truth[-1]}, JobContext())
    assert psnr(result[:-1], truth[:-1], ball.masks[:-1]) >= 28


def test_two_keyframes_blend_without_a_jump(ball: CarryingClip, region: np.ndarray) -> None:
    red, checked = ball.changed["recoloured"], ball.changed["checked"]
    result = carried(ball.frames, region, {0: red[0], FRAMES - 1: checked[-1]}, JobContext()).astype(float)
    steps = [np.abs(result[index + 1] - result[index])[ball.masks[index]].mean() for index in range(FRAMES - 1)]
    whole = np.abs(red[0].astype(float) - checked[0])[ball.masks[0]].mean()
    assert max(steps) < 0.5 * whole + 15
    # Next to a keyframe it has the say.
    assert psnr(result[1:2], red[1:2], ball.masks[1:2]) > psnr(result[1:2], checked[1:2], ball.masks[1:2])
    assert psnr(result[-2:-1], checked[-2:-1], ball.masks[-2:-1]) > psnr(result[-2:-1], red[-2:-1], ball.masks[-2:-1])


def test_where_a_pixel_comes_from_does_not_depend_on_what_was_asked_before(ball: CarryingClip, region: np.ndarray) -> None:
    def motion() -> ThingMotion:
        return ThingMotion(FramesInMemory(ball.frames), as_sequence(region), 4)

    asked_in_order, asked_at_once = motion(), motion()
    for frame in (5, 6, 2, 9, 0):
        asked_in_order.at(frame)
    for frame in (11, 1):
        one, other = asked_in_order.at(frame), asked_at_once.at(frame)
        assert (one.origin == other.origin).all()
        assert (one.sure == other.sure).all()


def test_a_new_shot_is_not_followed_into(ball: CarryingClip, region: np.ndarray) -> None:
    frames = ball.frames.copy()
    frames[6:] = np.random.default_rng(0).integers(0, 255, (1, *frames.shape[1:]), np.uint8)
    motion = ThingMotion(FramesInMemory(frames), as_sequence(region), 0)
    assert motion.at(5).sure.mean() > 0.3
    assert motion.at(7).sure.mean() < 0.1


def test_a_region_that_vanishes_and_returns_is_found_again(ball: CarryingClip, region: np.ndarray) -> None:
    masks = region.copy()
    masks[4:6] = False
    truth = ball.changed["striped"]
    result = carried(ball.frames, masks, {0: truth[0]}, JobContext())
    assert (result[4] == ball.frames[4]).all()
    assert psnr(result[7:9], truth[7:9], ball.masks[7:9]) >= 22


def test_a_side_that_the_keyframe_never_showed_has_little_support(ball: CarryingClip, region: np.ndarray) -> None:
    frames = ball.frames.copy()
    random = np.random.default_rng(1)
    frames[8:][ball.masks[8:]] = random.integers(0, 255, (ball.masks[8:].sum(), 3), np.uint8)
    change = KeyframeChange(frames[0], ball.changed["striped"][0], region[0], 0)
    carrier = ChangeCarrier(change, ThingMotion(FramesInMemory(frames), as_sequence(region), 0))
    seen, hidden = (carrier.carry(index, frames[index], region[index], 0) for index in (6, 10))
    assert seen.unsupported < 0.25 < hidden.unsupported
    assert seen.confidence[ball.masks[6]].mean() > hidden.confidence[ball.masks[10]].mean()


def test_a_mask_that_covers_everything_and_a_keyframe_that_changes_nothing(ball: CarryingClip) -> None:
    everything = np.ones((3, *ball.masks.shape[1:]), bool)
    result = carried(ball.frames[:3], everything, {0: ball.frames[0]}, JobContext())
    assert np.abs(result.astype(int) - ball.frames[:3]).mean() < 1
    result = carried(ball.frames[:3], everything, {0: 255 - ball.frames[0]}, JobContext())
    assert np.abs(result.astype(int) - (255 - ball.frames[:3])).mean() < 12


def test_a_rigid_thing_has_a_motion_as_a_whole_and_cloth_has_none() -> None:
    board, cloth = carrying_clip("tilting board", 9), carrying_clip("waving cloth", 9)

    def pose(clip: CarryingClip, index: int) -> np.ndarray | None:
        # What is around them in the region moves otherwise.
        bounds = ThingBounds(as_sequence(_boxes(clip.masks, 8)), as_sequence(clip.masks))
        return ThingPose(ThingMotion(FramesInMemory(clip.frames), bounds, 0)).at(index)

    tilt = pose(board, 8)
    assert tilt is not None
    size = board.masks.shape[2:0:-1]
    moved = cv2.warpPerspective(board.frames[0], tilt, size, flags=cv2.INTER_LINEAR)
    inside = cv2.erode(board.masks[8].astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert abs(tilt[1, 0]) > 0.1
    assert psnr(moved[None], board.frames[8:9], inside[None]) > 24
    assert pose(cloth, 8) is None


def test_a_pole_stays_in_front_of_what_takes_the_place_of_the_board_behind_it() -> None:
    board = carrying_clip("tilting board", 25)
    hulls = []
    for mask in board.masks:
        hull = np.zeros(mask.shape, np.uint8)
        cv2.fillConvexPoly(hull, cv2.convexHull(np.argwhere(mask)[:, ::-1].astype(np.int32)), 1)
        hulls.append(cv2.dilate(hull, np.ones((9, 9), np.uint8)) > 0)
    region = np.stack(hulls)
    pose = ThingPose(ThingMotion(FramesInMemory(board.frames), as_sequence(region), 0))
    occluders = Occluders(pose, board.frames[0], region[0])
    assert occluders.before(8, board.frames[8], region[8]) is None
    front = occluders.before(24, board.frames[24], region[24])
    assert front is not None
    pole = (np.abs(board.frames[24].astype(int) - (62, 58, 54)).max(-1) < 12) & region[24]
    inner = cv2.erode(board.masks[24].astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert front[pole].mean() > 0.85
    assert front[inner].mean() < 0.02
    # Before a change of the board as well; and what comes out from behind it is found again.
    truth = board.changed["striped"]
    result = carried(board.frames, region, {0: truth[0]}, JobContext())
    hidden = cv2.erode(pole.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert np.abs(result[24].astype(int) - board.frames[24])[hidden].max() <= 2
    assert psnr(result[20:], truth[20:], board.masks[20:]) > 26


def test_frames_without_support_are_marked_with_the_next_keyframe() -> None:
    shares = dict.fromkeys(range(20), 0.0) | {5: 0.3, 6: 0.5, 8: 0.52, 15: 0.9}
    runs = runs_of(shares)
    assert [(run.start, run.stop, run.keyframe) for run in runs] == [(5, 9, 6), (15, 16, 15)]


def test_a_window_keeps_what_lacks_support(tmp_path: Path) -> None:
    region = as_sequence(np.ones((2, 8, 8), bool))

    def pictures() -> Iterator[np.ndarray]:
        yield np.zeros((8, 8, 3), np.uint8)

    window = EditedWindow.of((1,), pictures(), region)
    window.save(tmp_path / "plain.npz")
    assert EditedWindow.unsupported_in(tmp_path / "plain.npz") == {}
    EditedWindow(window.frames, window.corners, window.patches, None, (0.5,)).save(tmp_path / "marked.npz")
    assert EditedWindow.unsupported_in(tmp_path / "marked.npz") == {1: 0.5}
    assert EditedWindow.load(tmp_path / "marked.npz").unsupported == (0.5,)
