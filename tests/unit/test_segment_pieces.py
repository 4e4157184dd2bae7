"""Pieces of an answer that lie apart from the object."""

import torch

from core.segment.pieces import drop_far_pieces


def logits_of(*squares: tuple[int, int, int]) -> torch.Tensor:
    """Logits (1, 1, 64, 64) of squares given as top, left and side."""
    logits = torch.full((1, 1, 64, 64), -4.0)
    for top, left, side in squares:
        logits[0, 0, top : top + side, left : left + side] = 4
    return logits


def test_an_object_in_one_piece_stays_as_it_is() -> None:
    logits = logits_of((10, 10, 20))
    assert drop_far_pieces(logits) is logits
    empty = logits_of()
    assert drop_far_pieces(empty) is empty


def test_both_sides_of_a_pole_stay() -> None:
    logits = logits_of((10, 5, 20), (10, 28, 16))  # a gap of three cells
    assert torch.equal(drop_far_pieces(logits), logits)


def test_another_thing_some_way_off_is_dropped() -> None:
    both = drop_far_pieces(logits_of((10, 5, 20), (12, 45, 10)))
    assert torch.equal(both > 0, logits_of((10, 5, 20)) > 0)


def test_a_larger_piece_may_be_further_away() -> None:
    small, large = logits_of((10, 5, 20), (12, 30, 6)), logits_of((10, 5, 20), (6, 30, 19))
    assert (drop_far_pieces(small) > 0)[..., 30:].sum() == 0
    assert torch.equal(drop_far_pieces(large), large)


def test_what_was_clicked_is_the_main_piece_and_stays() -> None:
    logits = logits_of((4, 4, 8), (40, 40, 20))
    small, large = (0.12, 0.12), (0.8, 0.8)
    assert int((drop_far_pieces(logits) > 0).sum()) == 400
    assert int((drop_far_pieces(logits, [small]) > 0).sum()) == 64
    assert int((drop_far_pieces(logits, [small, large]) > 0).sum()) == 464
    assert int((drop_far_pieces(logits, [(0.5, 0.1)]) > 0).sum()) == 400, "a click that is answered nowhere says nothing"
