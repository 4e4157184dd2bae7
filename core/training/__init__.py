"""Training recipes, from the command line as `python3 -m core.training RECIPE [key=value ...]` and from code as `main`."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from core.errors import InputError


class Recipe(NamedTuple):
    """Where a recipe's code and configuration are; nothing heavy is imported before it is asked for."""

    module: str
    config: str
    about: str


RECIPES = {
    "small-vae": Recipe("core.training.small_vae", "VaeConfig", "the small autoencoder"),
    "small-vivid": Recipe("core.training.small_vivid", "VividConfig", "the small denoiser and text encoder, over a trained autoencoder"),
    "small-sam2": Recipe("core.training.small_sam2", "Sam2RecipeConfig", "the small SAM 2, on clips of moving things"),
}


def main(arguments: list[str]) -> int:
    """Run `RECIPE [key=value ...]`. Raises InputError for a recipe or setting that does not exist."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: RECIPE [key=value ...]\n" + "\n".join(f"  {name:14}{recipe.about}" for name, recipe in RECIPES.items()))
        return 0
    name, *words = arguments
    if name not in RECIPES:
        raise InputError(f"unknown recipe '{name}'; known: {', '.join(RECIPES)}")
    from core.training import config

    recipe = RECIPES[name]
    settings = config.with_overrides(getattr(config, recipe.config)(), words)
    importlib.import_module(recipe.module).train(settings)
    return 0
