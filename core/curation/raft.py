"""RAFT, the paper's optical flow, as torchvision has it; its weights have to be there."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before torchvision)

import pickle
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


class RaftFlow:
    """A RAFT on its device."""

    def __init__(self, network: nn.Module, device: str) -> None:
        self._network, self._device = network.eval().requires_grad_(False).to(device), device

    @torch.inference_mode()
    def between(self, one: NDArray[np.uint8], two: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As `Flow.between`."""
        height, width = one.shape[:2]
        size = [max(_LEAST, -(-side // _CELL) * _CELL) for side in (height, width)]
        flow = self._network(self._picture(one, size), self._picture(two, size))[-1][0].permute(1, 2, 0).float().cpu().numpy()
        if (height, width) == tuple(size):
            return np.ascontiguousarray(flow)
        scale = np.array([width / size[1], height / size[0]], np.float32)
        return np.asarray(cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR) * scale, np.float32)

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
        raise InputError(f"flow={path} is no checkpoint of torchvision's RAFT (raft_large or raft_small, a .pth file): {error}") from None
    return RaftFlow(network, device)
