"""Coarse logits become masks at the clip's size."""

import cv2
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
    picture = np.where(truth[..., None], (200, 80, 60), (60, 140, 60)).astype(np.uint8)  # about as bright as each other
    plain, snapped = (full_size(rough, Guide(picture), follow) for follow in (False, True))
    assert plain.shape == snapped.shape == truth.shape
    errors = [int((mask ^ truth).sum()) for mask in (plain, snapped)]
    assert errors[1] < errors[0] / 10


def test_nothing_stays_nothing() -> None:
    assert not full_size(torch.full((24, 24), -5.0), Guide(np.zeros((40, 60, 3), np.uint8)), snap_to_edges=True).any()


def test_texture_makes_neither_holes_nor_islands() -> None:
    truth = disc(480, 854, 0.3)
    picture = np.repeat(np.where(truth, 200, 60).astype(np.uint8)[..., None], 3, 2)
    ring = disc(480, 854, 0.31) & ~disc(480, 854, 0.29)
    specks = cv2.dilate((np.random.default_rng(0).random(truth.shape) < 0.004).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    picture[specks & ring] = 255 - picture[specks & ring]
    rough = torch.from_numpy(np.where(cv2.resize(truth.astype(np.uint8), (128, 128), interpolation=cv2.INTER_AREA) > 0, 3.0, -3.0))
    mask = full_size(rough, Guide(picture), snap_to_edges=True)
    pieces, holes = (cv2.connectedComponents(part.astype(np.uint8))[0] for part in (mask, ~mask))
    assert (pieces, holes) == (2, 2)  # each with what is not counted


def test_something_tiny_is_not_texture() -> None:
    picture = np.full((480, 854, 3), 60, np.uint8)
    picture[224:230, 400:408] = 220
    rough = np.full((128, 128), -5.0)
    rough[59:62, 59:62] = 5
    assert 20 < full_size(torch.from_numpy(rough), Guide(picture), snap_to_edges=True).sum() < 100
