"""The measures, on cases small enough to be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.data.vocabulary import COLOURS
from core.errors import InputError
from core.evaluation.baselines import copied_first_mask, grabcut_with_flow, inpainted
from core.evaluation.clips import deepest_point, first_box
from core.evaluation.colour import cie76, ciede2000, dominant_colour, lab, mean_colour, NAMED
from core.evaluation.fidelity import flicker, IDENTICAL, Motion, psnr, ssim
from core.evaluation.hole_texture import gradient_energy
from core.evaluation.overlap import boundary_accuracy, outline, region_similarity, score_track
from core.evaluation.results import as_text, at_least, at_most, Figure, mean, share, SuiteResult


def square(size: int, top: int, left: int, side: int) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_region_similarity_is_intersection_over_union() -> None:
    assert region_similarity(square(20, 0, 0, 10), square(20, 0, 5, 10)) == pytest.approx(50 / 150)
    assert region_similarity(square(20, 0, 0, 10), square(20, 0, 0, 10)) == 1
    assert region_similarity(square(20, 0, 0, 5), square(20, 10, 10, 5)) == 0
    empty = np.zeros((20, 20), bool)
    assert region_similarity(empty, empty) == 1
    assert region_similarity(empty, square(20, 0, 0, 5)) == 0


def test_an_outline_lies_on_the_edge_and_not_on_the_pictures_border() -> None:
    edge = outline(square(6, 2, 2, 2))
    assert {tuple(place) for place in np.argwhere(edge).tolist()} == {(1, 1), (1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2), (3, 3)}
    assert not outline(np.ones((6, 6), bool)).any()


def test_boundary_accuracy_forgives_what_the_tolerance_allows() -> None:
    truth = square(100, 30, 30, 40)
    assert boundary_accuracy(truth, truth) == 1
    # The diagonal of 100x100 is 141.4: 0.008 of it rounds up to 2 pixels.
    assert boundary_accuracy(square(100, 32, 30, 40), truth) == 1
    assert 0 < boundary_accuracy(square(100, 33, 30, 40), truth) < 1
    assert boundary_accuracy(square(100, 0, 0, 10), square(100, 80, 80, 10)) == 0
    empty = np.zeros((100, 100), bool)
    assert boundary_accuracy(empty, empty) == 1
    assert boundary_accuracy(empty, truth) == boundary_accuracy(truth, empty) == 0


def test_boundary_accuracy_is_the_harmonic_mean_of_precision_and_recall() -> None:
    truth, extra = square(100, 10, 10, 20), square(100, 60, 60, 20)
    # Every true edge pixel is met, half of the found ones are.
    assert boundary_accuracy(truth | extra, truth) == pytest.approx(2 * 0.5 * 1 / 1.5)


def test_a_track_is_scored_over_all_frames() -> None:
    truth = [square(20, 0, 0, 10)] * 8
    found = [*truth[:4], *[np.zeros((20, 20), bool)] * 2, *[square(20, 0, 5, 10)] * 2]
    score = score_track(found, truth)
    assert score.j == pytest.approx((4 + 0 + 2 / 3) / 8)
    assert score.j_first == 1
    assert score.j_recall == pytest.approx(0.5)
    assert score.j_decay == pytest.approx(1 - 1 / 3)  # the first two frames against the last two
    assert score.found_again is None
    assert score_track(truth, truth).f_pixel == 1


def test_an_object_that_returns_is_found_again_within_ten_frames() -> None:
    shown, gone = square(40, 0, 0, 10), np.zeros((40, 40), bool)
    truth = [shown, gone, *[shown] * 20, gone, *[shown] * 5]
    late = [shown, gone, *[gone] * 12, *[shown] * 8, gone, *[shown] * 5]
    assert score_track(truth, truth).found_again == 1
    assert score_track(late, truth).found_again == 0.5


def test_outlines_one_pixel_apart_agree_within_a_pixel() -> None:
    truth = [square(100, 30, 30, 40)]
    assert score_track([square(100, 31, 30, 40)], truth).f_pixel == 1
    assert score_track([square(100, 33, 33, 40)], truth).f_pixel < 0.2


def test_psnr_of_a_constant_error() -> None:
    truth = np.full((2, 16, 16, 3), 100, np.uint8)
    off = truth.copy()
    off[:, :8] += 10
    assert psnr(off, truth) == pytest.approx(10 * math.log10(255**2 / 50))
    top = np.zeros((2, 16, 16), bool)
    top[:, :8] = True
    assert psnr(off, truth, top) == pytest.approx(10 * math.log10(255**2 / 100))
    assert psnr(off, truth, ~top) == IDENTICAL
    assert math.isnan(psnr(off, truth, np.zeros_like(top)))


def test_psnr_weighs_frames_by_their_pixels() -> None:
    truth = np.zeros((2, 10, 10, 3), np.uint8)
    result, masks = truth.copy(), np.zeros((2, 10, 10), bool)
    result[0, 0, 0] = 30
    masks[0, 0, 0], masks[1, :3, :3] = True, True
    assert psnr(result, truth, masks) == pytest.approx(10 * math.log10(255**2 / (900 / 10)))


def test_ssim_knows_equal_and_structureless_pictures() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 256, (1, 40, 40, 3), dtype=np.uint8)
    assert ssim(truth, truth) == pytest.approx(1)
    assert ssim(np.full_like(truth, 128), truth) < 0.05
    # Two flat pictures: only the means count, (2 m n + c) / (m^2 + n^2 + c).
    one, other, c = np.full((1, 20, 20, 3), 100, np.uint8), np.full((1, 20, 20, 3), 150, np.uint8), (0.01 * 255) ** 2
    assert ssim(one, other) == pytest.approx((2 * 15000 + c) / (10000 + 22500 + c), rel=1e-4)


def test_flicker_is_nothing_where_the_picture_only_moves() -> None:
    random = np.random.default_rng(1)
    import cv2

    scene = cv2.GaussianBlur(random.integers(0, 256, (120, 160, 3), dtype=np.uint8), (0, 0), 3)
    scene = cv2.normalize(scene, np.empty_like(scene), 0, 255, cv2.NORM_MINMAX)
    moving = np.stack([scene[10:100, 10 + 2 * index : 130 + 2 * index] for index in range(5)])
    motion = Motion(moving)
    inside = np.zeros(moving.shape[:3], bool)
    inside[:, 20:70, 30:90] = True
    steady = flicker(moving, motion, inside)
    assert steady < 1.5
    trembling = moving.copy()
    trembling[1::2] = np.clip(trembling[1::2].astype(int) + 12, 0, 255)
    assert flicker(trembling, motion, inside) == pytest.approx(12, abs=2.5)
    assert math.isnan(flicker(moving, motion, np.zeros_like(inside)))


def test_gradient_energy_tells_blur_and_noise() -> None:
    random = np.random.default_rng(0)
    truth = [np.repeat(random.integers(60, 190, (40, 40, 1)), 3, 2).astype(np.uint8)]
    inside = [square(40, 5, 5, 30)]
    softer = [(0.5 * truth[0] + 0.5 * 125).astype(np.uint8)]
    assert gradient_energy(truth, truth, inside) == 1
    assert gradient_energy(softer, truth, inside) == pytest.approx(0.5, abs=0.02)
    assert math.isnan(gradient_energy(truth, truth, [np.zeros((40, 40), bool)]))


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        # Pairs of the test data of Sharma, Wu and Dalal (2005), table 1.
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_ciede2000_agrees_with_the_published_pairs(first: tuple, second: tuple, distance: float) -> None:
    assert ciede2000(first, second) == pytest.approx(distance, abs=1e-4)
    assert ciede2000(second, first) == pytest.approx(distance, abs=1e-4)
    assert ciede2000(first, first) == 0


def test_lab_of_white_black_and_red() -> None:
    assert lab((1, 1, 1)) == pytest.approx([100, 0, 0], abs=0.1)
    assert lab((0, 0, 0)) == pytest.approx([0, 0, 0], abs=0.1)
    assert lab((1, 0, 0)) == pytest.approx([53.24, 80.09, 67.2], abs=0.3)
    assert cie76((50, 3, 4), (50, 0, 0)) == pytest.approx(5)


def test_the_dominant_colour_is_the_things_and_not_its_surroundings() -> None:
    random = np.random.default_rng(2)
    picture = (random.normal(0, 8, (80, 80, 3)) + np.array([60, 160, 60])).clip(0, 255).astype(np.uint8)  # a green meadow
    region = square(80, 20, 20, 40)
    ys, xs = np.mgrid[:80, :80]
    ring = (np.hypot(ys - 40, xs - 40) < 18) & (np.hypot(ys - 40, xs - 40) > 11)  # a third of the region
    picture[ring] = np.array(COLOURS["orange"]) * 255
    assert cie76(dominant_colour(picture, region), NAMED["orange"]) < 4
    assert cie76(mean_colour(picture, region), NAMED["orange"]) > 30
    with pytest.raises(InputError, match="empty"):
        dominant_colour(picture, np.zeros((80, 80), bool))


def test_prompts_of_a_mask() -> None:
    mask = square(60, 10, 20, 21)
    mask[30, 41:] = True  # a thin arm
    assert first_box(mask) == (20, 10, 60, 31)
    assert deepest_point(mask) == (30, 20)
    with pytest.raises(InputError, match="empty"):
        first_box(np.zeros((4, 4), bool))


def test_the_baselines_follow_and_fill() -> None:
    random = np.random.default_rng(3)
    ground = (random.normal(0, 6, (90, 120, 3)) + np.array([70, 110, 80])).clip(0, 255).astype(np.uint8)
    frames, truth = [], []
    for index in range(4):
        mask = np.zeros((90, 120), bool)
        mask[30:60, 30 + 4 * index : 65 + 4 * index] = True
        frames.append(np.where(mask[..., None], (ground // 3 + np.array((150, 60, 20), np.uint8)).astype(np.uint8), ground))
        truth.append(mask)
    seen: list[int] = []
    found = grabcut_with_flow(frames, (24, 24, 71, 66), seen.append)
    assert seen == [0, 1, 2, 3]
    assert min(region_similarity(*pair) for pair in zip(found, truth, strict=True)) > 0.9
    copied = copied_first_mask(truth)
    assert region_similarity(copied[3], truth[3]) == pytest.approx(23 / 47)
    filled = inpainted(frames, truth)
    assert psnr(filled, [ground] * 4, truth) > 25
    assert psnr(filled, frames, [~mask for mask in truth]) == IDENTICAL


def test_results_say_value_goal_and_verdict() -> None:
    result = SuiteResult("tracking", "Tracking", "")
    result.add("box.j", "J from the box", 0.7312, goal=at_least(0.78))
    result.add("flicker", "flicker", 0.42, goal=at_most(0.6), note="of something")
    result.add("gain", "gain", math.nan, "dB", at_least(1))
    first, second, third = as_text([result]).splitlines()[1:]
    assert first.split() == ["J", "from", "the", "box", "0.731", ">=", "0.78", "MISS"]
    assert second.split() == ["flicker", "0.420", "<=", "0.6", "pass", "of", "something"]
    assert third.split() == ["gain", "none", ">=", "1", "MISS"]
    assert first.index(">=") == second.index("<=") == third.index(">=")
    told = result.as_json()["figures"]
    assert told[0] == {
        "key": "tracking.box.j",
        "label": "J from the box",
        "value": 0.7312,
        "unit": "",
        "goal": {"direction": "at least", "limit": 0.78},
        "met": False,
        "note": "",
    }
    assert told[2]["value"] is None
    assert result.value("flicker") == 0.42
    assert Figure("k", "l", 93.26, "%").text == "93.3 %"
    assert share([True, False, True, True]) == 75
    assert mean([1.0, math.nan, 3.0]) == 2
    assert math.isnan(share([]))
