"""What lies behind a region: found where other frames show it, and continued where none does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.masks import MaskSequence
from core.render.background import BackgroundModel
from tests.builders import FrameList, noise_frames

HEIGHT, WIDTH, COUNT = 90, 140, 16


def _world(step: int) -> tuple[np.ndarray, np.ndarray, MaskSequence]:
    """The truth, the same with a bright disc that walks across it, and the disc's masks.

    The camera moves by `step` pixels a frame.
    """
    ground = cv2.GaussianBlur(noise_frames(1, HEIGHT, WIDTH + 100)[0], (0, 0), 2.0).astype(np.float32)
    ground = np.clip((ground - ground.mean()) * 4 + 120, 0, 255).astype(np.uint8)
    truth = np.stack([ground[:, t * step : t * step + WIDTH] for t in range(COUNT)])
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    masks = np.stack([(rows - 45) ** 2 + (columns - 40 - 4 * t) ** 2 < 14**2 for t in range(COUNT)])
    shown = truth.copy()
    shown[masks] = (255, 0, 255)
    return truth, shown, MaskSequence((WIDTH, HEIGHT), 0, masks)


def _error(result: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    return float(np.sqrt(((result.astype(float) - truth)[mask] ** 2).mean()))


@pytest.mark.parametrize("step", [0, 2])
def test_background_that_other_frames_show_comes_back(step: int) -> None:
    truth, shown, region = _world(step)
    backdrop = BackgroundModel(FrameList(shown), region)
    backdrop.prepare(range(COUNT))
    ours, telea = [], []
    for index in range(COUNT):
        mask = region[index]
        result = backdrop.inpaint(index, shown[index])
        assert (result[~mask] == shown[index][~mask]).all()
        ours.append(_error(result, truth[index], mask))
        filled = cv2.inpaint(shown[index], mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)
        telea.append(_error(filled, truth[index], mask))
    assert np.mean(ours) < 0.5 * np.mean(telea)


@pytest.mark.parametrize(("height", "width", "hole"), [(60, 60, np.s_[:, 20:40, 20:40]), (200, 700, np.s_[:, :, 60:640])])
def test_what_no_frame_shows_is_continued_from_around_it(height: int, width: int, hole: tuple[slice, ...]) -> None:
    frames = np.full((3, height, width, 3), 90, np.uint8)
    masks = np.zeros((3, height, width), bool)
    masks[hole] = True
    frames[masks] = 255
    backdrop = BackgroundModel(FrameList(frames), MaskSequence((width, height), 0, masks))
    backdrop.prepare([1])
    assert np.abs(backdrop.inpaint(1, frames[1]).astype(int) - 90).max() <= 1


def test_a_finished_frame_shows_what_no_other_does() -> None:
    frames = np.full((4, 60, 60, 3), 90, np.uint8)
    masks = np.zeros((4, 60, 60), bool)
    masks[:, 20:40, 20:40] = True
    finished = frames[0].copy()
    finished[26:34, 26:34] = (200, 90, 90)
    backdrop = BackgroundModel(FrameList(frames), MaskSequence((60, 60), 0, masks))
    backdrop.prepare([1, 2], (0, finished))
    middle, edge = backdrop.inpaint(2, frames[2])[30, 30], backdrop.inpaint(2, frames[2])[22, 22]
    assert int(middle[0]) > int(edge[0]) + 5


def test_an_empty_region_gives_the_source() -> None:
    frames = noise_frames(2, 40, 50)
    backdrop = BackgroundModel(FrameList(frames), MaskSequence((50, 40), 0, np.zeros((2, 40, 50), bool)))
    backdrop.prepare([0, 1])
    source = frames[0]
    assert backdrop.inpaint(0, source) is source
