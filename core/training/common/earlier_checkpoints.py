"""Reads the checkpoints of version 0.1, which the small recipes and `vivid-5b` wrote each in a form
of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn


def in_current_form(state: dict[str, Any], recipe: str, modules: Mapping[str, nn.Module]) -> dict[str, Any]:
    """Bring the state of a checkpoint into the form that `TrainingRun` writes today.

    Args:
        state: what the file holds, of any version.
        recipe: the recipe that reads it.
        modules: its modules by name.

    Returns:
        The same state where it is of today's form, else a new one.
    """
    if "modules" in state:  # a small recipe
        return _of_small_recipe(state, recipe, modules)
    if "seconds" in state:  # vivid-5b
        return {
            "recipe": state["recipe"],
            "step": state["step"],
            "elapsed": state["seconds"],
            "generators": {},
            "buffers": {},
            "extra": {"pending": state["pending"], "samples": state["samples"]},
            **{name: state[name] for name in ("weights", "average", "adam")},
        }
    return state


def _of_small_recipe(state: dict[str, Any], recipe: str, modules: Mapping[str, nn.Module]) -> dict[str, Any]:
    """All weights were in the modules' states, and the average was a list in the order of the
    parameters."""
    weights: dict[str, Any] = {}
    buffers: dict[str, Any] = {}
    for name, module in modules.items():
        own = dict(state["modules"].get(name, {}))
        weights |= {f"{name}.{key}": own.pop(key) for key, _ in module.named_parameters() if key in own}
        buffers[name] = own
    return {
        "recipe": recipe,
        "step": state["step"],
        "elapsed": state["elapsed"],
        "generators": state["generators"],
        "buffers": buffers,
        "extra": state["extra"],
        "weights": weights,
        "average": dict(zip(weights, state["average"], strict=False)),
        "adam": state["optimizer"],
    }
