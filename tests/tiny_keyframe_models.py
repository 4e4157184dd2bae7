"""Small random keyframe models of diffusers' own classes, in folders as the hub has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import core.compat  # noqa: F401  (first: transformers imports torchvision)

SIDE = 64


def write_keyframe_model(kind: str, folder: Path) -> Path:
    """Write a `flux2-klein` that paints on squares of SIDE pixels."""
    import torch

    torch.manual_seed(0)
    {"flux2-klein": _klein}[kind]().save_pretrained(folder)
    (folder / "vivid.json").write_text(json.dumps({"side": SIDE}))
    return folder


def _klein() -> Any:
    from diffusers import AutoencoderKLFlux2, FlowMatchEulerDiscreteScheduler, Flux2KleinInpaintPipeline, Flux2Transformer2DModel
    from transformers import Qwen3Config, Qwen3ForCausalLM

    words = {"vocab_size": 300, "hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 1, "num_key_value_heads": 1, "head_dim": 8}
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
        text_encoder=Qwen3ForCausalLM(Qwen3Config(**words, num_hidden_layers=28)),  # the pipeline reads layers 9, 18 and 27
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


def _bytes_tokenizer() -> Any:
    from transformers import Qwen2TokenizerFast

    letters = [*(chr(code) for code in range(33, 127)), "Ġ", "Ċ", "<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    made = Qwen2TokenizerFast(vocab={word: index for index, word in enumerate(letters)}, merges=[])
    made.chat_template = "{% for message in messages %}<|im_start|>{{ message['content'] }}<|im_end|>{% endfor %}"
    return made
