"""Sizes of the pools that the procedural world draws from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PoolSizes:
    """How many pictures each pool of `core.data.world.World` holds; small numbers make a small
    world quickly (tests)."""

    solids_per_kind: int = 1500
    solid_size: int = 96
    backgrounds: int = 4096
    background_size: int = 256
    silhouettes: int = 2048
