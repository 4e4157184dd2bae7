"""The network that brings a mask's outline to the picture: it sees the picture at full size, the
segmenter's coarse logits and the segmenter's own features, and answers with a logit a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import nn, Tensor

from core.errors import InputError
from core.models.tensors import load_tensors

FILE_NAME = "outline.safetensors"
"""Of its weights in a segmenter's package."""
MULTIPLE = 16
"""Height and width of the part that it looks at are multiples of so many pixels."""

_FEATURES = (16, 32, 128)  # channels of the segmenter's levels, finest first
_LOUDNESS = (4.0, 1.0, 0.2)  # what brings each of them to about 1
_CERTAIN = 10.0  # a logit that counts as sure


@dataclass(frozen=True)
class OutlineSizes:
    """Channels at a half, a quarter, an eighth and a sixteenth of the picture."""

    channels: tuple[int, int, int, int] = (16, 32, 48, 96)
    features: tuple[int, int, int] = _FEATURES


def _silence(layer: nn.Conv2d) -> None:
    """Let a layer begin with nothing to say."""
    for values in layer.parameters():
        nn.init.zeros_(values)


class _Block(nn.Module):
    """Two convolutions that begin as nothing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        _silence(self.second)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(F.relu(x))))


class OutlineNetwork(nn.Module):
    """Four levels down and up again, joined by the segmenter's features on its way down."""

    def __init__(self, sizes: OutlineSizes | None = None) -> None:
        super().__init__()
        self.sizes = sizes or OutlineSizes()
        half, quarter, eighth, sixteenth = self.sizes.channels
        self.begin = nn.Conv2d(4 * 5, half, 3, padding=1)
        steps = ((half, quarter), (quarter, eighth), (eighth, sixteenth))
        self.down = nn.ModuleList(nn.Conv2d(few, many, 3, stride=2, padding=1) for few, many in steps)
        self.join = nn.ModuleList(nn.Conv2d(given, own[1], 1) for given, own in zip(self.sizes.features, steps, strict=True))
        self.inner = nn.ModuleList(_Block(many) for _, many in steps)
        self.up = nn.ModuleList(nn.Conv2d(many, few, 1) for few, many in steps)
        self.outer = nn.ModuleList([nn.Conv2d(half, half, 3, padding=1), _Block(quarter), _Block(eighth)])
        self.end = nn.Conv2d(half, 4, 3, padding=1)
        _silence(self.end)

    def forward(self, picture: Tensor, logits: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Answer with a logit a pixel.

        Args:
            picture: (N, 3, h, w) in [0, 1]; h and w are multiples of MULTIPLE.
            logits: The segmenter's, interpolated, (N, 1, h, w).
            features: The segmenter's on the same part, at a quarter, an eighth and a sixteenth of
                its size, finest first.

        Returns:
            Logits (N, 1, h, w).
        """
        said = logits.clamp(-_CERTAIN, _CERTAIN)
        shown = torch.cat([2 * picture - 1, torch.tanh(said), said / _CERTAIN], 1)
        x = F.relu(self.begin(F.pixel_unshuffle(shown, 2)))
        levels = []
        for level in range(3):
            levels.append(x)
            x = self.down[level](x) + self.join[level](features[level] * _LOUDNESS[level])
            x = self.inner[level](x)
        for level in (2, 1, 0):
            wider = F.interpolate(self.up[level](x), scale_factor=2.0, mode="bilinear", align_corners=False)
            x = self.outer[level](F.relu(levels[level] + wider))
        change: Tensor = F.pixel_shuffle(self.end(F.relu(x)), 2)
        return said + change


def cut(values: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut parts out of maps, interpolated; what lies beyond a map continues its border.

    Args:
        values: (N, C, H, W).
        boxes: x0, y0, x1, y1 in sides of the maps, (N, 4).
        size: Height and width of the parts.

    Returns:
        (N, C, *size).
    """
    low, high = boxes[:, :2], boxes[:, 2:]
    scale, middle = high - low, high + low - 1
    zero = torch.zeros_like(scale[:, 0])
    matrix = torch.stack([torch.stack([scale[:, 0], zero, middle[:, 0]], 1), torch.stack([zero, scale[:, 1], middle[:, 1]], 1)], 1)
    grid = F.affine_grid(matrix, [len(values), 1, *size], align_corners=False).to(values.dtype)
    return F.grid_sample(values, grid, mode="bilinear", padding_mode="border", align_corners=False)


def cut_features(levels: Sequence[Tensor], boxes: Tensor, size: tuple[int, int]) -> list[Tensor]:
    """The segmenter's features (N, C, h, w), finest first, on parts of the picture.

    Args:
        levels: Of the whole picture.
        boxes: As in `cut`.
        size: Height and width of the part of the picture that the network looks at.

    Returns:
        What OutlineNetwork.forward takes.
    """
    return [cut(values, boxes, (size[0] // step, size[1] // step)) for values, step in zip(levels, (4, 8, 16), strict=True)]


def load_outline_network(folder: Path) -> OutlineNetwork | None:
    """The network of a package, ready to answer; None where the package has none.

    InputError where it can't be read.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return None
    try:
        state = load_tensors(path)
        half, quarter, eighth = (len(state[f"up.{level}.weight"]) for level in range(3))
        first, second, third = (state[f"join.{level}.weight"].shape[1] for level in range(3))
        sizes = OutlineSizes((half, quarter, eighth, len(state["down.2.weight"])), (first, second, third))
        network = OutlineNetwork(sizes)
        network.load_state_dict(state)
    except (OSError, SafetensorError, RuntimeError, LookupError) as error:
        raise InputError(f"{path} can't be read: install the model again") from error
    return network.eval().requires_grad_(False)
