"""What the network is unsure of, as it is hatched on the picture."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image

from app.media.overlays import hatched_png
from core.segment.doubt import doubtful_part


def test_a_wide_part_between_yes_and_no_is_in_doubt_and_no_rim_is() -> None:
    ys, xs = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    logits = (12 - (xs - 20).abs().maximum((ys - 30).abs())).clamp(-1, 1) * 8  # two cells from no to yes
    assert not doubtful_part(logits, (320, 240)).any()
    logits[20:32, 40:54] = 0.5
    part = doubtful_part(logits, (320, 240))
    inside = np.zeros((240, 320), np.bool_)
    inside[75:120, 200:270] = True
    assert part[85:110, 215:255].all()
    assert not part[~inside].any()


def test_doubt_is_hatched_and_the_rest_is_clear() -> None:
    mask = np.zeros((40, 60), np.bool_)
    mask[10:30, 20:50] = True
    shown = np.asarray(Image.open(io.BytesIO(hatched_png(mask, 30))).convert("RGBA"))
    assert shown.shape == (20, 30, 4)
    assert (shown[~mask[::2, ::2], 3] == 0).all()
    assert 0.4 <= (shown[mask[::2, ::2], 3] > 0).mean() <= 0.6
