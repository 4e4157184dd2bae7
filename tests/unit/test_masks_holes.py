"""What a person may rely on when holes are filled: only what the mask encloses, only up to the size
asked for, nothing is lost.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from core.masks import adjust, fill_holes
from core.project.tracks import ALL_HOLES, MaskAdjustment

masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20), elements=st.booleans())
relaxed = settings(deadline=None, max_examples=60)


def pieces_of(outside: np.ndarray) -> list[set[tuple[int, int]]]:
    """The definition, by walking: pixels that hang together over their sides."""
    left = {(int(y), int(x)) for y, x in np.argwhere(outside)}
    pieces = []
    while left:
        piece, edge = set(), [left.pop()]
        while edge:
            y, x = edge.pop()
            piece.add((y, x))
            near = {(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)} & left
            left -= near
            edge += near
        pieces.append(piece)
    return pieces


@relaxed
@given(masks, st.sampled_from([ALL_HOLES, 0, 1, 2, 5, 1000]))
def test_holes_up_to_a_size_are_filled_and_nothing_else(mask: np.ndarray, largest: int) -> None:
    height, width = mask.shape
    wanted = mask.copy()
    for piece in pieces_of(~mask):
        enclosed = all(0 < y < height - 1 and 0 < x < width - 1 for y, x in piece)
        if enclosed and (largest == ALL_HOLES or len(piece) <= largest):
            wanted[tuple(np.array(sorted(piece)).T)] = True
    filled = fill_holes(mask, largest)
    assert (filled == wanted).all()
    assert (fill_holes(filled, largest) == filled).all()


@given(st.sampled_from([ALL_HOLES, 0, 7]))
def test_empty_stays_empty_and_full_stays_full(largest: int) -> None:
    assert not fill_holes(np.zeros((5, 6), np.bool_), largest).any()
    assert fill_holes(np.ones((5, 6), np.bool_), largest).all()


def test_what_opens_to_the_frames_border_is_no_hole() -> None:
    mask = np.ones((20, 20), np.bool_)
    mask[0:5, 8:12] = mask[10:13, 10:13] = False
    filled = fill_holes(mask, ALL_HOLES)
    assert not filled[0:5, 8:12].any()
    assert filled[10:13, 10:13].all()


def test_holes_are_filled_before_the_region_is_widened_or_shrunk() -> None:
    mask = np.zeros((60, 60), np.bool_)
    mask[20:40, 20:40] = True
    mask[29:32, 29:32] = False
    shrunk = adjust(mask, MaskAdjustment("expand", -3, holes=9))
    assert shrunk.sum() == 14 * 14
    assert adjust(mask, MaskAdjustment("expand", -3, holes=8)).sum() < 14 * 14
