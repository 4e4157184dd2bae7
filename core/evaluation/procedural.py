"""Unseen procedural clips of fixed seeds: what the suites measure on when no other clips are given, or where the truth must be known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.data import vocabulary
from core.data.regions import FORMS
from core.data.world import Clips as WorldClips
from core.data.world import World
from core.evaluation.clips import Clip, ClipList, deepest_point, example_clips, first_box
from core.vivid.pixels import to_frames

SEED = 20_000
"""Far from the seeds that the recipes train on."""
TRACK_FRAMES, TRACK_SIZE = 24, (240, 320)
_SEEDS_TRIED = 4000


@dataclass(frozen=True)
class Sample:
    """A thing on its background: frames uint8 (T, H, W, 3), the edit region bool (T, H, W), and what the thing is."""

    frames: NDArray[np.uint8]
    region: NDArray[np.bool_]
    kind: str
    colour: str
    material: str

    @property
    def caption(self) -> str:
        """What a person would ask for: kind and colour always, the material where it is not the plain one."""
        return vocabulary.caption(self.kind, self.colour, None if self.material == vocabulary.MATERIALS[0] else self.material)


def unseen_world(size: tuple[int, int], *, solids_per_kind: int = 10, backgrounds: int = 48) -> World:
    """A small world of things and backgrounds that no recipe trains on, with frames of `size` (height, width)."""
    return World("cpu", seed=SEED, solids_per_kind=solids_per_kind, backgrounds=backgrounds, silhouettes=64, size=size)


def draw_samples(world: World, count: int, frames: int, seed: int) -> list[Sample]:
    """`count` clips whose region is never empty, each from a seed of its own: more of them begin with the same ones."""
    samples: list[Sample] = []
    for offset in range(_SEEDS_TRIED):
        if len(samples) == count:
            return samples
        sample = _one(world.sample(1, frames, delete=0.0, seed=SEED + seed * _SEEDS_TRIED + offset))
        if sample.region.any((1, 2)).all():
            samples.append(sample)
    raise RuntimeError(f"the procedural world gave only {len(samples)} of {count} clips whose region is never empty")


def tracked_clips(count: int, *, examples: bool = False, frames: int = TRACK_FRAMES, size: tuple[int, int] = TRACK_SIZE) -> ClipList:
    """`count` clips of one moving thing whose region is its own outline, which is the truth that a tracker is scored against.

    With `examples` the example clips that ship come first, and are more than the `count`.
    """
    world = unseen_world(size)
    clips = ClipList(example_clips() if examples else ())
    count += len(clips)
    for seed in range(SEED, SEED + _SEEDS_TRIED):
        if len(clips) == count:
            break
        # What is drawn doesn't depend on the number of frames: one frame tells which form a seed gives.
        if int(world.sample(1, 1, delete=0.0, seed=seed).form) != FORMS.index("as-is"):
            continue
        drawn = _one(world.sample(1, frames, delete=0.0, seed=seed))
        if drawn.region[0].any():
            name = f"procedural {drawn.colour} {drawn.kind}"
            clips.append(Clip(name, drawn.frames, drawn.region, first_box(drawn.region[0]), deepest_point(drawn.region[0])))
    return clips


def backgrounds(world: World, count: int, frames: int, seed: int) -> NDArray[np.uint8]:
    """`count` scenes under a moving camera, without a thing: uint8 (N, T, H, W, 3)."""
    pixels = torch.cat([world.sample(1, frames, delete=1.0, seed=SEED + seed * _SEEDS_TRIED + offset).pixels for offset in range(count)])
    return np.stack([to_frames(video) for video in pixels])


def _one(clips: WorldClips) -> Sample:
    return Sample(
        to_frames(clips.pixels[0]),
        clips.mask[0, 0].numpy() > 0.5,
        vocabulary.KINDS[int(clips.kind[0])],
        list(vocabulary.COLOURS)[int(clips.colour[0])],
        vocabulary.MATERIALS[int(clips.material[0])],
    )
