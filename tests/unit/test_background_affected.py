"""What a thing casts beside itself is found where other times show the place without it, and only
there.
"""

from __future__ import annotations

import numpy as np
import pytest

from core.background.affected import Affected, affected_masks, united, without_gaps
from core.background.shadow_shape import extended
from core.data.courtyard import CameraPath, CourtyardClip, draw_courtyard, Effect
from core.errors import Cancelled
from core.evaluation.clips import as_sequence, FramesInMemory
from core.masks import MaskSequence
from core.progress import CancelToken, JobContext

SIZE = (288, 162)


def found_on(clip: CourtyardClip, frame: int) -> np.ndarray:
    return Affected(FramesInMemory(clip.frames), as_sequence(clip.masks)).at(frame)


@pytest.mark.parametrize(
    ("camera", "effect", "extra"), [("still", "shadow", 0.55), ("track", "shadow", 0.7), ("hand-held", "reflection", 0.2)]
)
def test_a_shadow_or_reflection_is_found(camera: CameraPath, effect: Effect, extra: float) -> None:
    clip = draw_courtyard(24, SIZE, camera=camera, effect=effect)
    found, true = found_on(clip, 8), clip.affected[8]
    assert (found & true).sum() > 0.95 * true.sum()
    assert (found & ~true).sum() < extra * clip.masks[8].sum()
    assert not (found & clip.masks[8]).any()


@pytest.mark.parametrize("camera", ["still", "hand-held"])
def test_a_thing_without_a_shadow_gets_none(camera: CameraPath) -> None:
    clip = draw_courtyard(24, SIZE, camera=camera, effect="none")
    assert found_on(clip, 8).sum() < 0.03 * clip.masks[8].sum()


def bouncing() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames, masks and shadows of a ball that touches the ground on frame 8: its shadow is there
    for a moment.
    """
    random = np.random.default_rng(3)
    meadow = np.kron(random.integers(90, 170, (41, 72, 3)), np.ones((4, 4, 1)))[:162, :288].astype(np.float32)
    y, x = np.mgrid[:162, :288]
    frames, masks, shadows = [], [], []
    for frame in range(24):
        up, across = 1.2 * (frame - 8) ** 2, 60 + 8 * frame
        mask = (x - across) ** 2 + (y - 110 + up) ** 2 < 14**2
        round_about = np.clip(1.3 - np.hypot((x - across) / 14, (y - 127) / 4), 0, 1) * max(0, 1 - up / 12)
        picture = meadow * (1 - 0.6 * round_about[..., None])
        frames.append(np.where(mask[..., None], (220, 40, 40), picture).astype(np.uint8))
        masks.append(mask)
        shadows.append((round_about > 0.4) & ~mask)
    return np.stack(frames), np.stack(masks), np.stack(shadows)


def test_the_shadow_of_a_thing_that_jumps_is_found_on_the_frames_that_have_it() -> None:
    frames, masks, shadows = bouncing()
    affected = Affected(FramesInMemory(frames), as_sequence(masks))
    for frame in (8, 9):
        assert (affected.at(frame) & shadows[frame]).sum() > 0.9 * shadows[frame].sum() > 20
    assert not affected.at(16).any()


def test_no_sliver_stays_between_a_thing_and_its_shadow() -> None:
    thing, shadow = np.zeros((2, 60, 80), bool)
    thing[10:30, 10:40] = shadow[33:45, 10:40] = True  # three pixels apart
    found = without_gaps(shadow, thing)
    assert found[30:33, 12:38].all()
    assert not found[:, 41:].any()
    assert not found[:20].any()
    assert not without_gaps(np.zeros_like(shadow), thing).any()


def test_a_shadow_goes_on_over_ground_that_no_other_time_shows_without_it() -> None:
    random = np.random.default_rng(5)
    y, x = np.mgrid[:120, :200]
    thing = ((abs(x - 60) < 6) | (abs(x - 100) < 6)) & (y > 20) & (y < 90) | (y < 40) & (y > 10) & (abs(x - 80) < 40)
    shadow = (np.hypot((x - 100) / 70, (y - 90) / 10) < 1) & ~thing
    wall = (x > 150) & (y < 70)  # as dark as the shadow, and no shadow on this ground
    light = np.where(shadow | wall, 0.5, 1.0) * random.normal(1, 0.05, shadow.shape)
    now = np.log(np.array((190, 170, 140)) * light[..., None] + 10).astype(np.float32)
    foot, seen = np.roll(thing, 6, 0) | thing, shadow & (x < 60)
    whole = extended(seen, now, thing, foot)
    assert (whole & shadow).sum() > 0.95 * shadow.sum()
    assert (whole & ~shadow).sum() < 0.15 * shadow.sum()
    pale = np.log(np.array((190, 170, 140)) * (0.7 + 0.3 * light[..., None]) + 10).astype(np.float32)
    assert (extended(seen, pale, thing, foot) == seen).all()  # a faint one is the ground's pattern
    assert not extended(np.zeros_like(seen), now, thing, foot).any()


def test_nothing_is_claimed_where_nothing_can_be_known() -> None:
    clip = draw_courtyard(16, SIZE, camera="still")
    short = CourtyardClip(clip.frames[:3], clip.behind[:3], clip.masks[:3], clip.affected[:3])
    assert not found_on(short, 1).any()
    everything = CourtyardClip(clip.frames, clip.behind, np.ones_like(clip.masks), clip.affected)
    assert not found_on(everything, 8).any()
    still = np.repeat(clip.frames[8:9], 16, 0)
    resting = CourtyardClip(still, still, np.repeat(clip.masks[8:9], 16, 0), clip.affected)
    assert not found_on(resting, 8).any()


def test_the_search_can_be_cancelled_and_masks_are_united() -> None:
    clip = draw_courtyard(4, SIZE, camera="still")
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        affected_masks(FramesInMemory(clip.frames), as_sequence(clip.masks), JobContext(token=token))
    one = MaskSequence.empty(SIZE, 1, 3)
    both = united(one, as_sequence(clip.masks))
    assert both.frames == range(1, 3)
    assert (both[2] == clip.masks[2]).all()
    assert one.is_empty(2)


def test_what_masks_missed_of_a_thing_is_found() -> None:
    clip = draw_courtyard(24, SIZE, camera="hand-held", effect="none")
    masks = clip.masks.copy()
    ys, _ = np.nonzero(masks[8])
    low = ys.max() - (ys.max() - ys.min()) // 5
    masks[8, low:] = masks[9, low:] = False  # the feet, on two frames
    affected = Affected(FramesInMemory(clip.frames), as_sequence(masks))
    missed = clip.masks[8] & ~masks[8]
    found = affected.at(8)
    assert (found & missed).sum() > 0.9 * missed.sum()
    assert (found & ~missed).sum() < 0.1 * masks[8].sum()
    assert affected.at(12).sum() < 0.03 * masks[12].sum()
