"""Training recipes: `launch.py train RECIPE [key=value ...]`, or `python3 -m core.training ...` where only the trainer's packages are."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from core.errors import InputError


class Recipe(NamedTuple):
    """Where a recipe's code and configuration are; nothing heavy is imported before it is asked for."""

    module: str
    config: str
    about: str
    config_module: str = "core.training.common.config"


RECIPES = {
    "small-vae": Recipe("core.training.small.vae", "VaeConfig", "the small autoencoder"),
    "small-base": Recipe(
        "core.training.small.base",
        "BaseConfig",
        "a small text-to-video CogVideoX without any mask, over a trained autoencoder",
        "core.training.small.base_config",
    ),
    "small-vivid": Recipe("core.training.small.vivid", "VividConfig", "the small denoiser and text encoder, over a trained autoencoder"),
    "small-sam2": Recipe("core.training.small.sam2", "Sam2RecipeConfig", "the small SAM 2, on clips of moving things"),
    "vivid-5b": Recipe(
        "core.training.adapter.recipe",
        "Vivid5bConfig",
        "VIVID's LoRA and patch embedding on a frozen CogVideoX (5B or any other)",
        "core.training.adapter.config",
    ),
    "small-classifier": Recipe("core.training.small.classifier", "ClassifierConfig", "the judge of kind and colour, for `evaluate`"),
}
_HELP = ("-h", "--help", "help")


def main(arguments: list[str]) -> int:
    """Run `RECIPE [key=value ...]`. Raises InputError for a recipe or setting that does not exist."""
    if not arguments or arguments[0] in _HELP:
        lines = "\n".join(f"  {name:18}{recipe.about}" for name, recipe in RECIPES.items())
        print(f"usage: train RECIPE [key=value ...]\n\nrecipes:\n{lines}\n\n`train RECIPE --help` explains a recipe's settings.")
        return 0
    name, *words = arguments
    if name not in RECIPES:
        raise InputError(f"unknown recipe '{name}'; known: {', '.join(RECIPES)}")
    from core.training.common import config, describe

    recipe = RECIPES[name]
    defaults = getattr(importlib.import_module(recipe.config_module), recipe.config)()
    if any(word in _HELP for word in words):
        print(f"usage: train {name} [key=value ...]\n\n{recipe.about}\n\n{describe.settings(defaults)}")
        return 0
    settings = config.with_overrides(defaults, words)
    importlib.import_module(recipe.module).train(settings)
    return 0
