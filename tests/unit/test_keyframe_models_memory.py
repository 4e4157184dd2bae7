"""Keyframe models at their true size, without weights: how they share out each card."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from typing import Any

import diffusers
import pytest
import torch
import transformers

from core.keyframe_models.placing import plan_parts
from core.models.catalogue import MODELS
from core.vivid.presets import CARDS, free_of_card
from scripts.measure_keyframe_model import klein_parts

HALF, BOTH = torch.bfloat16, ("text_encoder", "transformer")


def sdxl() -> dict[str, Any]:
    small = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    large = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20, "projection_dim": 1280}
    return {
        "vae": diffusers.AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
        ),
        "text_encoder": transformers.CLIPTextModel(transformers.CLIPTextConfig(**small)),
        "text_encoder_2": transformers.CLIPTextModelWithProjection(transformers.CLIPTextConfig(**large)),
        "unet": diffusers.UNet2DConditionModel(
            in_channels=9,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            block_out_channels=(320, 640, 1280),
            attention_head_dim=(5, 10, 20),
            transformer_layers_per_block=(1, 2, 10),
            use_linear_projection=True,
            cross_attention_dim=2048,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        ),
    }


def qwen() -> dict[str, Any]:
    words = {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28}
    words |= {"num_key_value_heads": 4, "vocab_size": 152064}
    config = transformers.Qwen2_5_VLConfig(text_config=words, vision_config={"hidden_size": 1280, "out_hidden_size": 3584})
    return {
        "vae": diffusers.AutoencoderKLQwenImage(),
        "text_encoder": transformers.Qwen2_5_VLForConditionalGeneration(config),
        "transformer": diffusers.QwenImageTransformer2DModel(),
    }


@pytest.mark.parametrize(
    ("name", "build", "denoiser", "size", "layers"),
    [
        ("flux2-klein-4b", klein_parts, "transformer", 1024, {8: BOTH}),
        ("sdxl-inpaint", sdxl, "unet", 1024, {8: ("unet",)}),
        ("qwen-image-inpaint", qwen, "transformer", 1328, {8: BOTH, 12: BOTH, 16: BOTH, 24: BOTH[1:], 40: BOTH[1:]}),
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
