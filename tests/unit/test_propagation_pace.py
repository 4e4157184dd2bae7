"""A clip shown to an engine at the engine's own rate, and the frames between its answers."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from test_propagation_drift import Copying

from core.engines.wan_vace import DECLARED
from core.errors import InputError
from core.geometry import FrameRange
from core.masks import MaskSequence
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.propagation.amodal import AmodalExtent
from core.propagation.between import AnswersBetween
from core.propagation.mask_motion import NO_MARGINS
from core.propagation.pace import clip_rate, Pace, pace_of
from core.propagation.request import EditRequest, Keyframe
from core.propagation.schedule import composite_segments, plan_segments, run_segments
from core.propagation.window_input import WindowReader
from core.propagation.windows import plan_windows, Window
from core.vivid.contract import SAMPLED, Sampling
from core.vivid.memory import MemoryPlan
from core.vivid.speed.levers import Levers
from tests.builders import FrameList


def stamps(count: int, rate: int | Fraction) -> list[Fraction]:
    return [index / Fraction(rate) for index in range(count)]


def test_every_sixteenth_of_a_second_the_nearest_frame() -> None:
    pace = Pace(stamps(40, 30), Fraction(16))
    assert pace.seen(0, 39, 9) == (0, 2, 4, 6, 7, 9, 11, 13, 15)  # 1.875 frames a moment
    assert pace.seen(30, 0, 5) == (30, 28, 26, 24, 22)
    assert pace.seen(0, 5, 81) == (0, 2, 4, 5), "the last frame is always seen"
    assert Pace(stamps(40, 24), Fraction(8)).seen(3, 39, 5) == (3, 6, 9, 12, 15)
    assert pace.seen(0, 39, 6, held=[5]) == (0, 2, 4, 5, 7, 9), "a kept frame takes the place of the moment beside it"
    assert pace.covers(17) == 30


def test_stamps_that_vary() -> None:
    times = [Fraction(one, 30) for one in (0, 1, 2, 3, 60, 61, 62, 63, 64)]
    # Two seconds of one picture are not shown again and again.
    assert Pace(times, Fraction(4)).seen(0, 8, 9) == (0, 3, 3, 4, 8)
    slow = Pace(stamps(6, 8), Fraction(16))
    assert slow.seen(0, 5, 9) == (0, 0, 1, 1, 2, 2, 3, 3, 4)
    assert Pace(stamps(6, 2), Fraction(16)).seen(0, 5, 9) == (0, 0, 0, 0, 1, 1, 1, 1, 2), "four times at most"
    uneven = Pace([Fraction(one, 8) for one in (0, 1, 3, 4, 9, 10)], Fraction(24))
    assert uneven.seen(0, 5, 5)[-1] > 0


@pytest.mark.parametrize(
    ("native", "wanted", "rate", "shown"),
    [
        (16.0, None, 30, 16),
        (16.0, "engine", 24, 16),
        (16.0, None, 16, None),
        (16.0, None, Fraction(15), None),
        (16.0, "source", 30, None),
        (None, None, 30, None),
        (None, "10", 30, 10),
        (16.0, "15", 16, 15),
        (16.0, "16", 16, None),
        (8.0, None, Fraction(30000, 1001), 8),
    ],
)
def test_which_rate_is_shown(native: float | None, wanted: str | None, rate: Fraction, shown: int | None) -> None:
    pace = pace_of(native, wanted, stamps(20, rate))
    assert (None if pace is None else pace.rate) == shown
    assert pace_of(native, wanted, None) is None


def test_a_rate_is_a_word_or_a_number() -> None:
    assert SamplingSettings(rate="12.50").rate == "12.5"
    for wrong in ("fast", "0", "1000", "nan"):
        with pytest.raises(InputError, match=f"a rate of '{wrong}' can't be used: choose engine or source, or from 1 to 240"):
            SamplingSettings(rate=wrong)


def test_windows_hold_every_frame_and_go_on_from_frames_that_were_seen() -> None:
    pace = Pace(stamps(100, 30), Fraction(16))
    windows = plan_windows(FrameRange(0, 100), 40, 17, lambda frame: frame in (60, 61, 62), pace)
    assert sorted([40, *(frame for window in windows for frame in window.edited)]) == [*range(100)]
    for window in windows:
        assert (window.seen[0], window.seen[-1]) == (window.frames[0], window.frames[-1])
        assert set(window.seen) <= set(window.frames)
        assert len(window.seen) <= 17
    plain = plan_windows(FrameRange(0, 100), 40, 17, lambda frame: False)
    assert len(windows) < 0.7 * len(plain)
    assert all(window.shown == window.frames for window in plain)


HEIGHT, WIDTH, FRAMES = 96, 128, 25


def bouncing() -> tuple[np.ndarray, np.ndarray]:
    """A textured disc that flies in an arc over a texture that pans: frames and masks."""
    noise = np.random.default_rng(4).normal(0, 90, (2, HEIGHT, 2 * WIDTH, 3))
    ground, skin = (np.clip(cv2.GaussianBlur(one, (0, 0), 2) * 2 + colour, 0, 255) for one, colour in zip(noise, (110, 150), strict=True))
    frames, masks = [], []
    for index in range(FRAMES):
        x, y = 24 + 3.2 * index, 70 - 4.4 * index + 0.18 * index * index
        shift = np.float32([[1, 0, -1.5 * index], [0, 1, 0]])
        under = cv2.warpAffine(ground, shift, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        over = cv2.warpAffine(skin, np.float32([[1, 0, x - 60], [0, 1, y - 48]]), (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
        mask = cv2.circle(np.zeros((HEIGHT, WIDTH), np.uint8), (round(x), round(y)), 15, 1, -1) > 0
        masks.append(mask)
        frames.append(np.where(mask[..., None], over, under).clip(0, 255).astype(np.uint8))
    return np.stack(frames), np.stack(masks)


def psnr(one: np.ndarray, two: np.ndarray, mask: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / ((one.astype(float) - two)[mask] ** 2).mean()))


def test_frames_between_answers_lie_where_the_source_moves() -> None:
    frames, masks = bouncing()
    reader, region, times = FrameList(frames), MaskSequence((WIDTH, HEIGHT), 0, masks), stamps(FRAMES, 24)
    window = Window("forward", tuple(range(FRAMES)), (0, 4, 8, 12, 16, 20, 24))
    size = SimpleNamespace(working_size=(HEIGHT, WIDTH), frame_unit=8)
    given = WindowReader(size, reader, region, AmodalExtent(region), NO_MARGINS).read(window, None, JobContext())
    assert given.pixels.shape == (9, HEIGHT, WIDTH, 3)
    # An engine that answers with the truth: how near do the frames between come?
    answers = list(given.pixels[:7])
    between = AnswersBetween(given, region, answers, times)
    assert all((between[slot] == answer).all() for slot, answer in zip(given.slots, answers, strict=True))
    found, mixed = [], []
    for position in sorted(set(range(FRAMES)) - set(given.slots)):
        truth, inside = given.crops[position].crop(frames[position]), given.crops[position].crop_mask(masks[position])
        found.append(psnr(between[position], truth, inside))
        before, share = position // 4, position % 4 / 4
        mixed.append(psnr((1 - share) * answers[before] + share * answers[before + 1], truth, inside))
    assert np.mean(found) > 25
    assert min(found) > min(mixed) + 5


@pytest.mark.parametrize("task", ["modify", "delete"])
def test_an_edit_at_the_engines_rate_has_every_frame_and_only_its_region(task: str) -> None:
    frames, masks = (part[:13] for part in bouncing())
    reader, region = FrameList(frames), MaskSequence((WIDTH, HEIGHT), 0, masks)
    tasks = dict.fromkeys(SAMPLED, Sampling(1, 1.0))
    engine = Copying(SimpleNamespace(memory=MemoryPlan(), levers=Levers()), "copying", (HEIGHT, WIDTH), 9, tasks, 1)
    picture = np.where(masks[3][..., None], np.uint8(200), frames[3])
    keyframe = Keyframe(3, picture, task, "" if task == "delete" else "a lamp", 0)
    plain = EditRequest(FrameRange(0, 13), region, (keyframe,), SamplingSettings())
    request = EditRequest(FrameRange(0, 13), region, (keyframe,), SamplingSettings(), times=stamps(13, 32))
    segments, every = (plan_segments(engine, one, {}) for one in (request, plain))
    assert sum(len(one.windows) for one in segments) == 2
    assert sum(len(one.windows) for one in every) == 3
    assert not {key for one in segments for key in one.keys} & {key for one in every for key in one.keys}
    kept = dict(run_segments(engine, reader, request, segments, JobContext(), lambda key: None))
    first = next(iter(kept))
    [(key, again)] = run_segments(engine, reader, request, segments, JobContext(), lambda key: kept[key] if key != first else None)
    assert key == first
    assert all((left == right).all() for left, right in zip(kept[key].patches, again.patches, strict=True))
    result = list(composite_segments(reader, request, [*kept.values()]))
    assert [index for index, _, _ in result] == [*range(13)]
    assert (result[3][2] == picture).all(), "the keyframe stays on its frame"
    for index, source, shown in result:
        assert (shown == source)[~masks[index]].all()
        assert (shown != source)[masks[index]].any()


def test_keyframes_of_a_window_are_among_the_frames_that_are_seen() -> None:
    frames, masks = bouncing()
    region = MaskSequence((WIDTH, HEIGHT), 0, masks)
    tasks = dict.fromkeys(SAMPLED, Sampling(1, 1.0))
    engine = Copying(SimpleNamespace(memory=MemoryPlan(), levers=Levers()), "copying", (HEIGHT, WIDTH), 9, tasks, 1)
    assert engine.declared is DECLARED
    keyframes = tuple(Keyframe(frame, frames[frame], "modify", "a lamp", 0) for frame in (0, 5, 11))
    request = EditRequest(FrameRange(0, FRAMES), region, keyframes, SamplingSettings(), times=stamps(FRAMES, 32))
    windows = [window for segment in plan_segments(engine, request, {}) for window in segment.windows]
    for window in windows:
        assert {frame for frame in (0, 5, 11) if frame in window.frames} <= set(window.seen)
        assert all(one != two for one, two in pairwise(window.seen))
    assert clip_rate(request.times or ()) == 32
