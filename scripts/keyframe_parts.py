"""The networks of keyframe models at their true size with fresh weights, or as toys."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from typing import Any

import diffusers
import transformers

Parts = dict[str, Any]


def klein_parts(tiny: bool = False) -> Parts:
    """FLUX.2 klein 4B, on torch's present device."""
    words = {"hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8}
    if tiny:
        words = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 28, "num_attention_heads": 2, "num_key_value_heads": 1}
    blocks = (8, 8, 8, 8) if tiny else (128, 256, 512, 512)
    return {
        "vae": diffusers.AutoencoderKLFlux2(block_out_channels=blocks, norm_num_groups=4 if tiny else 32),
        "text_encoder": transformers.Qwen3ForCausalLM(
            transformers.Qwen3Config(**words, vocab_size=300 if tiny else 151936, tie_word_embeddings=True)
        ),
        "transformer": diffusers.Flux2Transformer2DModel(
            num_layers=1 if tiny else 5,
            num_single_layers=1 if tiny else 20,
            num_attention_heads=2 if tiny else 24,
            joint_attention_dim=3 * words["hidden_size"],
            guidance_embeds=False,
        ),
    }


def sdxl_parts(tiny: bool = False) -> Parts:
    """SDXL inpainting, on torch's present device."""
    small = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    large = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20, "projection_dim": 1280}
    if tiny:
        small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 300}
        large = small | {"projection_dim": 16}
    channels = (8, 16, 16) if tiny else (320, 640, 1280)
    return {
        "vae": diffusers.AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(8, 8, 8, 8) if tiny else (128, 256, 512, 512),
            layers_per_block=2,
            norm_num_groups=4 if tiny else 32,
        ),
        "text_encoder": transformers.CLIPTextModel(transformers.CLIPTextConfig(**small)),
        "text_encoder_2": transformers.CLIPTextModelWithProjection(transformers.CLIPTextConfig(**large)),
        "unet": diffusers.UNet2DConditionModel(
            in_channels=9,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            block_out_channels=channels,
            attention_head_dim=(2, 4, 4) if tiny else (5, 10, 20),
            transformer_layers_per_block=1 if tiny else (1, 2, 10),
            use_linear_projection=True,
            norm_num_groups=4 if tiny else 32,
            cross_attention_dim=small["hidden_size"] + large["hidden_size"],
            addition_embed_type="text_time",
            addition_time_embed_dim=8 if tiny else 256,
            projection_class_embeddings_input_dim=6 * (8 if tiny else 256) + large["projection_dim"],
        ),
    }


def qwen_parts(tiny: bool = False) -> Parts:
    """Qwen-Image, on torch's present device; its ControlNet is apart."""
    words: dict[str, Any] = {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28}
    words |= {"num_key_value_heads": 4, "vocab_size": 152064}
    sight = {"hidden_size": 1280, "out_hidden_size": 3584}
    if tiny:
        words = {"hidden_size": 32, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1}
        words |= {"vocab_size": 300, "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]}}
        sight = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 32}
    return {
        "vae": diffusers.AutoencoderKLQwenImage(**({"base_dim": 8, "num_res_blocks": 1} if tiny else {})),
        "text_encoder": transformers.Qwen2_5_VLForConditionalGeneration(
            transformers.Qwen2_5_VLConfig(text_config=words, vision_config=sight)
        ),
        "transformer": diffusers.QwenImageTransformer2DModel(**(_TINY_QWEN if tiny else {})),
    }


def qwen_control(tiny: bool = False) -> diffusers.QwenImageControlNetModel:
    """A ControlNet for inpainting. How many layers the public one has was not read: six are
    taken.
    """
    return diffusers.QwenImageControlNetModel(**(_TINY_QWEN if tiny else {"num_layers": 6}), extra_condition_channels=4)


_TINY_QWEN = {"num_layers": 1, "num_attention_heads": 2, "joint_attention_dim": 32}
