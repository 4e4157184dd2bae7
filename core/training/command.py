"""The command `train`: which recipes there are, their settings, and running one."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from core.errors import InputError


class TrainingRecipe(NamedTuple):
    """Where the code and the configuration of a recipe are; nothing heavy is imported before it is
    needed."""

    module: str
    config_module: str
    config: str
    about: str


RECIPES = {
    "small-vae": TrainingRecipe(
        "core.training.small.vae",
        "core.training.small.vae_config",
        "VaeConfig",
        "the small autoencoder",
    ),
    "small-base": TrainingRecipe(
        "core.training.small.base",
        "core.training.small.base_config",
        "BaseConfig",
        "a small text-to-video CogVideoX without any mask, over a trained autoencoder",
    ),
    "small-vivid": TrainingRecipe(
        "core.training.small.vivid",
        "core.training.small.vivid_config",
        "VividConfig",
        "the small denoiser and text encoder, over a trained autoencoder",
    ),
    "small-sam2": TrainingRecipe(
        "core.training.small.sam2",
        "core.training.small.sam2_config",
        "Sam2RecipeConfig",
        "the small SAM 2, on clips of moving objects",
    ),
    "vivid-5b": TrainingRecipe(
        "core.training.adapter.recipe",
        "core.training.adapter.config",
        "Vivid5bConfig",
        "VIVID's LoRA and patch embedding on a frozen CogVideoX (5B or any other)",
    ),
    "small-classifier": TrainingRecipe(
        "core.training.small.classifier",
        "core.training.small.classifier_config",
        "ClassifierConfig",
        "the classifier of kind and colour, for `evaluate`",
    ),
}
_HELP = ("-h", "--help", "help")


def main(arguments: list[str]) -> int:
    """Run `RECIPE [key=value ...]` and return the exit code.

    Raises InputError for an unknown recipe or setting.
    """
    if not arguments or arguments[0] in _HELP:
        lines = "\n".join(f"  {name:18}{recipe.about}" for name, recipe in RECIPES.items())
        print(f"usage: train RECIPE [key=value ...]\n\nrecipes:\n{lines}\n\n`train RECIPE --help` explains a recipe's settings.")
        return 0
    name, *words = arguments
    if name not in RECIPES:
        raise InputError(f"unknown recipe '{name}'; known: {', '.join(RECIPES)}")
    from core.training.common import overrides, setting_help

    recipe = RECIPES[name]
    defaults = getattr(importlib.import_module(recipe.config_module), recipe.config)()
    if any(word in _HELP for word in words):
        print(f"usage: train {name} [key=value ...]\n\n{recipe.about}\n\n{setting_help.explain(defaults)}")
        return 0
    settings = overrides.with_overrides(defaults, words)
    importlib.import_module(recipe.module).train(settings)
    return 0
