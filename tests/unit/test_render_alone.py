"""An edit by itself: laid over the clip again it gives the result."""

from __future__ import annotations

import numpy as np

from core.render.alone import edited_alone


def over(below: np.ndarray, alone: np.ndarray) -> np.ndarray:
    alpha = alone[..., 3:] / 255
    return below * (1 - alpha) + alone[..., :3] * alpha


def test_over_the_clip_it_gives_the_result_and_is_clear_where_nothing_changed() -> None:
    ys, xs = np.mgrid[:90, :120]
    below = np.stack([60 + xs, 90 + ys, 70 + (xs + ys) // 2], -1).astype(np.uint8)
    region = (abs(xs - 60) < 30) & (abs(ys - 45) < 30)
    disc = np.clip(20.5 - np.hypot(xs - 60, ys - 45), 0, 1)[..., None]
    result = np.rint(below * (1 - disc) + np.array([230, 40, 200]) * disc).astype(np.uint8)
    told = edited_alone(result, below, region)
    assert np.abs(over(below, told) - result).max() <= 1
    assert (told[45, 50:70, 3] == 255).all()
    assert told[~region, 3].max() == 0
    known = edited_alone(result, below, region, disc[..., 0].astype(np.float32))
    assert np.abs(known[..., 3] / 255 - disc[..., 0]).max() < 0.02
    inside = disc[..., 0] > 0.2
    assert np.abs(known[inside][:, :3].astype(int) - [230, 40, 200]).max() <= 12, "its own colour, also at the edge"
    shaded = below.copy()
    shaded[60:80, 80:100] //= 2  # a shadow, which the known alpha leaves out
    fallen = edited_alone(shaded, below, np.ones_like(region), np.zeros(region.shape, np.float32))
    assert np.abs(over(below, fallen) - shaded).max() <= 1
    assert fallen[70, 90, :3].max() <= 2
    assert 120 <= fallen[70, 90, 3] <= 135
