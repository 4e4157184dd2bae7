"""Keyframe models at their true size, without weights: how they share out each card."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from typing import Any

import pytest
import torch

from core.keyframe_models.placing import plan_parts
from core.models.catalogue import MODELS
from core.vivid.presets import CARDS, free_of_card
from scripts.keyframe_parts import klein_parts, qwen_parts, sdxl_parts

HALF, BOTH = torch.bfloat16, ("text_encoder", "transformer")


@pytest.mark.parametrize(
    ("name", "build", "denoiser", "size", "layers"),
    [
        ("flux2-klein-4b", klein_parts, "transformer", 1024, {8: BOTH}),
        ("sdxl-inpaint", sdxl_parts, "unet", 1024, {8: ("unet",)}),
        ("qwen-image-inpaint", qwen_parts, "transformer", 1328, {8: BOTH, 12: BOTH, 16: BOTH, 24: BOTH[1:], 40: BOTH[1:]}),
    ],
)
def test_the_parts_of_a_true_size_model_find_room_on_each_card(
    name: str, build: Any, denoiser: str, size: int, layers: dict[int, tuple[str, ...]]
) -> None:
    with torch.device("meta"):
        parts = {key: part.to(HALF) for key, part in build().items()}
    sizes = MODELS[name].parameters
    assert sizes is not None
    text = sum(sum(value.numel() for value in part.parameters()) for key, part in parts.items() if key.startswith("text_encoder"))
    counts = [text / 1e9, *(sum(value.numel() for value in parts[key].parameters()) / 1e9 for key in (denoiser, "vae"))]
    assert counts == pytest.approx([sizes.text_encoder, sizes.denoiser, sizes.autoencoder], abs=0.002)
    plans = {card: plan_parts(parts, denoiser, "auto", (size, size), free_of_card(card)) for card in CARDS}
    assert {card: plan.streamed for card, plan in plans.items() if plan.streamed} == layers
    assert all(plan.need <= free_of_card(card) for card, plan in plans.items())
