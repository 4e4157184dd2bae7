"""What a person may rely on when a mask is widened: nothing is lost, empty stays empty, a disc is a
disc, borders behave.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from core.errors import InputError
from core.masks import adjust, bounding_box, feather_alpha
from core.project.tracks import FORMS, MaskAdjustment

masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24), elements=st.booleans(), fill=st.just(False))
relaxed = settings(deadline=None, max_examples=60)


def by_distance(mask: np.ndarray, pixels: int) -> np.ndarray:
    """The definition, by brute force: pixels at most `pixels` from the mask, or more than -`pixels`
    from its outside.
    """
    wanted = mask if pixels >= 0 else ~mask
    y, x = np.nonzero(wanted)
    if len(y) == 0:
        return mask.copy()
    rows, columns = np.indices(mask.shape)
    squared = ((rows[..., None] - y) ** 2 + (columns[..., None] - x) ** 2).min(axis=-1)
    near = squared <= pixels * pixels
    return near if pixels >= 0 else ~near


@relaxed
@given(masks, st.integers(-6, 9))
def test_expand_is_the_euclidean_disc(mask: np.ndarray, pixels: int) -> None:
    assert (adjust(mask, MaskAdjustment("expand", pixels)) == by_distance(mask, pixels)).all()


def test_both_ways_of_widening_agree_where_they_meet() -> None:
    mask = np.zeros((300, 330), np.bool_)
    mask[150, 100:103] = mask[160, 200] = True
    for pixels in (63, 64, 65, 66):
        assert (adjust(mask, MaskAdjustment("expand", pixels)) == by_distance(mask, pixels)).all()


@relaxed
@given(masks, st.sampled_from(FORMS), st.integers(0, 7))
def test_widening_contains_the_mask_and_shrinking_lies_within(mask: np.ndarray, form: str, pixels: int) -> None:
    wider = adjust(mask, MaskAdjustment(form, pixels))
    assert (wider | mask == wider).all()
    if form == "expand":
        assert (adjust(mask, MaskAdjustment(form, -pixels)) & ~mask).sum() == 0


@given(st.sampled_from(FORMS), st.integers(-9, 9))
def test_empty_stays_empty(form: str, pixels: int) -> None:
    empty = np.zeros((3, 8, 9), np.bool_)
    assert not adjust(empty, MaskAdjustment(form, pixels)).any()
    assert not feather_alpha(empty, 4).any()


@pytest.mark.parametrize("form", ["expand", "hull", "hull+expand"])
def test_a_full_frame_stays_full(form: str) -> None:
    full = np.ones((7, 9), np.bool_)
    for pixels in (-3, 3):
        assert adjust(full, MaskAdjustment(form, pixels)).all()
    assert (feather_alpha(full, 4) == 1).all()


@relaxed
@given(masks, st.sampled_from(["hull", "box"]))
def test_hull_and_box_are_idempotent_and_nested(mask: np.ndarray, form: str) -> None:
    once = adjust(mask, MaskAdjustment(form))
    assert (adjust(once, MaskAdjustment(form)) == once).all()
    assert bounding_box(once) == bounding_box(mask)
    assert (adjust(mask, MaskAdjustment("hull")) & ~adjust(mask, MaskAdjustment("box"))).sum() == 0


@relaxed
@given(masks)
def test_hull_holds_every_pixel_between_two_of_the_mask(mask: np.ndarray) -> None:
    hull = adjust(mask, MaskAdjustment("hull"))
    points = np.argwhere(mask)
    for first in points[:: max(1, len(points) // 6)]:
        middles = points + first
        even = middles[(middles % 2 == 0).all(axis=1)] // 2
        assert hull[tuple(even.T)].all()


def test_hull_of_a_corner_is_the_triangle() -> None:
    mask = np.zeros((6, 6), np.bool_)
    mask[0, 0] = mask[5, 0] = mask[5, 5] = True
    assert (adjust(mask, MaskAdjustment("hull")) == np.tril(np.ones((6, 6), np.bool_))).all()


def test_box_expand_stays_a_box_within_the_frame() -> None:
    mask = np.zeros((20, 30), np.bool_)
    mask[2, 5] = mask[9, 12] = True
    grown = adjust(mask, MaskAdjustment("box+expand", 4))
    assert bounding_box(grown) == (1, 0, 17, 14)
    assert grown.sum() == 14 * 16
    assert not adjust(mask, MaskAdjustment("box+expand", -4)).any()


def test_a_side_on_the_frames_border_is_not_shrunk_or_feathered() -> None:
    mask = np.zeros((20, 20), np.bool_)
    mask[:10] = True
    assert bounding_box(adjust(mask, MaskAdjustment("expand", -3))) == (0, 0, 20, 7)
    assert bounding_box(adjust(mask, MaskAdjustment("box+expand", -3))) == (0, 0, 20, 7)
    alpha = feather_alpha(mask, 3)
    assert (alpha[:7] == 1).all()
    assert alpha[7:11, 0].tolist() == [0.75, 0.5, 0.25, 0.0]


@relaxed
@given(masks, st.integers(0, 9))
def test_feather_is_zero_outside_positive_inside_and_one_when_deep(mask: np.ndarray, pixels: int) -> None:
    alpha = feather_alpha(mask, pixels)
    assert alpha.dtype == np.float32
    assert ((alpha > 0) == mask).all()
    assert alpha.max(initial=0) <= 1
    assert (alpha[adjust(mask, MaskAdjustment("expand", -(pixels + 1)))] == 1).all()


def test_a_sequence_is_adjusted_frame_by_frame() -> None:
    rng = np.random.default_rng(0)
    frames = rng.random((4, 30, 40)) > 0.99
    wanted = MaskAdjustment("hull+expand", 2)
    assert (adjust(frames, wanted) == np.stack([adjust(frame, wanted) for frame in frames])).all()
    assert (feather_alpha(frames, 3) == np.stack([feather_alpha(frame, 3) for frame in frames])).all()


def test_pixels_that_are_no_mask_are_refused() -> None:
    with pytest.raises(InputError, match=r"uint8 \(4, 5\)"):
        adjust(np.zeros((4, 5), np.uint8), MaskAdjustment("hull"))
