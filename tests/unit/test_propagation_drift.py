"""Windows that go on from one another, with an engine that gives back what it is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from core.engines.wan_vace import DECLARED
from core.geometry import FrameRange
from core.masks import MaskSequence
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.propagation.propagate import propagate
from core.propagation.request import EditRequest, Keyframe
from core.propagation.result import composite_frames
from core.vivid.contract import Conditions, Declaration, SAMPLED, Sampling, VideoEngine
from core.vivid.memory import MemoryPlan
from core.vivid.speed.levers import Levers
from tests.builders import FrameList

HEIGHT, WIDTH, FRAMES = 96, 128, 49


@dataclass
class Copying(VideoEngine):
    """The smallest engine there is: in the region it shows what the first frame shows there. Over a
    window contrast and red rise to what is said, as public models are known to do it.
    """

    declared: Declaration = field(default=DECLARED, kw_only=True, repr=False)
    contrast: float = 1.0
    red: float = 0.0

    def encode(self, video: Tensor, mask: Tensor, filling: Tensor | None = None) -> Conditions:
        return (torch.where(mask > 0, video[:, :, :1], video),)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        return pixels

    def decode(self, latents: Tensor) -> Tensor:
        grown = torch.linspace(0, 1, latents.shape[2])[:, None, None]
        tint = torch.tensor([self.red, 0, 0]).view(1, 3, 1, 1, 1)
        return (latents * (1 + (self.contrast - 1) * grown) + tint * grown).clamp(-1, 1)

    def _denoise(
        self,
        caption: str,
        conditions: Conditions,
        seeds: Sequence[int],
        sampling: Sampling,
        on_step: Callable[[int], None],
        guess: Tensor | None,
    ) -> Tensor:
        return conditions[0]


def _texture(blur: float, spread: float, colour: tuple[int, int, int], seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, spread, (HEIGHT, WIDTH, 3))
    return np.clip(cv2.GaussianBlur(noise, (0, 0), blur) + colour, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("contrast", "red", "levels", "gain"), [(1.0, 0.0, 0.5, 1.05), (1.12, 0.06, 10.0, 1.25)])
def test_colour_and_contrast_stay_over_six_windows(contrast: float, red: float, levels: float, gain: float) -> None:
    background, picture = _texture(2, 60, (100, 130, 100), 0), _texture(3, 200, (88, 148, 188), 1)
    masks = np.zeros((FRAMES, HEIGHT, WIDTH), bool)
    masks[:, 30:66, 40:84] = True
    picture = np.where(masks[0][..., None], picture, background)
    reader, region = FrameList(np.stack([background] * FRAMES)), MaskSequence((WIDTH, HEIGHT), 0, masks)
    parts = SimpleNamespace(memory=MemoryPlan(), levers=Levers())
    tasks = dict.fromkeys(SAMPLED, Sampling(1, 1.0))
    engine = Copying(parts, "copying", (HEIGHT, WIDTH), 9, tasks, 1, contrast=contrast, red=red)
    request = EditRequest(FrameRange(0, FRAMES), region, (Keyframe(0, picture, "modify", "a cushion", 0),), SamplingSettings())
    windows = list(propagate(engine, reader, request, JobContext()))
    assert len(windows) == 6
    *_, (_, source, last) = composite_frames(reader, region, request.frames, windows, 0, picture)
    assert (last == source)[~masks[0]].all()
    middle = np.s_[36:60, 46:78]
    then, now = picture[middle].reshape(-1, 3).astype(float), last[middle].reshape(-1, 3).astype(float)
    # Unmatched, the drift adds up to 50 levels and twice the contrast.
    assert np.abs(now.mean(0) - then.mean(0)).max() < levels
    assert (now.std(0) / then.std(0)).max() < gain
