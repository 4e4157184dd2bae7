"""What an engine that paints background is asked of a removal: only what the clip does not show."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from test_propagation_drift import Copying
from torch import Tensor

from core.background.canvas import behind_keyframe
from core.engines.wan_vace import DECLARED
from core.geometry import FrameRange
from core.masks import MaskSequence
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.propagation.propagate import propagate
from core.propagation.request import EditRequest, Keyframe
from core.propagation.result import composite_frames
from core.propagation.window_input import WindowInput
from core.vivid.contract import Conditions, SAMPLED, Sampling
from core.vivid.keyframe import KeyframeStudio
from core.vivid.memory import MemoryPlan
from core.vivid.pixels import to_model
from core.vivid.speed.levers import Levers
from tests.builders import FrameList

HEIGHT, WIDTH, FRAMES = 96, 128, 9


@dataclass
class Noting(Copying):
    """Keeps what it was shown, and paints gray."""

    shown: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def encode(self, video: Tensor, mask: Tensor, filling: Tensor | None = None) -> Conditions:
        self.shown.append((video.clone(), mask.clone()))
        return (video * (1 - mask),)


def engine(shows_region: bool = False) -> Noting:
    parts, tasks = SimpleNamespace(memory=MemoryPlan(), levers=Levers()), dict.fromkeys(SAMPLED, Sampling(1, 1.0))
    return Noting(
        parts, "noting", (HEIGHT, WIDTH), FRAMES, tasks, 1, declared=replace(DECLARED, light_drifts=False, shows_region=shows_region)
    )


def scene(step: int) -> tuple[FrameList, MaskSequence, np.ndarray]:
    """A red disc that moves by `step` pixels a frame over a texture, which comes last."""
    noise = np.random.default_rng(3).normal(0, 200, (HEIGHT, WIDTH, 3))
    ground = np.clip(cv2.GaussianBlur(noise, (0, 0), 3) + 120, 0, 255).astype(np.uint8)
    ys, xs = np.mgrid[:HEIGHT, :WIDTH]
    masks = np.stack([(xs - 34 - step * index) ** 2 + (ys - 48) ** 2 < 14**2 for index in range(FRAMES)])
    frames = np.where(masks[..., None], np.array([220, 20, 20], np.uint8), ground)
    return FrameList(frames), MaskSequence((WIDTH, HEIGHT), 0, masks), ground


def removed(model: Noting, reader: FrameList, region: MaskSequence, ground: np.ndarray) -> tuple[list[np.ndarray], list[WindowInput]]:
    """The pictures of the result, and the windows that the engine was asked for."""
    asked: list[WindowInput] = []
    request = EditRequest(FrameRange(0, FRAMES), region, (Keyframe(0, ground, "delete", "", 0),), SamplingSettings())
    windows = list(propagate(model, reader, request, JobContext(), answered=lambda given, frames: asked.append(given)))
    return [picture for _, _, picture in composite_frames(reader, region, request.frames, windows, 0, ground)], asked


def test_what_other_frames_show_is_not_painted_and_what_none_shows_is() -> None:
    model = engine()
    reader, region, ground = scene(8)
    pictures, asked = removed(model, reader, region, ground)
    assert asked == [], "every place of the region is seen on some frame"
    assert max(np.abs(picture.astype(int) - ground).mean() for picture in pictures) < 1
    reader, region, ground = scene(2)
    pictures, [given] = removed(model, reader, region, ground)
    hidden, truth = given.crops[8].crop_mask(region[8]), given.crops[8].crop(ground)
    assert not given.masks[0].any(), "the keyframe is finished"
    assert not (given.masks[8] & ~hidden).any()
    assert 0.2 < given.masks[8].sum() / hidden.sum() < 0.7
    assert np.abs(given.pixels[8].astype(int) - truth)[hidden & ~given.masks[8]].mean() < 3, "the background in place of the disc"
    video, mask = model.shown[0]
    assert (mask[0, 0, 8].numpy() == given.masks[8]).all()
    assert torch.allclose(video[:, :, 1:], to_model(given.pixels)[:, :, 1:])
    painted = given.crops[8].crop(pictures[8]).astype(int)
    inside = cv2.erode(given.masks[8].astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert np.abs(painted - 128)[inside].mean() < 0.8 * np.abs(truth.astype(int) - 128)[inside].mean(), "there the engine's gray"


@pytest.mark.parametrize("shows_region", [False, True])
def test_a_try_is_shown_the_plate_unless_the_engine_wants_to_see_what_goes(shows_region: bool) -> None:
    model = engine(shows_region)
    reader, region, ground = scene(8)
    prepared = KeyframeStudio(model).prepare(reader.frame(4), region[4], 4, behind_keyframe(reader, region, 4))
    model.shown.clear()
    one, two = prepared.tries("delete", "", (1, 2), SamplingSettings(), JobContext())
    assert model.shown == [], "seen elsewhere, or encoded when it was prepared"
    assert (one == two).all()
    if not shows_region:
        assert np.abs(one.astype(int) - ground).mean() < 1
    reader, region, ground = scene(2)
    _, [given] = removed(model, reader, region, ground)
    hidden = given.crops[8].crop_mask(region[8])
    assert (given.masks[8] == hidden).all() == shows_region
    assert (given.pixels[8][hidden].mean(0)[0] > 180) == shows_region, "red"
