"""Pictures of the clip as the network sees them: fetched when asked for, and the last few kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

from core.segment.outline import Guide
from core.segment.precision import half_on_gpu
from core.segment.prefetch import prefetch_encodings, read_ahead

Triple = tuple[float, float, float]

MEAN: Triple = (0.485, 0.456, 0.406)
STD: Triple = (0.229, 0.224, 0.225)
"""Of the pictures that SAM 2 has learnt from: red, green and blue, 0 to 1."""


class FrameSource(Protocol):
    """What is asked of a clip; core.media's ClipReader is one."""

    info: Any

    def __len__(self) -> int: ...

    def frame(self, index: int) -> NDArray[np.uint8]: ...


@dataclass(frozen=True)
class Features:
    """What the image encoder says about one frame, in the shapes that SAM2Base.track_step takes:
    (H*W, 1, C) a level, finest first.

    `picture` is the frame itself, uint8 (H, W, 3).
    """

    levels: list[Tensor]
    positions: list[Tensor]
    sizes: list[tuple[int, int]]
    picture: NDArray[np.uint8]

    @cached_property
    def guide(self) -> Guide:
        """The picture that outlines on this frame follow."""
        return Guide(self.picture)


def square_picture(frame: NDArray[np.uint8], side: int, mean: Triple, std: Triple, device: torch.device | str = "cpu") -> Tensor:
    """Squeeze a frame to a network's square, and bring its colours to those the network knows.

    Args:
        frame: uint8 (H, W, 3) RGB.
        side: Pixels of the square.
        mean: Of the pictures that the network has learnt from; red, green and blue, 0 to 1.
        std: Their standard deviation.
        device: Where it is wanted.

    Returns:
        float32 (1, 3, side, side).
    """
    smaller = frame.shape[0] * frame.shape[1] > side * side
    square = cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    middle, spread = ((torch.tensor(values)[:, None, None] * 255).to(device) for values in (mean, std))
    return (torch.from_numpy(square).to(device).permute(2, 0, 1)[None].float() - middle) / spread


@torch.inference_mode()
def encode(network: SAM2Base, frame: NDArray[np.uint8]) -> Features:
    """Run the image encoder on a uint8 (H, W, 3) RGB frame, squeezed to the network's square."""
    picture = square_picture(frame, network.image_size, MEAN, STD, network.device)
    with half_on_gpu(network.device):
        _, levels, positions, sizes = network._prepare_backbone_features(network.forward_image(picture))
    return Features(levels, positions, sizes, frame)


class FeatureCache:
    """The features of the frames last asked for, so that a second click on a frame doesn't run the
    image encoder again.
    """

    def __init__(self, encoder: Callable[[NDArray[np.uint8]], Features], on_cpu: bool, source: FrameSource, limit: int = 4) -> None:
        """`encoder` is `Backend.encode`, and runs several frames at a time `on_cpu`."""
        self._encoder, self._on_cpu, self._source, self._limit = encoder, on_cpu, source, limit
        self._kept: OrderedDict[int, Features] = OrderedDict()
        self._lock = threading.Lock()

    def __getitem__(self, frame: int) -> Features:
        """Features of a frame, kept for later."""
        with self._lock:
            features = self._kept.pop(frame, None)
        if features is None:
            features = self._encoder(self._source.frame(frame))
        with self._lock:
            self._kept[frame] = features
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        return features

    def stream(self, frames: Sequence[int]) -> Generator[tuple[int, Features], None, None]:
        """Stream (frame, features) of frames that tracking passes: none is kept, and none that is
        kept is pushed out.
        """
        if self._on_cpu and torch.get_num_threads() > 1:
            yield from prefetch_encodings(frames, self._passing)
        elif self._on_cpu:
            yield from ((frame, self._passing(frame)()) for frame in frames)
        else:
            for frame, found in read_ahead(frames, self._kept_or_read):
                yield frame, found if isinstance(found, Features) else self._encoder(found)

    def _kept_or_read(self, frame: int) -> Features | NDArray[np.uint8]:
        with self._lock:
            features = self._kept.get(frame)
        return self._source.frame(frame) if features is None else features

    def _passing(self, frame: int) -> Callable[[], Features]:
        with self._lock:
            features = self._kept.get(frame)
        if features is not None:
            return lambda: features
        return partial(self._encoder, self._source.frame(frame))
