"""Recipe `vivid-5b`: VIVID on a frozen CogVideoX of any size."""

from __future__ import annotations

import os

from core.training.adapter.config import Vivid5bConfig


def train(config: Vivid5bConfig) -> None:
    """Run the recipe, or what `precompute` and `benchmark` say instead.

    Each loads only what it needs: the benchmark reads no files.
    """
    # Read when CUDA starts. Tensors of very different sizes come and go: without this the allocator
    # loses gigabytes between them.
    os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    if config.benchmark:
        from core.training.adapter.benchmark import run_benchmark

        run_benchmark(config)
    else:
        from core.training.adapter.run import run_recipe

        run_recipe(config)
