"""From the network's coarse logits to a mask at the clip's size, by a network that has learnt how
outlines lie in pictures.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.geometry import Box
from core.masks.bounding_box import bounding_box, Mask
from core.segment.frames import Features
from core.segment.outline import decided_mask, follow_colours, full_size
from core.segment.outline_network import cut, cut_features, MULTIPLE, OutlineNetwork

_LONGEST = 860  # pixels of the longer side at which the network knows pictures
_PIXELS = 120_000  # of the part that it looks at, at most
_MARGIN = 3  # cells of the logits around the object,
_SHARE = 0.12  # and a share of its sides, within which its parts are looked for


class Outlines:
    """Makes masks of logits, with the network of a package, or, where that has none, by the colours
    of the picture.
    """

    def __init__(self, network: OutlineNetwork | None) -> None:
        self.network = network

    def __call__(self, logits: Tensor, features: Features) -> Mask:
        """Bring logits (1, 1, h, w) to the size of the frame: bool (H, W)."""
        if self.network is None:
            return full_size(logits[0, 0], features.guide, snap_to_edges=True)
        return learnt_outline(logits, features, self.network)


@torch.inference_mode()
def learnt_outline(logits: Tensor, features: Features, network: OutlineNetwork) -> Mask:
    """Look at the part of the frame with the object, and let the network draw its outline.

    The part is looked at with fewer pixels where it is large; the colours of the frame bring what
    the network says of it to full size then.

    Args:
        logits: (1, 1, h, w) of the whole frame.
        features: Of the frame, from the segmenter whose logits they are.
        network: That was trained on this segmenter.

    Returns:
        bool (H, W).
    """
    height, width = features.picture.shape[:2]
    coarse: NDArray[np.float32] = logits[0, 0].float().cpu().numpy()
    found = bounding_box(coarse > 0)
    mask = np.zeros((height, width), np.bool_)
    if found is None:
        return mask
    part, size = _part(found, coarse.shape, (width, height))
    shrunk = size != (part.width, part.height)
    inner = Box(max(part.x0, 0), max(part.y0, 0), min(part.x1, width), min(part.y1, height))
    beyond = (inner.y0 - part.y0, part.y1 - inner.y1, inner.x0 - part.x0, part.x1 - inner.x1)
    picture = np.asarray(cv2.copyMakeBorder(inner.crop(features.picture), *beyond, cv2.BORDER_REPLICATE), np.uint8)
    seen = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8) if shrunk else picture
    box = torch.tensor([[part.x0 / width, part.y0 / height, part.x1 / width, part.y1 / height]], device=logits.device)
    wanted = (size[1], size[0])
    maps = [level.permute(1, 2, 0).unflatten(2, shape).float() for level, shape in zip(features.levels, features.sizes, strict=True)]
    said = cut(logits.float(), box, wanted)
    colours = torch.from_numpy(seen).to(logits.device).permute(2, 0, 1)[None].float() / 255
    found_logits: NDArray[np.float32] = network(colours, said, cut_features(maps, box, wanted))[0, 0].float().cpu().numpy()
    sure: NDArray[np.float32] = said[0, 0].cpu().numpy()
    if shrunk:
        inside = np.asarray(1 / (1 + np.exp(-np.clip(found_logits, -20, 20))), np.float32)
        found_logits = follow_colours(inside, seen, picture) - np.float32(0.5)
        sure = np.asarray(cv2.resize(sure, (part.width, part.height), interpolation=cv2.INTER_LINEAR), np.float32)
    decided = decided_mask(found_logits, sure, height * width / coarse.size)
    inner.crop(mask)[:] = Box(beyond[2], beyond[0], part.width - beyond[3], part.height - beyond[1]).crop(decided)
    return mask


def _part(found: Box[int], cells: tuple[int, ...], size: tuple[int, int]) -> tuple[Box[int], tuple[int, int]]:
    """The part of a picture to look at, and with how many pixels (w, h), multiples of MULTIPLE.

    Args:
        found: The object's box in cells of the logits.
        cells: Height and width of these.
        size: The picture's (W, H).

    Returns:
        The part in pixels of the picture, which it may reach beyond, and its size for the network.
    """
    spans, sides = [], []
    for first, last, count, length in ((found.x0, found.x1, cells[1], size[0]), (found.y0, found.y1, cells[0], size[1])):
        reach = _MARGIN + _SHARE * (last - first)
        spans.append((max(0.0, first - reach) * length / count, min(count, last + reach) * length / count))
    scale = min(1.0, _LONGEST / max(size), (_PIXELS / ((spans[0][1] - spans[0][0]) * (spans[1][1] - spans[1][0]))) ** 0.5)
    starts = []
    for (low, high), length in zip(spans, size, strict=True):
        side = max(MULTIPLE, int(np.ceil((high - low) * scale / MULTIPLE)) * MULTIPLE)
        wide = round(side / scale)
        starts.append((max(0, min(int(low), length - wide)), wide))
        sides.append(side)
    (x, wide), (y, tall) = starts
    return Box(x, y, x + wide, y + tall), (sides[0], sides[1])
