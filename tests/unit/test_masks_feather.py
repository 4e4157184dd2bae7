"""How soft an edge is: one width for the whole region, or each object its own without a seam
between them.
"""

from __future__ import annotations

from collections.abc import Container

import cv2
import numpy as np
import pytest

from core.geometry import FrameRange
from core.masks import adjusted, feather_alpha, feather_of_objects, MaskSequence, region_at, RegionPart
from core.project.tracks import MaskAdjustment
from core.propagation.window_keys import window_keys
from core.propagation.windows import plan_windows
from core.render.composite import soft_edge

SHAPE = (90, 160)
ys, xs = np.mgrid[: SHAPE[0], : SHAPE[1]]


def box(x0: int, x1: int, y0: int = 20, y1: int = 70) -> np.ndarray:
    return (xs >= x0) & (xs < x1) & (ys >= y0) & (ys < y1)


def edge(*objects: tuple[np.ndarray, int]) -> np.ndarray:
    return soft_edge(*feather_of_objects(objects, SHAPE))


def test_one_number_for_all_gives_what_it_always_gave() -> None:
    one, two = box(20, 80), (xs - 110) ** 2 + (ys - 45) ** 2 < 30**2
    both = one | two
    depth = cv2.distanceTransform(both.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    for pixels in (0, 4, 7, 200):
        assert (edge((one, pixels), (two, pixels)) == soft_edge(both, pixels)).all()
        width = min(float(pixels), float(depth.max()) / 3)
        assert (soft_edge(both, pixels) == (np.minimum(1, depth * np.float32(1 / (width + 1))) if pixels else both)).all()
        # and so does an array of it, pixel by pixel
        assert (feather_alpha(both, np.full(SHAPE, pixels, np.uint8)) == feather_alpha(both, pixels)).all()
        assert (soft_edge(both, np.full(SHAPE, pixels, np.uint8)) == soft_edge(both, pixels)).all()
    everything = np.ones(SHAPE, bool)
    assert (soft_edge(everything, np.full(SHAPE, 9, np.uint8)) == 1).all()
    assert not edge().any()


def test_each_object_has_its_own_edge_and_none_where_they_touch() -> None:
    hard, soft = box(20, 80), box(80, 140)
    alpha, both = edge((hard, 0), (soft, 12)), hard | soft
    assert (alpha[hard] == 1).all()
    assert (alpha[soft] == soft_edge(both, 12)[soft]).all()
    assert (alpha[45, 20:127] == 1).all()  # across the border between them: no seam
    assert 0 < alpha[45, 139] < alpha[45, 135] < 1
    assert not alpha[~both].any()


def test_where_objects_lie_over_one_another_the_harder_edge_holds() -> None:
    under, over = box(20, 100), box(60, 140)
    alpha = edge((under, 10), (over, 3))
    assert (alpha == edge((over, 3), (under, 10))).all()
    both = under | over
    wide, narrow = soft_edge(both, 10), soft_edge(both, 3)
    assert (alpha == np.where(over, narrow, wide * under)).all()
    assert (alpha[under & over] == np.maximum(wide, narrow)[under & over]).all()


def parts(*feathers: int) -> list[RegionPart]:
    """A box that stays, one over a part of it, one that is there from frame 4 on."""
    shapes = [box(10, 60)] * 8, [box(40, 90)] * 8, [box(110, 150) & (frame > 3) for frame in range(8)]
    sequences = [MaskSequence(SHAPE[::-1], 0, masks) for masks in shapes]
    return [RegionPart(masks, MaskAdjustment("expand", 2, pixels)) for masks, pixels in zip(sequences, feathers, strict=True)]


@pytest.mark.parametrize("feathers", [(5, 5, 5), (8, 2, 2), (2, 8, 0), (0, 0, 30)])
def test_a_stored_edge_is_that_of_each_frame(feathers: tuple[int, int, int]) -> None:
    region, soft = adjusted(parts(*feathers), range(8))
    assert soft.pixels == min(feathers)
    assert [pixels for pixels, _ in soft.parts] == (sorted(set(feathers)) if len(set(feathers)) > 1 else [])
    for frame in range(8):
        mask, widths = region_at(parts(*feathers), frame, SHAPE[::-1])
        assert (region[frame] == mask).all()
        assert (soft_edge(mask, widths) == soft_edge(mask, soft.at(frame))).all()
        if soft.parts:  # each pixel of the region in one of them
            assert (sum(where[frame].astype(int) for _, where in soft.parts) == mask).all()
    assert isinstance(soft.at(0), int) == (len(set(feathers[:2])) == 1)  # one number where the objects of the frame have the same


def names(*objects: RegionPart) -> list[str]:
    """Of the windows that carry frame 0: their frames are 1:4, 4:7 and 7:8, each going on from the
    one before.
    """
    region, soft = adjusted(objects, range(8))
    windows = plan_windows(FrameRange(0, 8), 0, 4, region.is_empty)
    assert [window.edited for window in windows] == [(1, 2, 3), (4, 5, 6), (7,)]
    return window_keys(windows, region, soft, 0, np.zeros((*SHAPE, 3), np.uint8), {"task": "add"})


def test_a_window_s_name_changes_with_the_edge_on_its_frames_and_with_nothing_else() -> None:
    usual = names(*parts(4, 4, 4))
    late = names(*parts(4, 4, 9))
    assert late[0] == usual[0]
    assert not set(late[1:]) & set(usual)
    for changed in ((5, 4, 4), (4, 5, 4), (4, 0, 4), (5, 5, 5)):
        assert not set(names(*parts(*changed))) & set(usual)
    assert len({tuple(names(*parts(*order))) for order in ((1, 2, 3), (2, 1, 3), (1, 3, 2), (3, 2, 1))}) == 4


def test_an_edge_that_shows_nowhere_changes_no_name() -> None:
    def thing(x0: int, x1: int, pixels: int, missing: Container[int] = ()) -> RegionPart:
        masks = [box(x0, x1) & (frame not in missing) for frame in range(8)]
        return RegionPart(MaskSequence(SHAPE[::-1], 0, masks), MaskAdjustment("none", 0, pixels))

    under = thing(10, 60, 3), thing(20, 40, 20)
    assert names(*under) == names(thing(10, 60, 3))
    absent = [names(thing(10, 60, 4, (2,)), thing(70, 90, pixels, range(4))) for pixels in (4, 9)]
    assert absent[0][0] == absent[1][0]  # nothing is there on frame 2
    assert absent[0][1] != absent[1][1]
