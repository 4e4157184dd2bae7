"""The accepted picture warped: it keeps colour and detail, its surroundings stay the source's."""

from __future__ import annotations

import cv2
import numpy as np

from core.geometry import Box
from core.masks import bounding_box
from core.propagation.keyframe_warp import AcceptedKeyframe, KeyframeWarper, WarpTarget
from core.propagation.mask_motion import box_motion, limit_stretch, smooth_boxes, STRETCH
from core.propagation.warp_state import WarpState
from core.render.edit_alpha import edit_alpha
from core.render.region import CropRegion
from tests.builders import noise_frames

SIZE = (120, 90)
CROP = CropRegion(10, 5, 80, 80, SIZE, (64, 64))


def _mask(left: int) -> np.ndarray:
    mask = np.zeros((90, 120), bool)
    mask[20:70, left : left + 50] = True
    return mask


def _edited(source: np.ndarray, left: int) -> np.ndarray:
    """A striped red square in the middle of the region."""
    picture = source.copy()
    picture[30:60, left + 10 : left + 40] = (200, 30, 40)
    picture[30:60:4, left + 10 : left + 40] = (120, 10, 20)
    return picture


def test_a_model_whose_colours_wander_does_not_change_the_edit_s() -> None:
    source = cv2.GaussianBlur(noise_frames(1, 90, 120)[0], (0, 0), 1.0)
    start, end = _mask(20), _mask(26)
    picture = _edited(source, 20)
    box = bounding_box(start)
    assert box is not None
    accepted = AcceptedKeyframe.of(picture, source, start, box)
    warper = KeyframeWarper(accepted, WarpState.of_keyframe(box, CROP), picture, CROP, cv2.blur(CROP.crop(picture), (5, 5)))
    wanted = _edited(source, 26)
    orange = np.clip(CROP.crop(wanted).astype(int) + np.array([0, 45, 0]), 0, 255).astype(np.uint8)
    result = warper.warp(WarpTarget(source, source, end, 0, bounding_box(end) or box, CROP, cv2.blur(orange, (5, 5))))
    inside = np.s_[32:58, 40:62]
    assert np.abs(result[inside].astype(float).mean((0, 1)) - wanted[inside].astype(float).mean((0, 1))).max() < 12
    assert result[inside].astype(float).std() > 0.6 * wanted[inside].astype(float).std()
    assert (result[~end] == source[~end]).all()
    assert (result[22:26, 30:70] == source[22:26, 30:70]).all()  # inside the region, where the edit does not show


def test_an_edit_is_as_sharp_after_many_windows_as_after_one() -> None:
    source = cv2.GaussianBlur(noise_frames(1, 90, 120)[0], (0, 0), 1.0)
    picture, region = _edited(source, 20), _mask(20)
    box = bounding_box(region)
    assert box is not None
    accepted = AcceptedKeyframe.of(picture, source, region, box)
    state, wanted = WarpState.of_keyframe(box, CROP), picture
    for left in range(22, 36, 2):  # every frame is a window of its own, and the model loses a little each time
        warper = KeyframeWarper(accepted, state, wanted, CROP, cv2.blur(CROP.crop(wanted), (5, 5)), keyframe_weight=1)
        region = _mask(left)
        blurred = cv2.blur(CROP.crop(_edited(source, left)), (5, 5))
        wanted = warper.warp(WarpTarget(source, source, region, 0, bounding_box(region) or box, CROP, blurred))
        state = WarpState.from_arrays(warper.state.arrays())
    inside = np.s_[32:58, left + 12 : left + 38]
    error = wanted[inside].astype(float) - _edited(source, left)[inside]
    assert np.sqrt((error**2).mean()) < 12  # its stripes are 80 levels apart


def test_repainted_background_does_not_show_and_an_object_is_shown_whole() -> None:
    source = noise_frames(1, 90, 120)[0] // 8 + 100
    mask = _mask(20)
    soft = cv2.GaussianBlur(source, (0, 0), 3.0)
    assert edit_alpha(np.where(mask[..., None], soft, source), source, mask).max() == 0
    edited = soft.copy()
    cv2.circle(edited, (45, 45), 15, (20, 40, 220), -1)
    cv2.circle(edited, (45, 45), 5, (112, 112, 112), -1)  # as gray as the background: still not looked through
    shown = edit_alpha(edited, source, mask)
    assert shown[45, 45] == 1
    assert shown[24, 24] == 0


def test_a_pale_part_of_a_dark_thing_is_shown_with_it() -> None:
    """An arm that is changed by a third of what its body is, and petals around a dark middle."""
    for factor in (1, 2, 4):
        rows, columns = np.mgrid[: 160 * factor, : 160 * factor] / factor
        mask = (abs(rows - 80) < 60) & (abs(columns - 80) < 65)
        body = np.hypot(rows - 80, columns - 60) < 30
        arm = (abs(rows - 80) < 4) & (columns > 60) & (columns < 130) & ~body
        flower = np.hypot(rows - 80, columns - 80) < 28
        middle = np.hypot(rows - 80, columns - 80) < 22
        source = np.full((*mask.shape, 3), 235, np.uint8)
        for whole, pale, dark in ((body | arm, arm, body), (flower, flower & ~middle, middle)):
            picture = np.where(dark[..., None], (20, 20, 30), np.where(whole[..., None], (175, 170, 165), 235)).astype(np.uint8)
            shown = edit_alpha(cv2.GaussianBlur(picture, (0, 0), 0.6), source, mask, rim=False)
            assert shown[pale].mean() > 0.75, factor
            assert shown[dark].mean() > 0.95


def test_what_the_keyframe_s_border_hid_says_nothing_of_colours() -> None:
    """Half out of the picture on the keyframe, with an odd column at the border; whole on the next
    frame, by the model.
    """
    start, end = np.zeros((96, 128), bool), np.zeros((96, 128), bool)
    start[30:66, 100:], end[30:66, 60:116] = True, True
    gray = np.full((96, 128, 3), 128, np.uint8)
    picture = np.where(start[..., None], np.array((200, 40, 40), np.uint8), gray)
    picture[30:66, 122:] = (20, 220, 20)
    answer = np.where(end[..., None], np.array((40, 40, 200), np.uint8), gray)
    answer[30:66, 60:88] = picture[30:66, 100:]
    crop = CropRegion(0, 0, 128, 96, (128, 96), (96, 128))
    accepted = AcceptedKeyframe.of(picture, gray, start, Box(100, 30, 156, 66))
    for weight in (0.8, 1.0):
        warper = KeyframeWarper(accepted, WarpState.of_keyframe(Box(100, 30, 156, 66), crop), picture, crop, picture, weight)
        result = warper.warp(WarpTarget(gray, gray, end, 0, Box(60, 30, 116, 66), crop, answer)).astype(float)
        assert np.abs(result[36:60, 66:78].mean((0, 1)) - (200, 40, 40)).max() < 8
        assert np.abs(result[36:60, 94:110].mean((0, 1)) - (40, 40, 200)).max() < 40


def test_nothing_is_made_up_beyond_what_is_known_of_the_keyframe() -> None:
    """A disc that touches the picture's top, in a region that later is taller than it ever was: no
    column grows out of it.
    """
    start, end = np.zeros((96, 128), bool), np.zeros((96, 128), bool)
    start[:40, 40:80], end[20:90, 40:80] = True, True
    gray = np.full((96, 128, 3), 128, np.uint8)
    picture, answer = gray.copy(), gray.copy()
    cv2.circle(picture, (60, 18), 19, (200, 40, 40), -1)
    answer[20:90, 40:80] = (200, 40, 40)
    crop = CropRegion(0, 0, 128, 96, (128, 96), (96, 128))
    for top in (-4, 0):
        accepted = AcceptedKeyframe.of(picture, gray, start, Box(40, top, 80, 40))
        warper = KeyframeWarper(accepted, WarpState.of_keyframe(Box(40, top, 80, 40), crop), picture, crop, picture, 0.8)
        result = warper.warp(WarpTarget(gray, gray, end, 0, Box(40, 20, 80, 90), crop, answer)).astype(int)
        red = (result[..., 0] - result[..., 1] > 60)[:, 60]
        disc = np.flatnonzero(np.abs(result[55] - result[55, 0]).max(-1) > 60)
        assert len(disc) > 30, "the disc is there"
        if top:
            assert 30 <= red.sum() < 60, "the region is 70 high"
        else:
            assert red.sum() > 60, "of a thing that is never seen whole all that comes in is edited"
        assert (result[~end] == gray[~end]).all()


def test_a_mask_that_is_squashed_for_a_frame_squashes_what_would_be_cut_off() -> None:
    """A ball of 40 pixels that falls by 10 a frame and bounces, flat on one frame."""
    bottoms = [60, 70, 80, 90, 80, 70, 60]
    boxes = [Box(20, bottom - (28 if bottom == 90 else 40), 60, bottom) for bottom in bottoms]
    for margin in (0.0, 0.1):
        found = smooth_boxes(boxes, (200, 200), (0, margin, 0, 0))[3]
        assert found is not None
        assert found.y0 >= 62 - (margin + 0.05) * 28
        assert found.y1 <= 90.1
    wobbling = [Box(20, 20 + wobble, 60, 60) for wobble in (0, 1, 0, 2, 0, 1, 0)]
    steadied = [box.y0 for box in smooth_boxes(wobbling, (200, 200), (0, 0.05, 0, 0)) if box is not None]
    assert max(steadied) - min(steadied) < 1


def test_an_edit_that_fills_its_region_fades_into_what_lies_behind_and_not_into_what_it_replaces() -> None:
    red, green, blue = (np.full((90, 120, 3), colour, np.uint8) for colour in ((220, 20, 20), (20, 220, 20), (20, 20, 220)))
    mask, moved = _mask(20), _mask(26)
    source, moved_source = (np.where(part[..., None], red, blue) for part in (mask, moved))  # red is replaced
    picture = np.where(mask[..., None], green, blue)
    box = bounding_box(mask)
    assert box is not None
    accepted = AcceptedKeyframe.of(picture, blue, mask, box)
    warper = KeyframeWarper(accepted, WarpState.of_keyframe(box, CROP), picture, CROP, CROP.crop(picture), keyframe_weight=1)
    answer = np.where(moved[..., None], green, blue)
    result = warper.warp(WarpTarget(moved_source, blue, moved, 6, bounding_box(moved) or box, CROP, CROP.crop(answer))).astype(int)
    assert result[..., 0].max() < 40, "nothing of what is replaced"
    assert result[45, 51, 1] > 200
    assert 40 < result[45, 28, 1] < 200, "soft at its edge"
    assert (result[~moved] == source[0, 0]).all()


def test_no_rim_of_the_keyframe_s_background_is_carried_along() -> None:
    """A cross on white, at two sizes of picture, on frames whose background is black."""
    for factor in (1, 4):
        size = (90 * factor, 120 * factor)
        mask, cross = np.zeros(size, bool), np.zeros(size, np.uint8)
        mask[20 * factor : 70 * factor, 20 * factor : 70 * factor] = True
        cross[30 * factor : 60 * factor, 40 * factor : 50 * factor] = 1
        cross[40 * factor : 50 * factor, 30 * factor : 60 * factor] = 1
        white = np.full((*size, 3), 245, np.uint8)
        soft = cv2.GaussianBlur(cross.astype(np.float32), (0, 0), 0.6)[..., None]
        picture = np.rint(soft * (210, 20, 30) + (1 - soft) * white).astype(np.uint8)
        accepted = AcceptedKeyframe.of(picture, white, mask, bounding_box(mask) or Box(0, 0, 0, 0))
        shown = accepted.alpha[..., None] * accepted.picture
        wanted = soft * (210, 20, 30)
        assert np.abs(shown - wanted)[cv2.erode(cross, np.ones((3, 3), np.uint8)) > 0].mean() < 3
        beside = cv2.dilate(cross, np.ones((2 * factor + 3,) * 2, np.uint8)) == 0
        assert shown[beside].max() < 12
        green = shown[..., 1]  # of which the background has much and the cross next to nothing
        assert (green > 60).sum() < 0.01 * cross.sum(), factor


def test_a_hole_that_was_cut_out_shows_what_passes_behind_it() -> None:
    source = cv2.GaussianBlur(noise_frames(1, 90, 120)[0], (0, 0), 1.0)
    start, end = _mask(20), _mask(40)
    picture = source.copy()
    cv2.circle(picture, (45, 45), 20, (20, 40, 220), -1)
    hole = np.hypot(*np.mgrid[-45:45, -45:75]) < 11
    picture[hole] = source[hole]
    box = bounding_box(start)
    assert box is not None
    accepted = AcceptedKeyframe.of(picture, source, start, box)
    assert accepted.alpha[45, 45] == 0
    assert accepted.alpha[45, 60] == 1
    warper = KeyframeWarper(
        accepted, WarpState.of_keyframe(box, CROP), picture, CROP, cv2.blur(CROP.crop(picture), (3, 3)), keyframe_weight=1
    )
    moved = np.where(np.roll(hole, 20, 1)[..., None], source, np.roll(picture, 20, 1))
    result = warper.warp(WarpTarget(source, source, end, 0, bounding_box(end) or box, CROP, cv2.blur(CROP.crop(moved), (3, 3))))
    middle = np.s_[42:48, 62:68]
    assert (result[middle] == source[middle]).all()
    assert np.abs(result[45, 80].astype(int) - [20, 40, 220]).max() < 20


def test_a_box_that_grows_narrow_does_not_squeeze_what_is_carried() -> None:
    shape = (90, 120)
    narrow = box_motion(Box(20, 20, 70, 70), Box(60, 20, 80, 70), shape)
    held = limit_stretch(narrow, Box(60, 20, 80, 70))
    assert held[1, 1] / held[0, 0] <= STRETCH + 1e-9
    assert held[0, 0] == narrow[0, 0]  # all of it stays inside the box
    assert np.allclose(held @ np.linalg.inv(narrow) @ [69.5, 44.5, 1], [69.5, 44.5, 1])
    even = box_motion(Box(20, 20, 70, 70), Box(20, 10, 80, 80), shape)
    assert np.allclose(limit_stretch(even, Box(20, 10, 80, 80)), even)
