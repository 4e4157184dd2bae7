"""Windows that go on from one another, with an engine that gives back what it is shown."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from core.background import footage, movement, plates
from core.carrying import motion
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


def _asked(count: int, contrast: float = 1.0, red: float = 0.0) -> tuple[Copying, FrameList, EditRequest]:
    """An engine with windows of nine frames, a clip that stands still, and what to edit in it."""
    background, picture = _texture(2, 60, (100, 130, 100), 0), _texture(3, 200, (88, 148, 188), 1)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[30:66, 40:84] = True
    picture = np.where(mask[..., None], picture, background)
    parts = SimpleNamespace(memory=MemoryPlan(), levers=Levers())
    engine = Copying(parts, "copying", (HEIGHT, WIDTH), 9, dict.fromkeys(SAMPLED, Sampling(1, 1.0)), 1, contrast=contrast, red=red)
    region, keyframe = MaskSequence((WIDTH, HEIGHT), 0, [mask] * count), Keyframe(0, picture, "modify", "a cushion", 0)
    reader = FrameList(np.broadcast_to(background, (count, HEIGHT, WIDTH, 3)))
    return engine, reader, EditRequest(FrameRange(0, count), region, (keyframe,), SamplingSettings())


def test_memory_does_not_grow_with_the_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = ((footage, "MEMORY"), (footage, "_SMALL_KEPT"), (movement, "_KEPT"), (plates, "_KEPT"), (motion, "LATEST"), (motion, "KEPT"))
    for module, name in kept:
        monkeypatch.setattr(module, name, 2)  # caches that are full after the first windows
    peaks = []
    for count in (9, 25, 41):  # once to have loaded all that is needed; then three windows, and five
        engine, reader, request = _asked(count)
        tracemalloc.start()
        files = []
        for number, window in enumerate(propagate(engine, reader, request, JobContext())):
            files.append(tmp_path / f"{number}.npz")
            window.save(files[-1])
            gc.collect()  # in a process that has run other tests, cycles would wait for longer
        done = sum(1 for _ in composite_frames(reader, request.region, request.frames, files, 0, request.keyframes[0].picture))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (len(files), done) == ((count - 1) // 8, count)
    assert peaks[2] < peaks[1] + HEIGHT * WIDTH * 3, "less than a frame for 16 more"


@pytest.mark.parametrize(("contrast", "red", "levels", "gain"), [(1.0, 0.0, 0.5, 1.05), (1.12, 0.06, 10.0, 1.25)])
def test_colour_and_contrast_stay_over_six_windows(contrast: float, red: float, levels: float, gain: float) -> None:
    engine, reader, request = _asked(FRAMES, contrast, red)
    region, picture = request.region, request.keyframes[0].picture
    windows = list(propagate(engine, reader, request, JobContext()))
    assert len(windows) == 6
    *_, (_, source, last) = composite_frames(reader, region, request.frames, windows, 0, picture)
    assert (last == source)[~region[0]].all()
    middle = np.s_[36:60, 46:78]
    then, now = picture[middle].reshape(-1, 3).astype(float), last[middle].reshape(-1, 3).astype(float)
    # Unmatched, the drift adds up to 50 levels and twice the contrast.
    assert np.abs(now.mean(0) - then.mean(0)).max() < levels
    assert (now.std(0) / then.std(0)).max() < gain
