"""Shots are told apart by what is on them, and light alone makes none."""

from pathlib import Path

import numpy as np

from core.media import open_clip
from core.media.scene_cuts import find_scene_cuts

CLIPS = Path(__file__).resolve().parents[2] / "assets" / "clips"


def shot(name: str, start: int, stop: int) -> list[np.ndarray]:
    with open_clip(CLIPS / f"{name}.mp4") as reader:
        return list(reader.frames(start, stop))


def test_a_shot_has_no_cut_and_two_shots_have_one() -> None:
    street, meadow = shot("street", 0, 30), shot("meadow", 0, 30)
    assert list(find_scene_cuts(street)) == []
    assert list(find_scene_cuts([*street[:12], *meadow[:15], *street[15:]])) == [12, 27]
    assert list(find_scene_cuts([*street[:12], *meadow[:3]], start=100)) == [112]


def test_a_flash_a_fade_and_a_black_frame_are_no_cuts() -> None:
    street = shot("street", 0, 40)
    flashed = list(street)
    for index in (10, 11):
        flashed[index] = np.clip(street[index].astype(int) * 3 + 80, 0, 255).astype(np.uint8)
    flashed[20] = np.full_like(street[20], 255)
    flashed[30] = np.zeros_like(street[30])
    assert list(find_scene_cuts(flashed)) == []
    darker = [(frame * (1 - i / 50)).astype(np.uint8) for i, frame in enumerate(street)]
    assert list(find_scene_cuts(darker)) == []


def test_shots_that_stand_still_have_a_cut_between_them() -> None:
    first, second = shot("street", 0, 1), shot("meadow", 0, 1)
    assert list(find_scene_cuts([*first * 9, *second * 9])) == [9]


def test_clips_of_one_frame_or_none_have_no_cut() -> None:
    assert list(find_scene_cuts([])) == []
    assert list(find_scene_cuts([np.zeros((36, 64, 3), np.uint8)])) == []
