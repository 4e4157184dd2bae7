"""The recipes' procedural world, from their configuration."""

from __future__ import annotations

from core.data.world import World
from core.training.common.config import RecipeConfig


def build_world(config: RecipeConfig) -> World:
    """Pools rendered from the recipe's seed on its device, at the network's working size."""
    sizes, network = config.world, config.network
    print(f"drawing {sizes.solids_per_kind} solids of each kind and {sizes.backgrounds} backgrounds on {config.device}", flush=True)
    return World(
        config.device,
        seed=config.seed,
        solids_per_kind=sizes.solids_per_kind,
        solid_size=sizes.solid_size,
        backgrounds=sizes.backgrounds,
        background_size=sizes.background_size,
        silhouettes=sizes.silhouettes,
        size=(network.height, network.width),
        window_frames=network.window_frames,
    )
