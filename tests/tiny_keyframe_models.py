"""Small random keyframe models of diffusers' own classes, in folders as the hub has them."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import core.compat  # noqa: F401  (first: transformers imports torchvision)

SIDE = 64


def write_keyframe_model(kind: str, folder: Path) -> Path:
    """Write a `flux2-klein`, an `sdxl` or a `qwen-image` that paints on squares of SIDE pixels."""
    import torch

    torch.manual_seed(0)
    {"flux2-klein": _klein, "sdxl": _sdxl, "qwen-image": _qwen}[kind]().save_pretrained(folder)
    (folder / "vivid.json").write_text(json.dumps({"side": SIDE}))
    return folder


def _klein() -> Any:
    from diffusers import AutoencoderKLFlux2, FlowMatchEulerDiscreteScheduler, Flux2KleinInpaintPipeline, Flux2Transformer2DModel
    from transformers import Qwen3Config, Qwen3ForCausalLM

    # The pipeline reads layers 9, 18 and 27.
    words = {
        "num_hidden_layers": 28,
        "vocab_size": 300,
        "hidden_size": 8,
        "intermediate_size": 8,
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
        "head_dim": 8,
    }
    return Flux2KleinInpaintPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=AutoencoderKLFlux2(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(8, 8, 8, 8),
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=4,
        ),
        text_encoder=Qwen3ForCausalLM(Qwen3Config(**words, tie_word_embeddings=True)),
        tokenizer=_bytes_tokenizer(),
        transformer=Flux2Transformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=24,
            axes_dims_rope=(4, 4, 4, 4),
            guidance_embeds=False,
        ),
        is_distilled=True,
    )


def _sdxl() -> Any:
    from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLInpaintPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    text = CLIPTextConfig(
        vocab_size=100,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=16,
        bos_token_id=52,
        eos_token_id=53,
        hidden_act="gelu",
    )
    return StableDiffusionXLInpaintPipeline(
        vae=AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(8, 8, 8, 8),
            layers_per_block=1,
            norm_num_groups=4,
        ),
        text_encoder=CLIPTextModel(text),
        text_encoder_2=CLIPTextModelWithProjection(text),
        tokenizer=_letters_tokenizer(),
        tokenizer_2=_letters_tokenizer(),
        unet=UNet2DConditionModel(
            block_out_channels=(8, 16),
            layers_per_block=1,
            in_channels=9,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            attention_head_dim=(2, 4),
            norm_num_groups=4,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            transformer_layers_per_block=(1, 1),
            projection_class_embeddings_input_dim=64,
            cross_attention_dim=32,
        ),
        scheduler=EulerDiscreteScheduler(),
        add_watermarker=False,
    )


def _qwen() -> Any:
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImageControlNetInpaintPipeline,
        QwenImageControlNetModel,
        QwenImageTransformer2DModel,
    )
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    words = {"vocab_size": 300, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    words |= {
        "bos_token_id": 97,
        "eos_token_id": 97,
        "num_key_value_heads": 2,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [1, 1, 2]},
    }
    sight = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16}
    net = {"in_channels": 16, "out_channels": 4, "attention_head_dim": 16, "num_attention_heads": 2, "joint_attention_dim": 16}
    net |= {"num_layers": 1, "axes_dims_rope": (4, 6, 6)}
    return QwenImageControlNetInpaintPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=AutoencoderKLQwenImage(
            base_dim=8, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, latents_mean=[0.1] * 4, latents_std=[1.5] * 4
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=words, vision_config=sight)),
        tokenizer=_bytes_tokenizer(),
        transformer=QwenImageTransformer2DModel(**net),
        controlnet=QwenImageControlNetModel(**net, extra_condition_channels=4),
    )


def _letters_tokenizer() -> Any:
    from transformers import CLIPTokenizer

    letters = [*string.ascii_lowercase, *(f"{letter}</w>" for letter in string.ascii_lowercase), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: index for index, word in enumerate(letters)}, merges=[], model_max_length=16)


def _bytes_tokenizer() -> Any:
    from transformers import Qwen2TokenizerFast

    letters = [*(chr(code) for code in range(33, 127)), "Ġ", "Ċ", "<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    made = Qwen2TokenizerFast(vocab={word: index for index, word in enumerate(letters)}, merges=[])
    made.chat_template = "{% for message in messages %}<|im_start|>{{ message['content'] }}<|im_end|>{% endfor %}"
    return made
