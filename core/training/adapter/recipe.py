"""Recipe `vivid-5b`: VIVID on a frozen CogVideoX of any size."""

from __future__ import annotations

from core.machine import let_device_memory_grow
from core.training.adapter.config import Vivid5bConfig


def train(config: Vivid5bConfig) -> None:
    """Run the recipe, or what `precompute` and `benchmark` say instead.

    Each loads only what it needs: the benchmark reads no files.
    """
    let_device_memory_grow()
    if config.benchmark:
        from core.training.adapter.benchmark import run_benchmark

        run_benchmark(config)
    else:
        from core.training.adapter.run import run_recipe

        run_recipe(config)
