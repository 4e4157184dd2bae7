"""The background model finds what lies behind a region where other frames show it, keeps it in
place, and never mixes shots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.background import BackgroundModel
from core.background.blur import Blur, softer
from core.background.completion import complete, LARGEST
from core.background.rim import meet_rim
from core.data.courtyard import CameraPath, draw_courtyard

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]
WIDTH, HEIGHT = 192, 128
COUNT = 24


class Clip:
    """Frames in memory."""

    def __init__(self, frames: list[Frame]) -> None:
        self._frames = frames

    def __len__(self) -> int:
        return len(self._frames)

    def frame(self, index: int) -> Frame:
        return self._frames[index]

    def frames(self, start: int, stop: int) -> Iterable[Frame]:
        return iter(self._frames[start:stop])


class Region:
    """Masks in memory."""

    def __init__(self, masks: list[Mask]) -> None:
        self._masks = masks
        self.frames = range(len(masks))

    def __getitem__(self, frame: int) -> Mask:
        return self._masks[frame]


def scene(seed: int, width: int = 400, height: int = 200) -> Frame:
    """A picture with detail at several scales."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for sigma, strength in ((1.2, 35), (4, 45), (14, 60)):
        noise = cv2.GaussianBlur(random.normal(0, 1, (height, width, 3)).astype(np.float32), (0, 0), sigma)
        total += strength * noise / noise.std()
    return np.clip(128 + total, 0, 255).astype(np.uint8)


def disc(x: float, y: float, radius: float) -> Mask:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot(columns - x, rows - y) < radius


def covered(truth: list[Frame], masks: list[Mask]) -> list[Frame]:
    return [np.where(mask[..., None], np.array((255, 0, 200), np.uint8), frame) for frame, mask in zip(truth, masks, strict=True)]


def pan(seed: int = 0, pace: float = 3.0) -> list[Frame]:
    """The camera moves to the right over a scene, by fractions of pixels."""
    whole = scene(seed)
    shift = [np.array([[1, 0, -pace * t], [0, 1, -20]], np.float64) for t in range(COUNT)]
    return [np.asarray(cv2.warpAffine(whole, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC), np.uint8) for matrix in shift]


def crossing() -> list[Mask]:
    """A thing that goes from left to right, faster than the camera."""
    return [disc(30 + 6 * t, 64, 20) for t in range(COUNT)]


def psnr(result: Frame, truth: Frame, mask: Mask) -> float:
    error = (result.astype(np.float64) - truth)[mask]
    return float(10 * np.log10(255**2 / max((error**2).mean(), 1e-9)))


def result_of(truth: list[Frame], masks: list[Mask], order: Iterable[int]) -> dict[int, Frame]:
    shown = covered(truth, masks)
    background = BackgroundModel(Clip(shown), Region(masks))
    return {index: background.inpaint(index, shown[index]) for index in order}


@pytest.mark.parametrize("camera", [lambda: [pan()[0]] * COUNT, pan], ids=["still", "panning"])
def test_what_other_frames_show_comes_back(camera: Callable[[], list[Frame]]) -> None:
    truth, masks = camera(), crossing()
    found = result_of(truth, masks, (0, 5, 12, 23))
    for index, result in found.items():
        assert psnr(result, truth[index], masks[index]) > 28
        assert (result[~masks[index]] == covered(truth, masks)[index][~masks[index]]).all()


def test_the_pixels_of_a_frame_do_not_depend_on_what_was_asked_for_before() -> None:
    truth, masks = pan(), crossing()
    forwards = result_of(truth, masks, (3, 11, 19))
    backwards = result_of(truth, masks, (19, 11, 3))
    assert all((forwards[index] == backwards[index]).all() for index in forwards)


def test_light_that_changes_is_matched() -> None:
    truth = [np.clip(frame * (0.75 + 0.02 * t), 0, 255).astype(np.uint8) for t, frame in enumerate(pan())]
    masks = crossing()
    for index, result in result_of(truth, masks, (4, 20)).items():
        assert psnr(result, truth[index], masks[index]) > 25


def test_a_fill_in_another_light_meets_the_frame_around_it() -> None:
    frame, hole = scene(4)[:HEIGHT, :WIDTH], disc(96, 64, 30)
    sides = np.where(np.arange(WIDTH) < 96, 9.0, 5.0)[None, :, None]
    met = meet_rim(frame + sides, frame, hole, np.ones_like(hole)).astype(np.float32)
    middle = disc(96, 64, 8)
    assert np.abs(met - frame)[hole & ~middle].mean() < 1.5
    everything = meet_rim(frame + sides, frame, np.ones_like(hole), np.ones_like(hole))
    assert (everything == np.clip(frame + sides, 0, 255)).all()  # nothing to meet
    strange = meet_rim(frame + 90.0, frame, hole, np.ones_like(hole)).astype(np.float32)
    assert (strange[middle] > frame[middle].astype(np.float32) + 40).mean() > 0.5  # that is no light


def test_shots_do_not_mix() -> None:
    dark = [(frame * 0.3).astype(np.uint8) for frame in pan(seed=1)]
    bright = [np.clip(frame * 0.3 + 175, 0, 255).astype(np.uint8) for frame in pan(seed=2)]
    truth = dark[:12] + bright[12:]
    masks = crossing()
    found = result_of(truth, masks, (10, 13))
    for index, result in found.items():
        assert abs(float(result[masks[index]].mean()) - float(truth[index][masks[index]].mean())) < 20


@pytest.mark.parametrize("camera", ["track", "hand-held"])
def test_parallax_is_followed(camera: CameraPath) -> None:
    clip = draw_courtyard(COUNT, (WIDTH * 3 // 2, HEIGHT * 3 // 2), camera=camera, effect="none")
    background = BackgroundModel(Clip(list(clip.frames)), Region(list(clip.masks)))
    for index in (4, 12):  # between two plates, which have to meet
        assert psnr(background.inpaint(index, clip.frames[index]), clip.behind[index], clip.masks[index]) > (25 if index == 4 else 25.6)


def test_what_passes_elsewhere_is_no_background() -> None:
    truth, masks = [pan()[0]] * COUNT, [disc(50 + 2 * t, 64, 18) for t in range(COUNT)]
    shown = covered(truth, masks)
    for t, frame in enumerate(shown):  # a second thing goes the other way, through places that were hidden
        frame[disc(170 - 7 * t, 70, 9) & ~masks[t]] = (10, 250, 40)
    background = BackgroundModel(Clip(shown), Region(masks))
    for index in (3, 8, 20):
        assert psnr(background.inpaint(index, shown[index]), truth[index], masks[index]) > 19


@pytest.mark.parametrize(
    ("masks", "least"),
    [
        ([disc(50 if t % 2 else 140, 64, 20) for t in range(COUNT)], 26),
        ([np.abs(np.arange(WIDTH)[None].repeat(HEIGHT, 0) - 30 - 6 * t) < WIDTH // 4 for t in range(COUNT)], 18),
        ([disc(40 + 50 * t, 64, 20) for t in range(3)], 18),
    ],
    ids=["jumping masks", "half of the picture", "three frames"],
)
def test_difficult_masks(masks: list[Mask], least: float) -> None:
    truth = pan()[: len(masks)]
    found = result_of(truth, masks, (len(masks) // 2,))
    for index, result in found.items():
        assert psnr(result, truth[index], masks[index]) > least


def test_a_flash_stays_on_its_own_frame() -> None:
    truth = [np.clip(frame * (1.8 if t in (7, 13) else 1.0), 0, 255).astype(np.uint8) for t, frame in enumerate(pan())]
    masks = crossing()
    for index, result in result_of(truth, masks, (6, 7, 8, 14)).items():
        assert psnr(result, truth[index], masks[index]) > (15 if index == 7 else 22)


def test_a_blurred_frame_is_filled_as_softly_as_it_is() -> None:
    rows = scene(3)[:HEIGHT, :WIDTH].astype(np.float32)
    known = np.ones((HEIGHT, WIDTH), np.bool_)
    smeared = Blur(length=7.0).applied(rows, known)
    assert softer(smeared, rows, known, (8.0, 0.0)) == Blur(length=7.0)
    assert softer(rows, rows, known, (8.0, 0.0)) == Blur()
    assert softer(rows, smeared, known, (8.0, 0.0)) == Blur()  # nothing makes a picture sharper
    shifted = np.roll(rows, 2, 1)
    assert softer(shifted, rows, known, (8.0, 0.0)) == Blur()  # one that lies wrong is not blurred to hide it


def test_what_no_frame_shows_is_counted_beforehand() -> None:
    truth = pan()
    moving, resting = crossing(), [disc(20 + 3 * (COUNT - t), 64, 20) for t in range(COUNT)]
    assert BackgroundModel(Clip(covered(truth, moving)), Region(moving)).unseen() < 0.05
    assert BackgroundModel(Clip(covered(truth, resting)), Region(resting)).unseen() > 0.6  # it goes with the scene
    nothing = [np.zeros((HEIGHT, WIDTH), np.bool_)] * COUNT
    assert BackgroundModel(Clip(truth), Region(nothing)).unseen() == 0


def test_what_no_frame_shows_stays_in_place() -> None:
    truth = [pan()[0]] * COUNT
    masks = [disc(96, 64, 20)] * COUNT
    found = result_of(truth, masks, (0, 4, 16))
    inside = masks[0]
    assert abs(float(found[0][inside].mean()) - float(truth[0][~inside].mean())) < 25
    assert found[0][inside].std() > 15  # texture like that around it, not a blot
    for index in (4, 16):
        assert np.abs(found[index].astype(int) - found[0])[inside].mean() < 6


def test_what_a_large_hole_covers_leaves_nothing_in_what_is_made_up() -> None:
    truth = cv2.resize(scene(5)[:HEIGHT, :WIDTH], None, fx=4, fy=4).mean(-1, keepdims=True).astype(np.uint8).repeat(3, -1)
    hole = cv2.resize(disc(96, 64, 34).astype(np.uint8), truth.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
    assert hole.sum() > LARGEST  # made up smaller, where pixels at the rim are of both
    made_up = complete(covered([truth], [hole])[0], hole)[hole].astype(int)
    assert np.ptp(made_up, -1).max() < 3  # as gray as what surrounds it


@pytest.mark.parametrize(
    ("masks", "frames"),
    [
        ([np.ones((HEIGHT, WIDTH), np.bool_)] * 3, 3),
        ([disc(96, 64, 20)], 1),
        ([np.zeros((HEIGHT, WIDTH), np.bool_)] * 3, 3),
        ([disc(20 * t, 64, 15) if t % 2 else np.zeros((HEIGHT, WIDTH), np.bool_) for t in range(9)], 9),
    ],
    ids=["all of the picture", "one frame", "nothing", "now and then"],
)
def test_odd_regions_give_a_picture(masks: list[Mask], frames: int) -> None:
    truth = pan()[:frames]
    for index, result in result_of(truth, masks, range(frames)).items():
        assert result.shape == truth[index].shape
        assert (result[~masks[index]] == truth[index][~masks[index]]).all()
