"""Optical flow between pictures of any size, the flattest too, which OpenCV's own answers with a
crash of the program.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.render.flow import DenseFlow
from tests.builders import noise_frames


@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (15, 64), (20, 480), (16, 854), (480, 8), (33, 33)])
def test_every_size_has_a_flow(size: tuple[int, int], fine: bool) -> None:
    picture = np.asarray(cv2.cvtColor(noise_frames(1, *size)[0], cv2.COLOR_RGB2GRAY), np.uint8)
    flow = DenseFlow(fine=fine).between(picture, picture)
    assert flow.shape == (*size, 2)
    assert np.abs(flow).max() < 0.5


def test_it_leads_to_where_a_pixel_lies_in_the_other_picture() -> None:
    ground = cv2.GaussianBlur(noise_frames(1, 40, 200)[0][..., 0], (0, 0), 3)
    for rows in (40, 20):
        one, two = ground[:rows, 10:190], ground[:rows, 7:187]
        flow = DenseFlow().between(one, two)[4:-4, 20:-20]
        assert np.abs(np.median(flow, (0, 1)) - (3, 0)).max() < 0.5
