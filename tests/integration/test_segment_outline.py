"""Coarse logits become masks at the clip's size."""

import numpy as np
import pytest
import torch

from core.segment.outline import full_size, Guide


def disc(height: int, width: int, radius: float) -> np.ndarray:
    """A disc around the middle, `radius` in parts of the height."""
    ys, xs = np.mgrid[:height, :width]
    return (xs - width / 2 + 0.5) ** 2 + (ys - height / 2 + 0.5) ** 2 < (radius * height) ** 2


@pytest.mark.parametrize("size", [(854, 480), (480, 854), (3840, 2160)])
def test_the_outline_settles_on_the_pictures_edge(size: tuple[int, int]) -> None:
    truth = disc(size[1], size[0], 0.25 * min(size) / size[1])
    ys, xs = np.mgrid[:96, :96]
    far = ((xs - 47.5) * size[0] / 96) ** 2 + ((ys - 47.5) * size[1] / 96) ** 2  # every frame is squeezed onto the square
    rough = torch.from_numpy(np.where(far < (0.26 * min(size)) ** 2, 4.0, -4.0))  # a little too large
    picture = np.where(truth, 200, 60).astype(np.uint8)
    plain, snapped = (full_size(rough, Guide(picture), follow) for follow in (False, True))
    assert plain.shape == snapped.shape == truth.shape
    errors = [int((mask ^ truth).sum()) for mask in (plain, snapped)]
    assert errors[1] < errors[0] / 2


def test_nothing_stays_nothing() -> None:
    assert not full_size(torch.full((24, 24), -5.0), Guide(np.zeros((40, 60), np.uint8)), snap_to_edges=True).any()
