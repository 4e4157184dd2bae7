"""Unseen procedural clips of fixed seeds: what the suites measure on when no other clips are given,
or where the truth must be known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.data import vocabulary
from core.data.pool_sizes import PoolSizes
from core.data.tracking import TrackingWorld
from core.data.tracking_scene import THINGS
from core.data.world import World, WorldClips
from core.evaluation.clips import ClipList, deepest_point, EvaluationClip, example_clips, first_box
from core.vivid.pixels import to_frames

SEED = 20_000
"""Far from the seeds that the recipes train on."""
TRACK_FRAMES, TRACK_SIDE = 24, 384
_SMALLEST, _LARGEST = 0.01, 0.4
_SEEDS_TRIED = 4000


@dataclass(frozen=True)
class ProceduralClip:
    """A thing on its background: frames uint8 (T, H, W, 3), the same without the thing and its
    shadow, the edit region bool (T, H, W), and what the thing is."""

    frames: NDArray[np.uint8]
    plate: NDArray[np.uint8]
    region: NDArray[np.bool_]
    kind: str
    colour: str
    material: str

    @property
    def caption(self) -> str:
        """What a person would ask for: kind and colour always, the material where it is not the
        plain one."""
        return vocabulary.caption(self.kind, self.colour, None if self.material == vocabulary.MATERIALS[0] else self.material)


@lru_cache(maxsize=2)
def unseen_world(size: tuple[int, int], *, solids_per_kind: int = 8, backgrounds: int = 20) -> World:
    """Build a small world of things and backgrounds that no recipe trains on; the last two are
    kept.

    Args:
        size: Of the frames, (height, width).
        solids_per_kind: Pictures of each kind.
        backgrounds: How many.

    Returns:
        The world.
    """
    pools = PoolSizes(solids_per_kind=solids_per_kind, backgrounds=backgrounds, silhouettes=64)
    return World("cpu", seed=SEED, pools=pools, size=size)


def draw_samples(world: World, count: int, frames: int, seed: int) -> list[ProceduralClip]:
    """Draw clips whose region is never empty, each from a seed of its own.

    Args:
        world: Where they come from.
        count: How many; more of them begin with the same ones.
        frames: Of each.
        seed: Of the row of clips.

    Returns:
        The clips.
    """
    samples: list[ProceduralClip] = []
    for offset in range(_SEEDS_TRIED):
        if len(samples) == count:
            return samples
        shown, plate = (world.sample(1, frames, delete=share, seed=SEED + seed * _SEEDS_TRIED + offset) for share in (0.0, 1.0))
        sample = _one(shown, plate)
        if sample.region.any((1, 2)).all():
            samples.append(sample)
    raise RuntimeError(f"the procedural world gave only {len(samples)} of {count} clips whose region is never empty")


def tracked_clips(count: int, *, examples: bool = False, frames: int = TRACK_FRAMES, size: int = TRACK_SIDE) -> ClipList:
    """Draw square clips of several moving things, one of which is tracked.

    Args:
        count: How many.
        examples: Put the example clips before them.
        frames: Of each.
        size: Side in pixels.

    Returns:
        The clips. The tracked thing is the one that frame 0 shows most of, as long as that is
        between a hundredth and two fifths of the picture.
    """
    world = TrackingWorld(
        "cpu", seed=SEED, textures_count=32, outlines=16, solids_per_kind=2, backgrounds=6, background_size=384, picture_size=128
    )
    clips = ClipList(example_clips() if examples else ())
    wanted = len(clips) + count
    for seed in range(SEED, SEED + _SEEDS_TRIED):
        if len(clips) >= wanted:
            break
        things = world.sample(1, 1, size, seed=seed).things()[0, 0]  # what is drawn on frame 0 doesn't depend on the frames after it
        sizes = [float((things == thing).float().mean()) for thing in range(THINGS)]
        chosen = max(range(THINGS), key=lambda thing: sizes[thing] if sizes[thing] <= _LARGEST else 0)
        if not _SMALLEST <= sizes[chosen] <= _LARGEST:
            continue
        drawn = world.sample(1, frames, size, seed=seed)
        masks = (drawn.things()[0] == chosen).numpy()
        pictures = (drawn.pixels[0].float().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
        if masks[0].any():
            clips.append(EvaluationClip(f"procedural {seed - SEED}", pictures, masks, first_box(masks[0]), deepest_point(masks[0])))
    return clips


def _one(clips: WorldClips, plate: WorldClips) -> ProceduralClip:
    return ProceduralClip(
        to_frames(clips.pixels[0]),
        to_frames(plate.pixels[0]),
        clips.mask[0, 0].numpy() > 0.5,
        vocabulary.KINDS[int(clips.kind[0])],
        list(vocabulary.COLOURS)[int(clips.colour[0])],
        vocabulary.MATERIALS[int(clips.material[0])],
    )
