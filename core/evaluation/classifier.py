"""A tiny network that names the kind and the colour of the thing in a picture's region.

Trained by the recipe `small-classifier`.

It names what the small VIVID paints, so it never saw anything that a model painted: only the
procedural world's own pictures, blurred, shrunk, compressed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn, Tensor

from core.assets import ASSETS
from core.data.vocabulary import COLOURS, KINDS
from core.errors import InputError, ModelMissingError
from core.masks import bounding_box
from core.models.tensors import load_tensors

FOLDER = ASSETS / "evaluation"
WEIGHTS = "classifier.safetensors"
SIDE = 64
"""Pixels a side of what the network sees."""
MARGIN = 1.2
"""Side of the square that is cropped, as a multiple of the region's longer side."""
_WIDTHS = (16, 24, 32, 48, 64)


class ThingClassifier(nn.Module):
    """Pictures (B, 3, 64, 64) in [-1, 1] -> logits of the kinds (B, 12) and of the colours (B,
    12)."""

    def __init__(self) -> None:
        super().__init__()
        first, *rest = _WIDTHS
        layers: list[nn.Module] = [nn.Conv2d(3, first, 5, 2, 2, bias=False), nn.BatchNorm2d(first), nn.ReLU(inplace=True)]
        before = first
        for index, width in enumerate(rest):
            layers += [nn.Conv2d(before, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            if index in (0, 2):
                layers.append(nn.MaxPool2d(2))
            before = width
        self.body = nn.Sequential(*layers)
        self.kind = nn.Linear(2 * before, len(KINDS))
        self.colour = nn.Linear(2 * before, len(COLOURS))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (B, 3, 64, 64) in [-1, 1] -> logits of the kinds (B, 12) and of the colours (B,
        12)."""
        seen = self.body(pictures)
        both = torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], 1)
        return self.kind(both), self.colour(both)


@dataclass(frozen=True)
class ClassifierLabel:
    """What the classifier calls the thing in a region."""

    kind: str
    colour: str


def crop_square(picture: NDArray[np.uint8], mask: NDArray[np.bool_], side: int = SIDE, margin: float = MARGIN) -> NDArray[np.uint8]:
    """Crop a square around a region.

    Args:
        picture: (H, W, 3).
        mask: The region, (H, W).
        side: Of the result in pixels.
        margin: Side of the square as a multiple of the region's longer side.

    Returns:
        uint8 (side, side, 3); beyond the border the picture goes on as at the border.

    Raises:
        InputError: The region is empty.
    """
    box = bounding_box(mask)
    if box is None:
        raise InputError("nothing can be named in an empty region")
    x0, y0, x1, y1 = box
    half = margin * max(y1 - y0, x1 - x0) / 2
    # Averaging what lies under a pixel, as the area filter does, needs whole source pixels;
    # sub-pixel placement matters little here.
    left, top = round((x0 + x1) / 2 - half), round((y0 + y1) / 2 - half)
    length = max(2, round(2 * half))
    height, width = mask.shape
    pads = (max(-top, 0), max(top + length - height, 0), max(-left, 0), max(left + length - width, 0))
    part = picture[max(top, 0) : top + length, max(left, 0) : left + length]
    whole = cv2.copyMakeBorder(part, *pads, cv2.BORDER_REPLICATE) if any(pads) else part
    return np.asarray(cv2.resize(whole, (side, side), interpolation=cv2.INTER_AREA if length > side else cv2.INTER_CUBIC), np.uint8)


class Classifier:
    """The trained network, ready to name regions of pictures."""

    def __init__(self, network: ThingClassifier) -> None:
        self.network = network.eval().requires_grad_(False)

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Classifier:
        """Read the weights that ship; ModelMissingError when they are missing or damaged."""
        network = ThingClassifier()
        try:
            network.load_state_dict({name: value.float() for name, value in load_tensors(folder / WEIGHTS).items()}, strict=False)
        except (OSError, RuntimeError, SafetensorError) as error:
            raise ModelMissingError(f"the classifier that names kind and colour can't be read from {folder / WEIGHTS}") from error
        return cls(network)

    def save(self, folder: Path) -> Path:
        """Write the weights in half precision to `folder`; returns the file's path."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {name: value.half().contiguous() for name, value in self.network.state_dict().items() if value.is_floating_point()}
        save_file(state, folder / WEIGHTS)
        return folder / WEIGHTS

    @torch.inference_mode()
    def name(self, pictures: list[NDArray[np.uint8]], masks: list[NDArray[np.bool_]]) -> list[ClassifierLabel]:
        """Kind and colour of what each picture (H, W, 3) shows in its region (H, W).

        InputError for an empty region.
        """
        if not pictures:
            return []
        squares = np.stack([crop_square(picture, mask) for picture, mask in zip(pictures, masks, strict=True)])
        kind, colour = self.network(as_input(torch.from_numpy(squares)))
        kinds, colours = kind.argmax(1).tolist(), colour.argmax(1).tolist()
        names = list(COLOURS)
        return [ClassifierLabel(KINDS[k], names[c]) for k, c in zip(kinds, colours, strict=True)]


def as_input(squares: Tensor) -> Tensor:
    """uint8 (B, h, w, 3) -> float (B, 3, 64, 64) in [-1, 1]."""
    pictures = squares.permute(0, 3, 1, 2).float() / 127.5 - 1
    if pictures.shape[-2:] != (SIDE, SIDE):
        pictures = F.interpolate(pictures, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
    return pictures
