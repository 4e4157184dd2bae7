"""RAM, the paper's tagger, from a folder with its published files."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from core.curation.ram_network import build_ram, RamNetwork
from core.curation.views import ClipView, Frame
from core.errors import InputError
from core.models.tensors import load_checkpoint

TAGS, THRESHOLDS = "ram_tag_list.txt", "ram_tag_list_threshold.txt"
"""A tag a line, and from which probability on each is believed."""
_THRESHOLD = 0.68
"""Where no file says another."""
_MEAN, _STD = (np.array(values, np.float32) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


class RamTags:
    """The network, its tags in lower case, and their thresholds."""

    def __init__(self, network: RamNetwork, tags: Sequence[str], thresholds: Sequence[float], device: str) -> None:
        self._network, self._tags = network.to(device), list(tags)
        self._device, self._thresholds = device, np.array(thresholds)

    @torch.inference_mode()
    def tags(self, views: Sequence[ClipView]) -> list[list[str]]:
        """As `Tagger.tags`."""
        pictures = torch.from_numpy(np.stack([self._picture(view.frame(0)) for view in views])).to(self._device)
        with torch.autocast("cuda", torch.bfloat16, enabled=self._device.startswith("cuda")):
            found = self._network(pictures).float().sigmoid().cpu().numpy() > self._thresholds
        return [[self._tags[index] for index in np.flatnonzero(row)] for row in found]

    def _picture(self, frame: Frame) -> Frame:
        side = self._network.sizes.side
        square = cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA if min(frame.shape[:2]) > side else cv2.INTER_LINEAR)
        return np.ascontiguousarray(((square.astype(np.float32) / 255 - _MEAN) / _STD).transpose(2, 0, 1))


def load_ram(folder: Path, device: str) -> RamTags:
    """Load RAM.

    InputError when its files are not there, are damaged, or do not belong together.
    """
    needed = f"its checkpoint (one .pth file) and {TAGS}"
    checkpoints = sorted(folder.glob("*.pth")) if folder.is_dir() else []
    if len(checkpoints) != 1 or not (folder / TAGS).is_file():
        raise InputError(f"tagger={folder}: say embedded, or the folder of RAM with {needed}")
    try:
        weights = load_checkpoint(checkpoints[0])
        network = build_ram({key: value.float() for key, value in weights.get("model", weights).items()})
    except (OSError, EOFError, RuntimeError, LookupError, TypeError, AttributeError, ValueError, pickle.UnpicklingError) as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"{checkpoints[0]} is not a checkpoint of RAM (ram_swin_large_14m.pth; RAM++ is another network): {said}"
        ) from None
    tags = [line.strip().lower() for line in _lines(folder / TAGS)]
    try:
        values = [float(line) for line in _lines(folder / THRESHOLDS)] if (folder / THRESHOLDS).exists() else [_THRESHOLD] * len(tags)
    except ValueError as error:
        raise InputError(f"{folder / THRESHOLDS}: {error}; it has a number a line") from None
    if not len(tags) == len(values) == network.sizes.tags:
        raise InputError(f"{folder}: the checkpoint knows {network.sizes.tags} tags, the lists have {len(tags)} and {len(values)} lines")
    return RamTags(network, tags, values, device)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} can't be read: {error}") from None
