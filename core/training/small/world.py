"""The procedural world of a recipe, from its configuration."""

from __future__ import annotations

from core.data.world import World
from core.training.small.config import SmallRecipeConfig


def build_world(config: SmallRecipeConfig) -> World:
    """Render the pools from the recipe's seed, on its device, at the working size of the
    network."""
    pools, network = config.world, config.network
    print(f"drawing {pools.solids_per_kind} solids of each kind and {pools.backgrounds} backgrounds on {config.device}", flush=True)
    size = (network.height, network.width)
    return World(config.device, seed=config.seed, pools=pools, size=size, window_frames=network.window_frames)
