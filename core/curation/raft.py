"""RAFT, the paper's optical flow, as torchvision has it; its weights have to be there."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before torchvision)

import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn, Tensor
from torchvision.models.optical_flow import raft_large, raft_small

from core.errors import InputError

_CELL, _LEAST = 8, 128
"""Sides that the network takes: multiples of the one, at least the other, in pixels."""
_PAIRS = 16
"""Of frames that it sees at once: seven times as fast on a GPU as one by one."""


class RaftFlow:
    """A RAFT on its device."""

    def __init__(self, network: nn.Module, device: str) -> None:
        self._network, self._device = network.eval().requires_grad_(False).to(device), device

    def between(self, one: NDArray[np.uint8], two: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As `Flow.between`."""
        return self._flows([one, two])[0]

    def along(self, frames: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
        """As `Flow.along`."""
        waiting: list[NDArray[np.uint8]] = []
        for frame in frames:
            waiting.append(frame)
            if len(waiting) > _PAIRS:
                yield from self._flows(waiting)
                del waiting[:-1]
        if len(waiting) > 1:
            yield from self._flows(waiting)

    @torch.inference_mode()
    def _flows(self, frames: list[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """The flow from each frame to the next, all at once."""
        height, width = frames[0].shape[:2]
        size = [max(_LEAST, -(-side // _CELL) * _CELL) for side in (height, width)]
        pictures = torch.cat([self._picture(frame, size) for frame in frames])
        flows = self._network(pictures[:-1], pictures[1:])[-1].permute(0, 2, 3, 1).float().cpu().numpy()
        if (height, width) == tuple(size):
            return [np.ascontiguousarray(flow) for flow in flows]
        scale = np.array([width / size[1], height / size[0]], np.float32)
        return [np.asarray(cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR) * scale, np.float32) for flow in flows]

    def _picture(self, frame: NDArray[np.uint8], size: list[int]) -> Tensor:
        resized = cv2.resize(frame, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
        return (torch.from_numpy(np.ascontiguousarray(resized)).permute(2, 0, 1)[None].float() / 127.5 - 1).to(self._device)


def load_raft(path: Path, device: str) -> RaftFlow:
    """Load a checkpoint of torchvision's raft_large or raft_small; which one, its weights say.

    InputError when the file is neither.
    """
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
        small = weights["feature_encoder.convnormrelu.0.weight"].shape[0] == 32
        network = (raft_small if small else raft_large)(weights=None)
        network.load_state_dict(weights)
    except (OSError, EOFError, RuntimeError, LookupError, TypeError, AttributeError, ValueError, pickle.UnpicklingError) as error:
        raise InputError(
            f"flow={path} is not a checkpoint of torchvision's RAFT (raft_large or raft_small, a .pth file): {error}"
        ) from None
    return RaftFlow(network, device)
